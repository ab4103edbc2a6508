-- +goose Up
-- Things of which somebody wants to hear no more: no line, no mail, no push.
CREATE TABLE muted (
  person   TEXT NOT NULL REFERENCES person (id),
  resource TEXT NOT NULL REFERENCES resource (id),
  at       BIGINT NOT NULL,
  PRIMARY KEY (person, resource)
);

-- +goose Down
SELECT 1;
