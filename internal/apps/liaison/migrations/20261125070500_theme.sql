-- +goose Up
-- What a word is about, for those who look for one among many. Words sent
-- before there were themes have none.
CREATE TABLE word_theme (
  name TEXT PRIMARY KEY
);
INSERT INTO word_theme (name) VALUES ('canteen'), ('event'), ('trip'), ('urgent'), ('leisure'), ('misc');
ALTER TABLE word ADD COLUMN theme TEXT REFERENCES word_theme (name);

-- +goose Down
SELECT 1;
