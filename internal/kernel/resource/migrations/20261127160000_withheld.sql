-- +goose Up
-- The pupil whose relatives may not see it, its owner aside, whatever else they
-- are in the school.
ALTER TABLE resource ADD COLUMN withheld TEXT;
CREATE INDEX resource_withheld ON resource (withheld) WHERE withheld IS NOT NULL;

-- +goose Down
SELECT 1;
