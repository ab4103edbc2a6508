-- +goose Up
-- How the mails of a kind came before somebody stopped them from one of them, for
-- who wants them back; '' when they were not.
ALTER TABLE told_choice ADD COLUMN stopped TEXT NOT NULL DEFAULT '';

-- +goose Down
SELECT 1;
