-- +goose Up

-- From when to when a link gives no right, as the head decided and noted
-- (family_link.note); 0 when there is no restriction.
ALTER TABLE family_link ADD COLUMN restricted_from BIGINT NOT NULL DEFAULT 0;
ALTER TABLE family_link ADD COLUMN restricted_to BIGINT NOT NULL DEFAULT 0;

-- A restriction leaves what a person is in two pieces, before and after it.
CREATE TABLE person_principal_dated (
  person     TEXT NOT NULL,
  principal  TEXT NOT NULL,
  school     TEXT NOT NULL,
  valid_from BIGINT NOT NULL,
  valid_to   BIGINT NOT NULL,
  PRIMARY KEY (person, principal, school, valid_from)
);
INSERT INTO person_principal_dated (person, principal, school, valid_from, valid_to)
SELECT person, principal, school, valid_from, MAX(valid_to) FROM (
  SELECT m.person AS person, 'person:' || m.person AS principal, m.school AS school, m.valid_from AS valid_from, m.valid_to AS valid_to FROM membership m WHERE 1 = 1
  UNION ALL SELECT m.person, 'school:' || m.profile, m.school, m.valid_from, m.valid_to FROM membership m WHERE 1 = 1
  UNION ALL SELECT m.person, 'school:head', m.school, m.valid_from, m.valid_to FROM membership m WHERE m.head AND 1 = 1
  UNION ALL SELECT cm.person, 'class:' || cm.class || ':' || cm.profile, c.school, cm.valid_from, cm.valid_to FROM class_member cm JOIN class c ON c.id = cm.class WHERE 1 = 1
  UNION ALL SELECT cm.person, 'level:' || c.year || ':' || cm.level || ':pupil', c.school, cm.valid_from, cm.valid_to FROM class_member cm JOIN class c ON c.id = cm.class WHERE cm.profile = 'pupil' AND cm.level <> '' AND 1 = 1
  UNION ALL SELECT f.relative, 'class:' || cm.class || ':relative', c.school, CASE WHEN f.valid_from > cm.valid_from THEN f.valid_from ELSE cm.valid_from END, CASE WHEN f.valid_to < cm.valid_to THEN f.valid_to ELSE cm.valid_to END FROM family_link f JOIN class_member cm ON cm.person = f.pupil AND cm.profile = 'pupil' JOIN class c ON c.id = cm.class WHERE 1 = 1
  UNION ALL SELECT f.relative, 'level:' || c.year || ':' || cm.level || ':relative', c.school, CASE WHEN f.valid_from > cm.valid_from THEN f.valid_from ELSE cm.valid_from END, CASE WHEN f.valid_to < cm.valid_to THEN f.valid_to ELSE cm.valid_to END FROM family_link f JOIN class_member cm ON cm.person = f.pupil AND cm.profile = 'pupil' JOIN class c ON c.id = cm.class WHERE cm.level <> '' AND 1 = 1
  UNION ALL SELECT f.relative, 'family:' || f.pupil, m.school, CASE WHEN f.valid_from > m.valid_from THEN f.valid_from ELSE m.valid_from END, CASE WHEN f.valid_to < m.valid_to THEN f.valid_to ELSE m.valid_to END FROM family_link f JOIN membership m ON m.person = f.pupil AND m.profile = 'pupil' WHERE 1 = 1
  UNION ALL SELECT gm.person, 'group:' || gm.group_id, g.school, CASE WHEN gm.valid_from > m.valid_from THEN gm.valid_from ELSE m.valid_from END, CASE WHEN gm.valid_to < g.valid_to AND gm.valid_to < m.valid_to THEN gm.valid_to WHEN g.valid_to < m.valid_to THEN g.valid_to ELSE m.valid_to END FROM group_member gm JOIN school_group g ON g.id = gm.group_id JOIN membership m ON m.person = gm.person AND m.school = g.school WHERE 1 = 1
) p WHERE valid_from < valid_to GROUP BY person, principal, school, valid_from;
DROP TABLE person_principal;
ALTER TABLE person_principal_dated RENAME TO person_principal;
CREATE INDEX person_principal_principal ON person_principal (principal, school, person);

-- +goose Down
SELECT 1;
