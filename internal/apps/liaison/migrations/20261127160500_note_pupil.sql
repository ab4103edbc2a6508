-- +goose Up
-- A word that went to two children of a family has a thread for each. A key of a
-- table is not changed alone by both databases: the tables are made anew.
CREATE TABLE kept_note AS SELECT * FROM note;
CREATE TABLE kept_note_to AS SELECT * FROM note_to;
CREATE TABLE kept_note_message AS SELECT * FROM note_message;
CREATE TABLE kept_note_file AS SELECT * FROM note_file;
CREATE TABLE kept_note_reader AS SELECT * FROM note_reader;
DROP TABLE note_reader;
DROP TABLE note_file;
DROP TABLE note_message;
DROP TABLE note_to;
DROP TABLE note;

CREATE TABLE note (
  id       TEXT PRIMARY KEY REFERENCES resource (id),
  school   TEXT NOT NULL REFERENCES school (id),
  author   TEXT NOT NULL REFERENCES person (id),
  pupil    TEXT NOT NULL REFERENCES person (id),
  word     TEXT REFERENCES word (id), -- the word that it answers
  audience TEXT NOT NULL,             -- who receives it, as the form said; '' is the author of the word
  messages BIGINT NOT NULL,
  last_at  BIGINT NOT NULL,
  UNIQUE (word, author, pupil)
);
CREATE INDEX note_author ON note (author);
CREATE INDEX note_pupil ON note (pupil);
CREATE INDEX note_last ON note (last_at);

CREATE TABLE note_to (
  note      TEXT NOT NULL REFERENCES note (id),
  school    TEXT NOT NULL REFERENCES school (id),
  principal TEXT NOT NULL,
  last_at   BIGINT NOT NULL,
  PRIMARY KEY (note, principal)
);
CREATE INDEX note_to_page ON note_to (school, principal, last_at, note);

CREATE TABLE note_message (
  id     TEXT PRIMARY KEY,
  note   TEXT NOT NULL REFERENCES note (id),
  n      BIGINT NOT NULL,
  author TEXT NOT NULL REFERENCES person (id),
  event  TEXT NOT NULL,
  at     BIGINT NOT NULL,
  body   TEXT NOT NULL,
  UNIQUE (note, n)
);
CREATE INDEX note_message_author ON note_message (author);

CREATE TABLE note_file (
  note TEXT NOT NULL REFERENCES note (id),
  file TEXT NOT NULL REFERENCES file (id),
  n    BIGINT NOT NULL,
  PRIMARY KEY (note, file)
);
CREATE INDEX note_file_file ON note_file (file);

CREATE TABLE note_reader (
  note   TEXT NOT NULL REFERENCES note (id),
  person TEXT NOT NULL REFERENCES person (id),
  seen   BIGINT NOT NULL,
  at     BIGINT NOT NULL,
  PRIMARY KEY (note, person)
);
CREATE INDEX note_reader_person ON note_reader (person);

INSERT INTO note (id, school, author, pupil, word, audience, messages, last_at) SELECT id, school, author, pupil, word, audience, messages, last_at FROM kept_note;
INSERT INTO note_to (note, school, principal, last_at) SELECT note, school, principal, last_at FROM kept_note_to;
INSERT INTO note_message (id, note, n, author, event, at, body) SELECT id, note, n, author, event, at, body FROM kept_note_message;
INSERT INTO note_file (note, file, n) SELECT note, file, n FROM kept_note_file;
INSERT INTO note_reader (note, person, seen, at) SELECT note, person, seen, at FROM kept_note_reader;
DROP TABLE kept_note_reader;
DROP TABLE kept_note_file;
DROP TABLE kept_note_message;
DROP TABLE kept_note_to;
DROP TABLE kept_note;

-- An author's list reads its words from the index alone.
DROP INDEX word_author;
CREATE INDEX word_author ON word (author, published_at, id);

-- +goose Down
SELECT 1;
