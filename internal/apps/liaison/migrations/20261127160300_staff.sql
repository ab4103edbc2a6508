-- +goose Up
-- Who manages or follows a word, and reads letters by name, does so as long as
-- they work for the school: a parent who taught there does so no more.
UPDATE resource_grant SET principal = 'staff:' || substr(principal, 8) WHERE principal LIKE 'person:%' AND role >= 3
  AND resource IN (SELECT id FROM word UNION SELECT id FROM note);
UPDATE note_to SET principal = 'staff:' || substr(principal, 8) WHERE principal LIKE 'person:%';

-- +goose Down
SELECT 1;
