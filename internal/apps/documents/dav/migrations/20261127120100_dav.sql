-- +goose Up
-- What a program wants to be left alone with for a while, on the drive of
-- documents. The place is a path of names from the top of somebody's space in a
-- school: everybody who may open it meets the same lock, wherever they see it.
CREATE TABLE dav_lock (
  token      TEXT PRIMARY KEY,
  space      TEXT NOT NULL, -- owner.school
  place      TEXT NOT NULL, -- /folder/file
  deep       BOOLEAN NOT NULL,
  person     TEXT NOT NULL REFERENCES person (id),
  owner      TEXT NOT NULL, -- as the program calls whoever uses it, in XML
  expires_at BIGINT NOT NULL,
  UNIQUE (space, place)
);
CREATE INDEX dav_lock_person ON dav_lock (person);
CREATE INDEX dav_lock_expires ON dav_lock (expires_at);

-- What programs note beside a file: properties that mean nothing to us, as JSON.
CREATE TABLE dav_property (
  node TEXT PRIMARY KEY REFERENCES document (id) ON DELETE CASCADE,
  body TEXT NOT NULL
);

-- +goose Down
SELECT 1;
