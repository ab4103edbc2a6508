-- +goose Up
-- An event's lines are written and told of in batches, by person: each batch
-- begins where the last one ended, and does not walk those before it again.
DROP INDEX feed_event;
CREATE INDEX feed_event ON feed (event, person);

-- +goose Down
SELECT 1;
