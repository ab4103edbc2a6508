-- +goose Up
-- A browser that may be written to; it goes with the session that gave it.
CREATE TABLE push_subscription (
  id         TEXT PRIMARY KEY,
  person     TEXT NOT NULL REFERENCES person (id),
  session    TEXT NOT NULL UNIQUE REFERENCES session (id) ON DELETE CASCADE,
  endpoint   TEXT NOT NULL UNIQUE,
  p256dh     TEXT NOT NULL,
  auth       TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX push_person ON push_subscription (person);

-- An address that a mail server refused for good: nothing goes there before its
-- holder confirms one again.
CREATE TABLE refused_address (
  person TEXT PRIMARY KEY REFERENCES person (id),
  email  TEXT NOT NULL,
  at     BIGINT NOT NULL
);

-- +goose Down
SELECT 1;
