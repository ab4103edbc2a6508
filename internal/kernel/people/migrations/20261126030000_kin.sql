-- +goose Up
-- One relative of one pupil: what is theirs alone of the family. It holds as
-- long as the family does for them.
INSERT INTO person_principal (person, principal, school, valid_from, valid_to)
SELECT person, 'kin:' || substr(principal, 8) || ':' || person, school, valid_from, valid_to FROM person_principal WHERE principal LIKE 'family:%';

-- +goose Down
SELECT 1;
