-- +goose Up
CREATE TABLE file (
  id         TEXT PRIMARY KEY,
  school     TEXT NOT NULL REFERENCES school (id),
  owner      TEXT NOT NULL,
  name       TEXT NOT NULL,
  type       TEXT NOT NULL,
  size       BIGINT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX file_owner ON file (owner);

-- The bytes of a file in each form it is served in.
CREATE TABLE file_variant (
  file   TEXT NOT NULL REFERENCES file (id),
  name   TEXT NOT NULL, -- original, web, thumb
  blob   TEXT NOT NULL, -- key in the blob store: school/hash
  type   TEXT NOT NULL,
  size   BIGINT NOT NULL,
  width  BIGINT NOT NULL DEFAULT 0,
  height BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (file, name)
);
CREATE INDEX file_variant_blob ON file_variant (blob);

-- Who may read a file: exactly those who may read an item that shows it.
CREATE TABLE file_use (
  file     TEXT NOT NULL REFERENCES file (id),
  resource TEXT NOT NULL REFERENCES resource (id),
  position BIGINT NOT NULL DEFAULT 0,
  PRIMARY KEY (file, resource)
);
CREATE INDEX file_use_resource ON file_use (resource, position);

-- +goose Down
SELECT 1;
