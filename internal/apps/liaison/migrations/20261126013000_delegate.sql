-- +goose Up
-- Colleagues to whom the author of a word handed its follow-up.
CREATE TABLE word_delegate (
  word         TEXT NOT NULL REFERENCES word (id),
  person       TEXT NOT NULL REFERENCES person (id),
  published_at BIGINT NOT NULL, -- the word's: their list is one range of the index
  at           BIGINT NOT NULL,
  PRIMARY KEY (word, person)
);
CREATE INDEX word_delegate_page ON word_delegate (person, published_at, word);

-- +goose Down
SELECT 1;
