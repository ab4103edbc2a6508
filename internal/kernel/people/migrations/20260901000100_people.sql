-- +goose Up

-- Settings of the portal (scope '') and of each school (scope = its id).
CREATE TABLE setting (
  scope TEXT NOT NULL,
  name  TEXT NOT NULL,
  value TEXT NOT NULL,
  PRIMARY KEY (scope, name)
);

CREATE TABLE school (
  id         TEXT PRIMARY KEY,
  uai        TEXT NOT NULL UNIQUE,
  name       TEXT NOT NULL,
  address    TEXT NOT NULL DEFAULT '',
  phone      TEXT NOT NULL DEFAULT '',
  timezone   TEXT NOT NULL DEFAULT 'Europe/Paris',
  created_at BIGINT NOT NULL
);

CREATE TABLE class (
  id         TEXT PRIMARY KEY,
  school     TEXT NOT NULL REFERENCES school (id),
  year       BIGINT NOT NULL, -- 2026 is the school year 2026-2027
  label      TEXT NOT NULL,
  label_key  TEXT NOT NULL,
  levels     TEXT NOT NULL DEFAULT '', -- "CE1 CE2"
  onde_id    TEXT NOT NULL DEFAULT '', -- Identifiant classe, asked for by LSU
  created_at BIGINT NOT NULL,
  UNIQUE (school, year, label_key)
);

-- One row per human being, whatever their profiles.
CREATE TABLE person (
  id            TEXT PRIMARY KEY,
  first         TEXT NOT NULL,
  last          TEXT NOT NULL,            -- family name
  use_name      TEXT NOT NULL DEFAULT '',
  name_key      TEXT NOT NULL,            -- folded "shown last first", for sorting and finding
  civility      TEXT NOT NULL DEFAULT '', -- M, F or unknown
  birth         TEXT NOT NULL DEFAULT '',
  ine           TEXT NOT NULL DEFAULT '',
  address       TEXT NOT NULL DEFAULT '',
  phone         TEXT NOT NULL DEFAULT '',
  contact_email TEXT NOT NULL DEFAULT '', -- as the school gave it: serves nothing until confirmed
  email         TEXT NOT NULL DEFAULT '', -- confirmed by its holder
  caption       TEXT NOT NULL DEFAULT '', -- "Mère d’Inès et de Yanis", kept true by people
  login         TEXT NOT NULL UNIQUE,
  password      TEXT NOT NULL DEFAULT '', -- argon2id, PHC form; empty until activation
  avatar        TEXT NOT NULL DEFAULT '',
  theme         TEXT NOT NULL DEFAULT '',
  reading       TEXT NOT NULL DEFAULT '',
  created_at    BIGINT NOT NULL,
  activated_at  BIGINT,
  seen_at       BIGINT,
  erased_at     BIGINT
);
CREATE INDEX person_name ON person (name_key);
CREATE INDEX person_ine ON person (ine);
CREATE INDEX person_email ON person (email);

CREATE TABLE profile (name TEXT PRIMARY KEY);
INSERT INTO profile (name) VALUES ('teacher'), ('pupil'), ('relative'), ('staff'), ('guest'), ('operator');

-- valid_to is 9007199254740991 while the membership is open. An operator's
-- membership has the school ''.
CREATE TABLE membership (
  person     TEXT NOT NULL REFERENCES person (id),
  school     TEXT NOT NULL,
  profile    TEXT NOT NULL REFERENCES profile (name),
  head       BOOLEAN NOT NULL DEFAULT FALSE,
  valid_from BIGINT NOT NULL,
  valid_to   BIGINT NOT NULL,
  PRIMARY KEY (person, school, profile)
);
CREATE INDEX membership_school ON membership (school, profile, valid_to);

CREATE TABLE class_member (
  person     TEXT NOT NULL REFERENCES person (id),
  class      TEXT NOT NULL REFERENCES class (id),
  profile    TEXT NOT NULL REFERENCES profile (name), -- pupil or teacher
  level      TEXT NOT NULL DEFAULT '',
  valid_from BIGINT NOT NULL,
  valid_to   BIGINT NOT NULL,
  PRIMARY KEY (person, class, profile)
);
CREATE INDEX class_member_class ON class_member (class, profile, valid_to);

CREATE TABLE family_link (
  relative   TEXT NOT NULL REFERENCES person (id),
  pupil      TEXT NOT NULL REFERENCES person (id),
  school     TEXT NOT NULL REFERENCES school (id),
  note       TEXT NOT NULL DEFAULT '', -- the head's dated note when the link was restricted
  valid_from BIGINT NOT NULL,
  valid_to   BIGINT NOT NULL,
  PRIMARY KEY (relative, pupil)
);
CREATE INDEX family_link_pupil ON family_link (pupil);

-- Manual groups; automatic ones are rules, see person_principal.
CREATE TABLE school_group (
  id         TEXT PRIMARY KEY,
  school     TEXT NOT NULL REFERENCES school (id),
  owner      TEXT NOT NULL REFERENCES person (id),
  label      TEXT NOT NULL,
  label_key  TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  valid_to   BIGINT NOT NULL
);
CREATE INDEX school_group_school ON school_group (school, valid_to);

CREATE TABLE group_member (
  group_id   TEXT NOT NULL REFERENCES school_group (id),
  person     TEXT NOT NULL REFERENCES person (id),
  valid_from BIGINT NOT NULL,
  valid_to   BIGINT NOT NULL,
  PRIMARY KEY (group_id, person)
);
CREATE INDEX group_member_person ON group_member (person);

-- What each person is, as far as rights are concerned. Written by people alone,
-- derived in the transaction that changes the directory.
CREATE TABLE person_principal (
  person     TEXT NOT NULL,
  principal  TEXT NOT NULL,
  school     TEXT NOT NULL,
  valid_from BIGINT NOT NULL,
  valid_to   BIGINT NOT NULL,
  PRIMARY KEY (person, principal, school)
);
CREATE INDEX person_principal_principal ON person_principal (principal, school, person);

-- Imports, for the report, the undo and the human choices.
CREATE TABLE import_state (name TEXT PRIMARY KEY);
INSERT INTO import_state (name) VALUES ('planned'), ('queued'), ('done'), ('undone'), ('failed');

CREATE TABLE import (
  id         TEXT PRIMARY KEY,
  school     TEXT NOT NULL REFERENCES school (id),
  year       BIGINT NOT NULL,
  whole      BOOLEAN NOT NULL DEFAULT FALSE, -- the files list the whole school
  actor      TEXT NOT NULL DEFAULT '',
  state      TEXT NOT NULL REFERENCES import_state (name),
  summary    TEXT NOT NULL DEFAULT '', -- counts, as JSON
  failure    TEXT NOT NULL DEFAULT '', -- the key of a sentence
  files      BYTEA,  -- what was given, gzip: for the plan, then for doubts settled later; 30 days
  journal    BYTEA,  -- the rows changed, before and after, gzip: for the undo; 30 days
  created_at BIGINT NOT NULL,
  applied_at BIGINT,
  undone_at  BIGINT
);
CREATE INDEX import_school ON import (school, created_at);

CREATE TABLE import_choice (
  school  TEXT NOT NULL REFERENCES school (id),
  subject TEXT NOT NULL, -- the stable id of the doubtful case
  choice  TEXT NOT NULL,
  target  TEXT NOT NULL DEFAULT '', -- the key of a candidate
  actor   TEXT NOT NULL,
  made_at BIGINT NOT NULL,
  PRIMARY KEY (school, subject)
);

-- +goose Down
SELECT 1;
