-- +goose Up
-- When a family was reached: the first of its relatives said so.
ALTER TABLE word_pupil ADD COLUMN reached_at BIGINT;
UPDATE word_pupil SET reached_at = (SELECT min(rc.read_at) FROM receipt rc JOIN family_link f ON f.relative = rc.person
	WHERE rc.word = word_pupil.word AND f.pupil = word_pupil.pupil);

-- The bar of a word in a list: its families, and those reached, as they were at
-- a revision of the school's directory. At another they are counted again.
ALTER TABLE word ADD COLUMN families BIGINT NOT NULL DEFAULT 0;
ALTER TABLE word ADD COLUMN reached BIGINT NOT NULL DEFAULT 0;
ALTER TABLE word ADD COLUMN counted BIGINT NOT NULL DEFAULT -1;

-- +goose Down
SELECT 1;
