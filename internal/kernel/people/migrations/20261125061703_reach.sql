-- +goose Up

-- Who may find and address whom, by pair of profiles: those of the same class
-- (extent class) or of the whole school, and whether it is so unless a school
-- says otherwise. A head always reaches everybody of the school.
CREATE TABLE reach_extent (name TEXT PRIMARY KEY);
INSERT INTO reach_extent (name) VALUES ('class'), ('school');

CREATE TABLE reach_pair (
  who     TEXT NOT NULL,
  whom    TEXT NOT NULL,
  extent  TEXT NOT NULL REFERENCES reach_extent (name),
  allowed BOOLEAN NOT NULL,
  PRIMARY KEY (who, whom)
);
INSERT INTO reach_pair (who, whom, extent, allowed) VALUES
  ('pupil', 'pupil', 'class', TRUE), ('pupil', 'relative', 'class', FALSE), ('pupil', 'teacher', 'class', TRUE),
  ('pupil', 'staff', 'school', FALSE), ('pupil', 'head', 'school', FALSE), ('pupil', 'guest', 'school', FALSE),
  ('relative', 'pupil', 'class', FALSE), ('relative', 'relative', 'class', FALSE), ('relative', 'teacher', 'class', TRUE),
  ('relative', 'staff', 'school', FALSE), ('relative', 'head', 'school', TRUE), ('relative', 'guest', 'school', FALSE),
  ('teacher', 'pupil', 'school', TRUE), ('teacher', 'relative', 'school', TRUE), ('teacher', 'teacher', 'school', TRUE),
  ('teacher', 'staff', 'school', TRUE), ('teacher', 'head', 'school', TRUE), ('teacher', 'guest', 'school', TRUE),
  ('staff', 'pupil', 'school', TRUE), ('staff', 'relative', 'school', TRUE), ('staff', 'teacher', 'school', TRUE),
  ('staff', 'staff', 'school', TRUE), ('staff', 'head', 'school', TRUE), ('staff', 'guest', 'school', TRUE),
  ('guest', 'pupil', 'school', FALSE), ('guest', 'relative', 'school', FALSE), ('guest', 'teacher', 'school', FALSE),
  ('guest', 'staff', 'school', FALSE), ('guest', 'head', 'school', FALSE), ('guest', 'guest', 'school', FALSE),
  ('head', 'pupil', 'school', TRUE), ('head', 'relative', 'school', TRUE), ('head', 'teacher', 'school', TRUE),
  ('head', 'staff', 'school', TRUE), ('head', 'head', 'school', TRUE), ('head', 'guest', 'school', TRUE);

-- What a school says otherwise.
CREATE TABLE reach (
  school  TEXT NOT NULL REFERENCES school (id),
  who     TEXT NOT NULL,
  whom    TEXT NOT NULL,
  allowed BOOLEAN NOT NULL,
  PRIMARY KEY (school, who, whom),
  FOREIGN KEY (who, whom) REFERENCES reach_pair (who, whom)
);

-- +goose Down
SELECT 1;
