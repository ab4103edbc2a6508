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

-- Bytes that are deleted because they must not stay, and when they were. Whoever
-- stored the same before, and has not written it down, sends them again.
CREATE TABLE blob_cleared (
  object TEXT PRIMARY KEY, -- not "blob": a backup takes along what columns of that name say
  at     BIGINT NOT NULL   -- without end while they are being deleted
);

-- +goose Down
SELECT 1;
