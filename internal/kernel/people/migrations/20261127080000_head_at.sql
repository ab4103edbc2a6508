-- +goose Up
-- Since when a member has been head: what is asked of heads counts from there.
ALTER TABLE membership ADD COLUMN head_at BIGINT NOT NULL DEFAULT 0;
UPDATE membership SET head_at = valid_from WHERE head;

-- +goose Down
SELECT 1;
