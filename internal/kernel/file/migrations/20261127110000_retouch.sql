-- +goose Up
-- What a picture shows, in words, for those who do not see it.
ALTER TABLE file ADD COLUMN alt TEXT NOT NULL DEFAULT '';
-- When its points were changed last; its address changes with it.
ALTER TABLE file ADD COLUMN retouched_at BIGINT NOT NULL DEFAULT 0;

-- A picture as it was before it was retouched, kept because its holder asked for
-- it: a file that nothing shows, theirs alone, for as long as the retouched one.
CREATE TABLE file_original (
  file TEXT PRIMARY KEY REFERENCES file (id),
  kept TEXT NOT NULL UNIQUE REFERENCES file (id)
);

-- Bytes held while a file of them is written down, or while they are deleted at
-- once because they must not stay. Whoever stored them before cleared_at, and had
-- not written it down, sends them again.
CREATE TABLE blob_hold (
  blob       TEXT PRIMARY KEY,
  cleared_at BIGINT NOT NULL DEFAULT 0
);

-- +goose Down
SELECT 1;
