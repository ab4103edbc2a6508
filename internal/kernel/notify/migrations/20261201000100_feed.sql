-- +goose Up
-- A line of a feed is found by its instant and its event together, and what is
-- open (unread, or waiting) by one index: a line that is written changes two
-- trees among those of its person, not four.
CREATE TABLE feed_new (
  person     TEXT NOT NULL,
  at         BIGINT NOT NULL, -- created_at of the event
  event      TEXT NOT NULL REFERENCES event (id),
  kind       TEXT NOT NULL,
  resource   TEXT NOT NULL,
  actor      TEXT NOT NULL,
  pupils     TEXT NOT NULL,
  read_at    BIGINT,
  awaits     BOOLEAN NOT NULL DEFAULT FALSE, -- something is asked of the person, and not done yet
  removed_at BIGINT,
  PRIMARY KEY (person, at, event)
);
INSERT INTO feed_new (person, at, event, kind, resource, actor, pupils, read_at, awaits, removed_at)
  SELECT f.person, e.created_at, f.event, f.kind, f.resource, f.actor, f.pupils, f.read_at, f.awaits, f.removed_at FROM feed f JOIN event e ON e.id = f.event;
DROP TABLE feed;
ALTER TABLE feed_new RENAME TO feed;
CREATE INDEX feed_open ON feed (person, awaits, at, event) WHERE (read_at IS NULL OR awaits) AND removed_at IS NULL;
CREATE INDEX feed_event ON feed (event);

-- An event says whether it asks something, and whether a job still writes its
-- lines: who answers before theirs is written gets it with the answer.
ALTER TABLE event ADD COLUMN awaits BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE event ADD COLUMN spreading BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE event SET awaits = TRUE WHERE id IN (SELECT event FROM feed WHERE awaits);

-- +goose Down
SELECT 1;
