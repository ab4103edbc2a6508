-- +goose Up
-- Whether somebody looks at documents as a grid or as a list; without a row, as
-- their profile does.
CREATE TABLE document_look (
  person TEXT PRIMARY KEY REFERENCES person (id),
  grid   BOOLEAN NOT NULL
);

-- +goose Down
SELECT 1;
