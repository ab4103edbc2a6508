-- +goose Up
-- What the editor made of a draft's text, clean HTML, whose words are the body;
-- empty where it was typed without the editor.
ALTER TABLE word_draft ADD COLUMN rich TEXT NOT NULL DEFAULT '';

-- +goose Down
SELECT 1;
