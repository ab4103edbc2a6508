-- +goose Up
-- Whether they were told that little room is left, since it is.
ALTER TABLE file_usage ADD COLUMN told BOOLEAN NOT NULL DEFAULT FALSE;
CREATE INDEX file_usage_untold ON file_usage (warned_at) WHERE warned_at IS NOT NULL AND NOT told;

-- +goose Down
SELECT 1;
