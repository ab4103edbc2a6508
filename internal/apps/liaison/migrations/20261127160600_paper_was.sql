-- +goose Up
-- What a slip said before it was noted to say something else, for as long as that
-- can be taken back.
ALTER TABLE word_paper ADD COLUMN was_version BIGINT;
ALTER TABLE word_paper ADD COLUMN was_by TEXT REFERENCES person (id);
ALTER TABLE word_paper ADD COLUMN was_at BIGINT;
ALTER TABLE word_paper ADD COLUMN was_choice BIGINT;
ALTER TABLE word_paper ADD COLUMN was_body TEXT NOT NULL DEFAULT '';
CREATE INDEX word_paper_was ON word_paper (was_by) WHERE was_by IS NOT NULL;

-- +goose Down
SELECT 1;
