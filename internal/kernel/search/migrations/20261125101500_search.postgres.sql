-- +goose Up
-- What can be found of an item: its plain text, for excerpts, and its words as
-- words.go folds them. A copy of what services hold: no backup keeps it.
CREATE TABLE search_entry (
  id     TEXT PRIMARY KEY REFERENCES resource (id),
  text   TEXT NOT NULL,
  words  TEXT NOT NULL,
  -- The words are folded already: no parser and no dictionary stand between.
  tokens TSVECTOR GENERATED ALWAYS AS (array_to_tsvector(string_to_array(words, ' '))) STORED
);
-- Reads come first: a list of rows not yet filed would slow each of them.
CREATE INDEX search_entry_tokens ON search_entry USING gin (tokens) WITH (fastupdate = off);

-- +goose Down
SELECT 1;
