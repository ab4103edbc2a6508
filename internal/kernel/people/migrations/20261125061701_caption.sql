-- +goose Up

-- What a person is in one school, as facts from which a sentence is made for
-- whoever looks: "is teacher F", "in CE1 B", "of <pupil> Inès", a line each.
-- Derived by people alone, like person_principal.
CREATE TABLE person_caption (
  person TEXT NOT NULL,
  school TEXT NOT NULL,
  facts  TEXT NOT NULL,
  PRIMARY KEY (person, school)
);

INSERT INTO person_caption (person, school, facts)
SELECT person, school, string_agg(line, '
' ORDER BY rank, ord, line) AS facts FROM (
  SELECT m.person AS person, m.school AS school, 'is ' || CASE WHEN m.head THEN 'head' ELSE m.profile END || ' ' || p.civility AS line, 0 AS rank, '' AS ord
  FROM membership m JOIN person p ON p.id = m.person WHERE m.valid_to = 9007199254740991
  UNION ALL
  SELECT cm.person, c.school, 'in ' || c.label, 1, c.label_key FROM class_member cm JOIN class c ON c.id = cm.class WHERE cm.valid_to = 9007199254740991
  UNION ALL
  SELECT f.relative, km.school, 'of ' || k.id || ' ' || k.first, 2, k.birth || k.first FROM family_link f JOIN person k ON k.id = f.pupil
  JOIN membership km ON km.person = k.id AND km.profile = 'pupil' AND km.valid_to = 9007199254740991 WHERE f.valid_to = 9007199254740991
) x GROUP BY person, school;

ALTER TABLE person DROP COLUMN caption;

-- +goose Down
SELECT 1;
