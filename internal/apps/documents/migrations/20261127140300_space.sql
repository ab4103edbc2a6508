-- +goose Up
-- The resource by which somebody is told of their own space in a school.
CREATE TABLE document_space (
  person   TEXT NOT NULL REFERENCES person (id),
  school   TEXT NOT NULL REFERENCES school (id),
  resource TEXT NOT NULL,
  PRIMARY KEY (person, school)
);

-- +goose Down
SELECT 1;
