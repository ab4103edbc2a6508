-- +goose Up
-- The classes of a word, for those who joined them since.
CREATE INDEX word_class_word ON word_class (word);

-- +goose Down
SELECT 1;
