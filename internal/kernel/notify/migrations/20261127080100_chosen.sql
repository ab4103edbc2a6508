-- +goose Up
-- Told to chosen people alone: whoever comes later is not told of it.
ALTER TABLE event ADD COLUMN chosen BOOLEAN NOT NULL DEFAULT FALSE;

-- +goose Down
SELECT 1;
