-- +goose Up
-- The day of the week's summary: Monday 1 to Sunday 7.
ALTER TABLE told_hours ADD COLUMN day BIGINT NOT NULL DEFAULT 5;

-- +goose Down
SELECT 1;
