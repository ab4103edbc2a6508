-- +goose Up
-- Folders and then files, by name, as lists show them: a page is read in order.
CREATE INDEX document_listed ON document (parent, (CASE WHEN folder THEN 0 ELSE 1 END), name_key, id);
CREATE INDEX document_top ON document (owner, (CASE WHEN folder THEN 0 ELSE 1 END), name_key, id) WHERE parent IS NULL;
DROP INDEX document_parent;
-- What its owner put in the trash.
CREATE INDEX document_thrown ON document (owner) WHERE taken = id;

-- +goose Down
SELECT 1;
