-- +goose Up
-- What a relative writes to the school about a child, and what it answers: a
-- thread between them and the school. The same id as its resource.
CREATE TABLE note (
  id       TEXT PRIMARY KEY REFERENCES resource (id),
  school   TEXT NOT NULL REFERENCES school (id),
  author   TEXT NOT NULL REFERENCES person (id),
  pupil    TEXT NOT NULL REFERENCES person (id),
  word     TEXT REFERENCES word (id), -- the word that it answers
  audience TEXT NOT NULL,             -- who receives it, as the form said; '' is the author of the word
  messages BIGINT NOT NULL,
  last_at  BIGINT NOT NULL,
  UNIQUE (word, author)
);
CREATE INDEX note_author ON note (author);
CREATE INDEX note_pupil ON note (pupil);
CREATE INDEX note_last ON note (last_at);

-- Whose list has it: one range of this index for each principal that somebody has.
CREATE TABLE note_to (
  note      TEXT NOT NULL REFERENCES note (id),
  school    TEXT NOT NULL REFERENCES school (id),
  principal TEXT NOT NULL,
  last_at   BIGINT NOT NULL,
  PRIMARY KEY (note, principal)
);
CREATE INDEX note_to_page ON note_to (school, principal, last_at);

CREATE TABLE note_message (
  id     TEXT PRIMARY KEY, -- made with the form, so that sending twice sends once
  note   TEXT NOT NULL REFERENCES note (id),
  n      BIGINT NOT NULL,  -- 1, 2, 3 …
  author TEXT NOT NULL REFERENCES person (id),
  event  TEXT NOT NULL,    -- what told of it
  at     BIGINT NOT NULL,
  body   TEXT NOT NULL,    -- clean HTML, see richtext
  UNIQUE (note, n)
);
CREATE INDEX note_message_author ON note_message (author);

-- Which files came with which message.
CREATE TABLE note_file (
  note TEXT NOT NULL REFERENCES note (id),
  file TEXT NOT NULL REFERENCES file (id),
  n    BIGINT NOT NULL,
  PRIMARY KEY (note, file)
);
CREATE INDEX note_file_file ON note_file (file);

-- Up to which message somebody has read, and when.
CREATE TABLE note_reader (
  note   TEXT NOT NULL REFERENCES note (id),
  person TEXT NOT NULL REFERENCES person (id),
  seen   BIGINT NOT NULL,
  at     BIGINT NOT NULL,
  PRIMARY KEY (note, person)
);
CREATE INDEX note_reader_person ON note_reader (person);

-- How much a relative wrote on a day, which is bounded.
CREATE TABLE written (
  person TEXT NOT NULL REFERENCES person (id),
  day    TEXT NOT NULL,
  n      BIGINT NOT NULL,
  PRIMARY KEY (person, day)
);

-- +goose Down
SELECT 1;
