-- +goose Up
CREATE TABLE absence_reason (
  name TEXT PRIMARY KEY
);
INSERT INTO absence_reason (name) VALUES ('sick'), ('appointment'), ('family'), ('other');

-- An absence that a relative announced; the same id as its resource. Why is
-- theirs to say or not, and is forgotten with the school year.
CREATE TABLE absence (
  id           TEXT PRIMARY KEY REFERENCES resource (id),
  school       TEXT NOT NULL REFERENCES school (id),
  pupil        TEXT NOT NULL REFERENCES person (id),
  author       TEXT REFERENCES person (id),
  reason       TEXT REFERENCES absence_reason (name),
  words        TEXT NOT NULL DEFAULT '',
  created_at   BIGINT NOT NULL,
  withdrawn_at BIGINT,
  seen_by      TEXT REFERENCES person (id),
  seen_at      BIGINT
);
CREATE INDEX absence_author ON absence (author);
CREATE INDEX absence_pupil ON absence (pupil);
CREATE INDEX absence_told ON absence (created_at) WHERE (reason IS NOT NULL OR words <> '');

-- Its half-days, 0 in the morning and 1 in the afternoon: a child is absent once.
CREATE TABLE absence_half (
  pupil   TEXT NOT NULL REFERENCES person (id),
  day     TEXT NOT NULL,
  half    BIGINT NOT NULL,
  absence TEXT NOT NULL REFERENCES absence (id),
  school  TEXT NOT NULL REFERENCES school (id),
  PRIMARY KEY (pupil, day, half)
);
CREATE INDEX absence_half_of ON absence_half (absence);
CREATE INDEX absence_half_day ON absence_half (school, day);

-- +goose Down
SELECT 1;
