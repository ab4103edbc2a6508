-- +goose Up
CREATE TABLE event (
  id         TEXT PRIMARY KEY,
  school     TEXT NOT NULL REFERENCES school (id),
  kind       TEXT NOT NULL,  -- "liaison.word"
  resource   TEXT NOT NULL REFERENCES resource (id),
  actor      TEXT NOT NULL,
  created_at BIGINT NOT NULL
);
CREATE INDEX event_school ON event (school, created_at);
CREATE INDEX event_resource ON event (resource);

-- The pupils an event is about.
CREATE TABLE event_pupil (
  event TEXT NOT NULL REFERENCES event (id),
  pupil TEXT NOT NULL,
  PRIMARY KEY (event, pupil)
);

-- One row per person told. Filtered again by rights when read.
CREATE TABLE feed (
  person     TEXT NOT NULL,
  event      TEXT NOT NULL REFERENCES event (id),
  at         BIGINT NOT NULL,
  read_at    BIGINT,
  awaits     BOOLEAN NOT NULL DEFAULT FALSE, -- something is asked of the person, and not done yet
  removed_at BIGINT,
  PRIMARY KEY (person, event)
);
CREATE INDEX feed_page ON feed (person, at, event);
CREATE INDEX feed_unread ON feed (person) WHERE (read_at IS NULL OR awaits) AND removed_at IS NULL;
CREATE INDEX feed_awaits ON feed (person, at) WHERE awaits;
CREATE INDEX feed_event ON feed (event);

-- +goose Down
SELECT 1;
