-- +goose Up
-- Until when its owner keeps a file that nothing shows yet.
ALTER TABLE file ADD COLUMN kept_until BIGINT NOT NULL DEFAULT 0;

-- +goose Down
SELECT 1;
