-- +goose Up
-- A slip of paper that a family sent back, as whoever noted it read it: it is the
-- school's note, never the click of a relative.
CREATE TABLE word_paper (
  word     TEXT NOT NULL REFERENCES word (id),
  pupil    TEXT NOT NULL REFERENCES person (id),
  asked    BIGINT NOT NULL, -- word.asked then: who is asked again sends another
  version  BIGINT NOT NULL, -- of the word, as it was printed
  noted_by TEXT NOT NULL REFERENCES person (id),
  noted_at BIGINT NOT NULL,
  choice   BIGINT,
  body     TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (word, pupil, asked)
);
CREATE INDEX word_paper_pupil ON word_paper (pupil);
CREATE INDEX word_paper_by ON word_paper (noted_by);

-- +goose Down
SELECT 1;
