-- +goose Up
-- How somebody is told of a kind of event; without a row, as their profile has it.
CREATE TABLE told_rhythm (name TEXT PRIMARY KEY);
INSERT INTO told_rhythm (name) VALUES ('once'), ('daily'), ('weekly'), ('never');
CREATE TABLE told_choice (
  person TEXT NOT NULL REFERENCES person (id),
  kind   TEXT NOT NULL, -- "liaison.word"
  push   BOOLEAN NOT NULL,
  mail   TEXT NOT NULL REFERENCES told_rhythm (name),
  PRIMARY KEY (person, kind)
);

-- Services of which somebody is told nothing at all.
CREATE TABLE told_off (
  person  TEXT NOT NULL REFERENCES person (id),
  service TEXT NOT NULL,
  PRIMARY KEY (person, service)
);

-- When somebody may be told: hours of the day in the school's zone. The same
-- hour twice is no silence.
CREATE TABLE told_hours (
  person     TEXT PRIMARY KEY REFERENCES person (id),
  quiet_from BIGINT NOT NULL,
  quiet_to   BIGINT NOT NULL,
  sunday     BOOLEAN NOT NULL, -- silence all of Sunday
  summary    BIGINT NOT NULL
);

-- What is on its way to somebody, or arrived. The key says it once. due_at is
-- also the lease of who is sending it: past it, the sender is dead.
CREATE TABLE delivery (
  id      TEXT PRIMARY KEY,
  event   TEXT NOT NULL REFERENCES event (id),
  person  TEXT NOT NULL,
  channel TEXT NOT NULL, -- mail or push
  target  TEXT NOT NULL DEFAULT '', -- a push subscription
  digest  BOOLEAN NOT NULL DEFAULT FALSE,
  due_at  BIGINT NOT NULL,
  tries   BIGINT NOT NULL DEFAULT 0,
  done_at BIGINT,
  outcome TEXT NOT NULL DEFAULT '',
  UNIQUE (event, person, channel, target)
);
CREATE INDEX delivery_due ON delivery (channel, due_at) WHERE done_at IS NULL;
CREATE INDEX delivery_person ON delivery (person);

-- The wish asked at the end of an activation was kept, and read by nothing.
INSERT INTO told_choice (person, kind, push, mail)
  SELECT person, 'liaison.word', TRUE, CASE WHEN wanted THEN 'once' ELSE 'never' END FROM wish WHERE name = 'mail.liaison';
DROP TABLE wish;

-- +goose Down
SELECT 1;
