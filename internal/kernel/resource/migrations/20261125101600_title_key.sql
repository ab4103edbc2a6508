-- +goose Up
-- Titles are found in the index of the search.
ALTER TABLE resource DROP COLUMN title_key;

-- +goose Down
SELECT 1;
