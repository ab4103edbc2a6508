-- +goose Up
-- A file on its way in pieces. How far it came is a row, so that any copy of the
-- server goes on with it.
CREATE TABLE upload (
  id         TEXT PRIMARY KEY,
  person     TEXT NOT NULL REFERENCES person (id),
  school     TEXT NOT NULL REFERENCES school (id),
  name       TEXT NOT NULL,
  reading    BOOLEAN NOT NULL, -- only what is read in a page: photos and PDFs
  size       BIGINT NOT NULL,
  received   BIGINT NOT NULL DEFAULT 0,
  type       TEXT NOT NULL DEFAULT '', -- known once the first piece is there
  sum        BYTEA,                    -- state of the hash of what was received
  file       TEXT NOT NULL DEFAULT '', -- what it became
  touched_at BIGINT NOT NULL
);
CREATE INDEX upload_person ON upload (person);
CREATE INDEX upload_touched ON upload (touched_at);

CREATE TABLE upload_part (
  upload TEXT NOT NULL REFERENCES upload (id),
  at     BIGINT NOT NULL, -- of its first byte
  size   BIGINT NOT NULL,
  blob   TEXT NOT NULL,
  PRIMARY KEY (upload, at)
);
CREATE INDEX upload_part_blob ON upload_part (blob);

-- +goose Down
SELECT 1;
