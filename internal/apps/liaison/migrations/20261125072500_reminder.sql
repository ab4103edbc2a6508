-- +goose Up
-- Whom a word was recalled to, once a round.
CREATE TABLE reminder (
  word   TEXT NOT NULL REFERENCES word (id),
  person TEXT NOT NULL REFERENCES person (id),
  round  BIGINT NOT NULL,
  at     BIGINT NOT NULL,
  PRIMARY KEY (word, person, round)
);
CREATE INDEX reminder_person ON reminder (person);

-- +goose Down
SELECT 1;
