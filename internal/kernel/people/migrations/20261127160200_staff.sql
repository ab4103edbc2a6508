-- +goose Up
-- One person as long as they work for the school, whatever else they are in it.
INSERT INTO person_principal (person, principal, school, valid_from, valid_to)
SELECT person, 'staff:' || person, school, valid_from, max(valid_to) FROM membership WHERE profile IN ('teacher', 'staff') AND valid_from < valid_to GROUP BY person, school, valid_from;

-- +goose Down
SELECT 1;
