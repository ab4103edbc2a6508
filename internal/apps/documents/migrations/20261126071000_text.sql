-- +goose Up
-- The words of a file, read after it came, for the search. A file of another
-- version has others.
CREATE TABLE document_text (
  node TEXT PRIMARY KEY REFERENCES document (id),
  file TEXT NOT NULL,
  body TEXT NOT NULL
);

-- +goose Down
SELECT 1;
