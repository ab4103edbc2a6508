-- +goose Up
-- The staff of a school see that a child is absent and say that it is seen; why
-- is for the teachers of the child and the head.
UPDATE resource_grant SET role = 2 WHERE principal = 'school:staff' AND role = 3 AND resource IN (SELECT id FROM absence);

-- +goose Down
SELECT 1;
