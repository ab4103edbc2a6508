-- +goose Up
-- A family's list reads its words from the index alone.
DROP INDEX word_pupil_pupil;
CREATE INDEX word_pupil_pupil ON word_pupil (pupil, published_at, word);
DROP INDEX word_class_page;
CREATE INDEX word_class_page ON word_class (class, published_at, word);

-- +goose Down
SELECT 1;
