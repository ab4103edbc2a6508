-- +goose Up
-- What is made of a file once it is there: sound and video that every browser
-- plays and that tell nothing of themselves, the picture of a film or of a PDF.
-- Until then the bytes that came are the form "source", which is their owner's.
CREATE TABLE file_render_state (name TEXT PRIMARY KEY);
INSERT INTO file_render_state (name) VALUES ('waiting'), ('done'), ('failed');

CREATE TABLE file_render (
  file       TEXT PRIMARY KEY REFERENCES file (id),
  state      TEXT NOT NULL REFERENCES file_render_state (name),
  tries      BIGINT NOT NULL DEFAULT 0,
  percent    BIGINT NOT NULL DEFAULT 0,
  held_until BIGINT NOT NULL DEFAULT 0, -- by whoever works on it
  ask_at     BIGINT NOT NULL DEFAULT 0  -- when its job is asked for again, lest it was lost
);
CREATE INDEX file_render_waiting ON file_render (ask_at) WHERE state = 'waiting';

-- +goose Down
SELECT 1;
