-- +goose Up
-- What an item asks that a tap does not answer, in its kind's own words: lists
-- say so without reading the service's tables. Empty asks nothing more.
ALTER TABLE resource ADD COLUMN asks TEXT NOT NULL DEFAULT '';

-- +goose Down
SELECT 1;
