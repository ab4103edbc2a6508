-- +goose Up
-- What somebody finds wrong with something that was published, for the heads of
-- its school: never for its author. The words are kept as they were when it was
-- reported, for they may be changed.
CREATE TABLE report_reason (name TEXT PRIMARY KEY);
INSERT INTO report_reason (name) VALUES ('hurtful'), ('image'), ('private'), ('mistake'), ('other');
CREATE TABLE report (
  id        TEXT PRIMARY KEY,
  school    TEXT NOT NULL REFERENCES school (id),
  resource  TEXT NOT NULL, -- which may be gone
  title     TEXT NOT NULL,
  excerpt   TEXT NOT NULL,
  author    TEXT NOT NULL,
  reporter  TEXT NOT NULL, -- '' once erased
  reason    TEXT NOT NULL REFERENCES report_reason (name),
  said      TEXT NOT NULL,
  at        BIGINT NOT NULL,
  closed_at BIGINT,
  closed_by TEXT NOT NULL DEFAULT '',
  note      TEXT NOT NULL DEFAULT ''
);
CREATE INDEX report_school ON report (school, at);
CREATE INDEX report_reporter ON report (reporter, at);
CREATE INDEX report_author ON report (author);
-- The same person reports a thing once until it is dealt with.
CREATE UNIQUE INDEX report_once ON report (resource, reporter) WHERE closed_at IS NULL AND reporter <> '';

-- The resource that a school's reports are told of by.
CREATE TABLE report_box (
  school   TEXT PRIMARY KEY REFERENCES school (id),
  resource TEXT NOT NULL
);

-- +goose Down
SELECT 1;
