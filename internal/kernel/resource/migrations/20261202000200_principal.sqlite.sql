-- +goose Up
-- Nobody asks what a principal holds but a merge, which looks through the schools
-- of a person: a word to a whole school changed a page of this index for each of
-- its families and pupils.
DROP INDEX resource_grant_principal;

-- +goose Down
CREATE INDEX resource_grant_principal ON resource_grant (principal, resource);
