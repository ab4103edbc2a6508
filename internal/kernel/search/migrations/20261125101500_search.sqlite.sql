-- +goose Up
-- What can be found of an item: its plain text, for excerpts, and its words as
-- words.go folds them. A copy of what services hold: no backup keeps it.
CREATE TABLE search_entry (
  n     INTEGER PRIMARY KEY, -- the index's own number of the row
  id    TEXT NOT NULL UNIQUE REFERENCES resource (id),
  text  TEXT NOT NULL,
  words TEXT NOT NULL
);
-- The words are folded already: the tokenizer only parts them at spaces.
CREATE VIRTUAL TABLE search_index USING fts5 (words, content = 'search_entry', content_rowid = 'n', tokenize = 'ascii', detail = none, columnsize = 0);

-- +goose StatementBegin
CREATE TRIGGER search_entry_insert AFTER INSERT ON search_entry BEGIN
  INSERT INTO search_index (rowid, words) VALUES (new.n, new.words);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER search_entry_delete AFTER DELETE ON search_entry BEGIN
  INSERT INTO search_index (search_index, rowid, words) VALUES ('delete', old.n, old.words);
END;
-- +goose StatementEnd
-- +goose StatementBegin
CREATE TRIGGER search_entry_update AFTER UPDATE ON search_entry BEGIN
  INSERT INTO search_index (search_index, rowid, words) VALUES ('delete', old.n, old.words);
  INSERT INTO search_index (rowid, words) VALUES (new.n, new.words);
END;
-- +goose StatementEnd

-- +goose Down
SELECT 1;
