-- +goose Up
-- A line says what it is about by itself: a page of the feed and the counts on
-- every page then read no event. pupils are the person's own children concerned,
-- separated by spaces.
ALTER TABLE feed ADD COLUMN kind TEXT NOT NULL DEFAULT '';
ALTER TABLE feed ADD COLUMN resource TEXT NOT NULL DEFAULT '';
ALTER TABLE feed ADD COLUMN actor TEXT NOT NULL DEFAULT '';
ALTER TABLE feed ADD COLUMN pupils TEXT NOT NULL DEFAULT '';
UPDATE feed SET kind = (SELECT e.kind FROM event e WHERE e.id = feed.event),
	resource = (SELECT e.resource FROM event e WHERE e.id = feed.event),
	actor = (SELECT e.actor FROM event e WHERE e.id = feed.event),
	pupils = coalesce((SELECT string_agg(ep.pupil, ' ') FROM event_pupil ep JOIN family_link fl ON fl.pupil = ep.pupil
		WHERE ep.event = feed.event AND fl.relative = feed.person), '');

-- +goose Down
SELECT 1;
