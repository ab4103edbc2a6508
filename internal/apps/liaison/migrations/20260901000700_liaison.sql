-- +goose Up
-- A word (mot) of the liaison notebook; the same id as its resource.
CREATE TABLE word (
  id           TEXT PRIMARY KEY REFERENCES resource (id),
  school       TEXT NOT NULL REFERENCES school (id),
  author       TEXT NOT NULL REFERENCES person (id),
  profile      TEXT NOT NULL REFERENCES profile (name), -- under which it was written
  title        TEXT NOT NULL,
  body         TEXT NOT NULL, -- clean HTML, see richtext
  audience     TEXT NOT NULL, -- to whom, in the author's words: "CE1 B"
  version      BIGINT NOT NULL DEFAULT 1,
  published_at BIGINT NOT NULL
);
CREATE INDEX word_author ON word (author, published_at);
CREATE INDEX word_school ON word (school, published_at);

-- The pupils as they were when the word was sent.
CREATE TABLE word_pupil (
  word  TEXT NOT NULL REFERENCES word (id),
  pupil TEXT NOT NULL REFERENCES person (id),
  class TEXT NOT NULL DEFAULT '',
  published_at BIGINT NOT NULL, -- the word's: a family's list is one range of this index
  PRIMARY KEY (word, pupil)
);
CREATE INDEX word_pupil_pupil ON word_pupil (pupil, published_at);

-- The classes whose pupils received a word: their teachers follow it.
CREATE TABLE word_class (
  class        TEXT NOT NULL REFERENCES class (id),
  word         TEXT NOT NULL REFERENCES word (id),
  published_at BIGINT NOT NULL,
  PRIMARY KEY (class, word)
);
CREATE INDEX word_class_page ON word_class (class, published_at);

-- What a relative did with a word. Opened is not read.
CREATE TABLE receipt (
  word      TEXT NOT NULL REFERENCES word (id),
  person    TEXT NOT NULL REFERENCES person (id),
  version   BIGINT NOT NULL,
  opened_at BIGINT NOT NULL,
  read_at   BIGINT,
  PRIMARY KEY (word, person)
);
CREATE INDEX receipt_person ON receipt (person);

-- +goose Down
SELECT 1;
