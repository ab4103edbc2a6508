-- +goose Up
CREATE TABLE audit (
  id     TEXT PRIMARY KEY,
  at     BIGINT NOT NULL,
  school TEXT NOT NULL DEFAULT '',
  actor  TEXT NOT NULL,              -- a person's id, or "system: reason"
  action TEXT NOT NULL,
  target TEXT NOT NULL DEFAULT '',   -- an id, never a name
  detail TEXT NOT NULL DEFAULT ''
);
CREATE INDEX audit_school ON audit (school, at);
CREATE INDEX audit_target ON audit (target, at);

-- +goose Down
SELECT 1;
