-- +goose Up
-- What is counted of a file: the bytes that its owner gave, not what is made of them.
ALTER TABLE file ADD COLUMN blob TEXT NOT NULL DEFAULT '';
UPDATE file SET blob = coalesce((SELECT min(v.blob) FROM file_variant v WHERE v.file = file.id AND v.name IN ('original', 'web')), '');
CREATE INDEX file_held ON file (owner, school, blob);
DROP INDEX file_owner;

-- How much somebody may hold in a school, by profile; school '' is the usual.
CREATE TABLE quota (
  school  TEXT NOT NULL DEFAULT '',
  profile TEXT NOT NULL, -- of the table profile, or head
  bytes   BIGINT NOT NULL,
  PRIMARY KEY (school, profile)
);
INSERT INTO quota (school, profile, bytes) VALUES
  ('', 'pupil', 100000000), ('', 'guest', 100000000), ('', 'relative', 200000000),
  ('', 'teacher', 2000000000), ('', 'staff', 2000000000), ('', 'head', 2000000000), ('', 'operator', 2000000000);

-- How much somebody holds in a school: each bytes once. Whoever adds or removes
-- holds this row first.
CREATE TABLE file_usage (
  person    TEXT NOT NULL REFERENCES person (id),
  school    TEXT NOT NULL REFERENCES school (id),
  used      BIGINT NOT NULL DEFAULT 0,
  warned_at BIGINT, -- since when little room is left
  PRIMARY KEY (person, school)
);
INSERT INTO file_usage (person, school, used)
  SELECT x.owner, x.school, sum(x.size) FROM (SELECT owner, school, blob, max(size) AS size FROM file WHERE owner <> '' GROUP BY owner, school, blob) x
  JOIN person p ON p.id = x.owner GROUP BY x.owner, x.school;

-- +goose Down
SELECT 1;
