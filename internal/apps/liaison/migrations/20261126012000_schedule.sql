-- +goose Up
-- When a draft is to be sent, under which profile, and the key of the sentence
-- that says why it could not be.
ALTER TABLE word_draft ADD COLUMN send_at BIGINT;
ALTER TABLE word_draft ADD COLUMN profile TEXT NOT NULL DEFAULT '';
ALTER TABLE word_draft ADD COLUMN refused TEXT NOT NULL DEFAULT '';
CREATE INDEX word_draft_send ON word_draft (send_at) WHERE send_at IS NOT NULL;

-- How many days before the date the missing are reminded, and when that is to
-- be done; NULL once it is.
ALTER TABLE word_draft ADD COLUMN recall BIGINT NOT NULL DEFAULT 0;
ALTER TABLE word ADD COLUMN recall BIGINT NOT NULL DEFAULT 0;
ALTER TABLE word ADD COLUMN recall_at BIGINT;
CREATE INDEX word_recall ON word (recall_at) WHERE recall_at IS NOT NULL;

-- +goose Down
SELECT 1;
