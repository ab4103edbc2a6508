-- +goose Up
-- Whom somebody shares with, so that it is proposed first: how often and since
-- when, and what they starred themselves.
CREATE TABLE share_habit (
  person    TEXT NOT NULL REFERENCES person (id),
  school    TEXT NOT NULL REFERENCES school (id),
  principal TEXT NOT NULL,
  times     BIGINT NOT NULL DEFAULT 0,
  starred   BOOLEAN NOT NULL DEFAULT FALSE,
  used_at   BIGINT NOT NULL,
  PRIMARY KEY (person, school, principal)
);
CREATE INDEX share_habit_principal ON share_habit (principal);
CREATE INDEX share_habit_used ON share_habit (used_at);

-- +goose Down
SELECT 1;
