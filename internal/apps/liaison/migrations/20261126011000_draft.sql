-- +goose Up
-- To whom a word was sent, as its author chose: class:<id> pupil:<id> …,
-- separated by spaces. A word taken back, or used again, is filled in from it.
ALTER TABLE word ADD COLUMN recipients TEXT NOT NULL DEFAULT '';

-- When its author took it back, at once; it goes a day later.
ALTER TABLE word ADD COLUMN taken_at BIGINT;
CREATE INDEX word_taken ON word (taken_at) WHERE taken_at IS NOT NULL;

-- What an author has begun to write; nobody else's. The id is also that of the
-- word that it becomes. It may hold faults, and half of everything.
CREATE TABLE word_draft (
  id         TEXT PRIMARY KEY,
  school     TEXT NOT NULL REFERENCES school (id),
  author     TEXT NOT NULL REFERENCES person (id),
  title      TEXT NOT NULL,
  body       TEXT NOT NULL, -- plain, as typed
  theme      TEXT REFERENCES word_theme (name),
  ask        TEXT REFERENCES word_ask (name),
  question   TEXT NOT NULL,
  choices    TEXT NOT NULL, -- a line each
  due        TEXT NOT NULL,
  recipients TEXT NOT NULL, -- as of a word
  files      TEXT NOT NULL, -- their ids, separated by spaces
  tab        TEXT NOT NULL, -- the page that saved it last
  revision   BIGINT NOT NULL DEFAULT 1,
  saved_at   BIGINT NOT NULL,
  dropped_at BIGINT
);
CREATE INDEX word_draft_author ON word_draft (author, saved_at);

-- +goose Down
SELECT 1;
