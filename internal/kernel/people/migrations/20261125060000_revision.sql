-- +goose Up
-- Grows with each change of a school's pupils and families: what was counted
-- from the directory says at which revision, and is counted again after it.
ALTER TABLE school ADD COLUMN revision BIGINT NOT NULL DEFAULT 0;

-- +goose Down
SELECT 1;
