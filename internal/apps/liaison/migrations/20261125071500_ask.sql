-- +goose Up
-- What a word asks of its families.
CREATE TABLE word_ask (
  name TEXT PRIMARY KEY
);
INSERT INTO word_ask (name) VALUES ('read'), ('sign_one'), ('sign_both'), ('text'), ('yesno'), ('choice');
ALTER TABLE word ADD COLUMN ask TEXT REFERENCES word_ask (name);
UPDATE word SET ask = 'read';
ALTER TABLE word ADD COLUMN question TEXT NOT NULL DEFAULT '';
ALTER TABLE word ADD COLUMN asked BIGINT NOT NULL DEFAULT 1; -- the version that asks: what was given to an earlier one no longer counts
ALTER TABLE word ADD COLUMN due TEXT NOT NULL DEFAULT ''; -- a day, or ''

-- What may be chosen; a yes or no is two choices, so that answers are counted alike.
CREATE TABLE word_choice (
  word  TEXT NOT NULL REFERENCES word (id),
  n     BIGINT NOT NULL,
  label TEXT NOT NULL,
  PRIMARY KEY (word, n)
);

-- What a relative signed or answered: their own, and the school's. What stood
-- before the last change is kept beside it, for as long as a tap can be undone.
CREATE TABLE reply (
  word        TEXT NOT NULL REFERENCES word (id),
  person      TEXT NOT NULL REFERENCES person (id),
  asked       BIGINT NOT NULL, -- word.asked then: who is asked again keeps what they gave before
  version     BIGINT NOT NULL, -- of the word, as they had it before them
  at          BIGINT NOT NULL,
  choice      BIGINT,
  body        TEXT NOT NULL DEFAULT '',
  was_version BIGINT,
  was_at      BIGINT,
  was_choice  BIGINT,
  was_body    TEXT NOT NULL DEFAULT '',
  PRIMARY KEY (word, person, asked)
);
CREATE INDEX reply_person ON reply (person);

-- +goose Down
SELECT 1;
