-- +goose Up
-- When a word was last corrected.
ALTER TABLE word ADD COLUMN corrected_at BIGINT;

-- What a word said before each correction, who changed it and when. asked is
-- the version that asked then: a reply to it is kept under its own.
CREATE TABLE word_version (
  word      TEXT NOT NULL REFERENCES word (id),
  version   BIGINT NOT NULL,
  asked     BIGINT NOT NULL,
  title     TEXT NOT NULL,
  body      TEXT NOT NULL,
  theme     TEXT REFERENCES word_theme (name),
  due       TEXT NOT NULL,
  files     TEXT NOT NULL DEFAULT '', -- their names, a line each
  corrector TEXT NOT NULL REFERENCES person (id),
  at        BIGINT NOT NULL,
  PRIMARY KEY (word, version)
);
CREATE INDEX word_version_corrector ON word_version (corrector);

-- Who had read a version, kept when a later one asks again.
CREATE TABLE receipt_past (
  word    TEXT NOT NULL REFERENCES word (id),
  person  TEXT NOT NULL REFERENCES person (id),
  version BIGINT NOT NULL,
  read_at BIGINT NOT NULL,
  PRIMARY KEY (word, person, version)
);
CREATE INDEX receipt_past_person ON receipt_past (person);

-- +goose Down
SELECT 1;
