-- +goose Up
-- Messages that came back for a reason that may pass: many in a row are a refusal.
CREATE TABLE returned_mail (
  person   TEXT PRIMARY KEY REFERENCES person (id),
  email    TEXT NOT NULL,
  n        BIGINT NOT NULL,
  first_at BIGINT NOT NULL,
  at       BIGINT NOT NULL
);

-- +goose Down
SELECT 1;
