-- +goose Up
-- What one relative writes about a child, no other relative of the child reads,
-- be they a teacher or the head by then.
UPDATE resource SET withheld = (SELECT n.pupil FROM note n WHERE n.id = resource.id) WHERE kind = 'liaison.note';

-- +goose Down
SELECT 1;
