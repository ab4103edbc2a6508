-- +goose Up
-- Grows with each change of a school's pupils and families: what was counted
-- from the directory says at which revision, and is counted again after it.
CREATE TABLE revision (
  school TEXT PRIMARY KEY REFERENCES school (id),
  n      BIGINT NOT NULL
);

-- +goose Down
SELECT 1;
