-- +goose Up
-- What a program shows in place of a session, on the drive of documents alone.
-- Keyed by the SHA-256 of 128 bits that its holder saw once.
CREATE TABLE app_password (
  id         TEXT PRIMARY KEY,
  person     TEXT NOT NULL REFERENCES person (id),
  name       TEXT NOT NULL, -- what its holder calls the computer
  created_at BIGINT NOT NULL,
  seen_at    BIGINT, -- NULL until it was used
  expires_at BIGINT NOT NULL -- after it was used last
);
CREATE INDEX app_password_person ON app_password (person);
CREATE INDEX app_password_expires ON app_password (expires_at);

-- +goose Down
SELECT 1;
