-- +goose Up
-- The common row of every item that can be shared, found, trashed, kept or
-- notified. Rights sit on roots.
CREATE TABLE resource (
  id           TEXT PRIMARY KEY,
  school       TEXT NOT NULL REFERENCES school (id),
  kind         TEXT NOT NULL,
  root         TEXT NOT NULL,
  owner        TEXT NOT NULL,
  title        TEXT NOT NULL,
  title_key    TEXT NOT NULL,
  summary      TEXT NOT NULL DEFAULT '', -- first words, for the feed and the search
  created_at   BIGINT NOT NULL,
  updated_at   BIGINT NOT NULL,
  trashed_at   BIGINT
);
CREATE INDEX resource_kind ON resource (school, kind, created_at);
CREATE INDEX resource_owner ON resource (owner, kind);

-- role: 1 read, 2 comment, 3 contribute, 4 manage
CREATE TABLE resource_grant (
  resource  TEXT NOT NULL REFERENCES resource (id),
  principal TEXT NOT NULL,
  role      BIGINT NOT NULL,
  PRIMARY KEY (resource, principal)
);
CREATE INDEX resource_grant_principal ON resource_grant (principal, resource);

-- +goose Down
SELECT 1;
