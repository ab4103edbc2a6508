-- +goose Up
-- What waits for a person is one range of this index, in the order of the page:
-- without the event in it, SQLite walks the whole feed, and that grows for years.
DROP INDEX feed_awaits;
CREATE INDEX feed_awaits ON feed (person, at, event) WHERE awaits;

-- +goose Down
SELECT 1;
