-- +goose Up
-- Keyed by the SHA-256 of a random token of 256 bits that only the cookie holds.
CREATE TABLE session (
  id         TEXT PRIMARY KEY,
  person     TEXT NOT NULL REFERENCES person (id),
  created_at BIGINT NOT NULL,
  seen_at    BIGINT NOT NULL,
  expires_at BIGINT NOT NULL,
  agent      TEXT NOT NULL DEFAULT '',
  shared     BOOLEAN NOT NULL DEFAULT FALSE -- a tablet of the school: short life
);
CREATE INDEX session_person ON session (person);
CREATE INDEX session_expires ON session (expires_at);

-- Devices that signed in before are not slowed by somebody else's failures.
CREATE TABLE known_device (
  id      TEXT NOT NULL, -- SHA-256 of the device cookie
  person  TEXT NOT NULL REFERENCES person (id),
  seen_at BIGINT NOT NULL,
  PRIMARY KEY (id, person)
);

-- Failures of secrets, by keyed hash of what is counted.
CREATE TABLE throttle (
  subject    TEXT PRIMARY KEY,
  failures   BIGINT NOT NULL,
  blocked_to BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);
CREATE INDEX throttle_expires ON throttle (expires_at);

CREATE TABLE activation_code (
  person     TEXT PRIMARY KEY REFERENCES person (id),
  mac        TEXT NOT NULL UNIQUE, -- HMAC of the normalised code: how it is looked up
  sealed     TEXT NOT NULL,        -- AES-GCM: only so that a sheet can be printed again
  issued_by  TEXT NOT NULL,
  issued_at  BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

-- Each opening of sealed codes is audited; this is the charter's own record.
CREATE TABLE charter_version (
  version      BIGINT PRIMARY KEY,
  hash         TEXT NOT NULL, -- SHA-256 of the full text
  published_at BIGINT NOT NULL
);

CREATE TABLE charter_acceptance (
  person   TEXT NOT NULL REFERENCES person (id),
  version  BIGINT NOT NULL,
  hash     TEXT NOT NULL,
  at       BIGINT NOT NULL,
  paper_by TEXT NOT NULL DEFAULT '', -- the teacher who saw the signed paper; '' on screen
  PRIMARY KEY (person, version, paper_by)
);

-- Six-digit codes sent to an address that its holder is about to confirm.
CREATE TABLE email_confirmation (
  person     TEXT PRIMARY KEY REFERENCES person (id),
  email      TEXT NOT NULL,
  mac        TEXT NOT NULL,
  tries      BIGINT NOT NULL DEFAULT 0,
  sent       BIGINT NOT NULL DEFAULT 0, -- mails sent since first_at, so that nobody is flooded
  first_at   BIGINT NOT NULL,
  expires_at BIGINT NOT NULL
);

-- Somebody on the way in: an activation between two steps, or a sign-in that
-- awaits its second factor. Keyed by the SHA-256 of a cookie of its own; it
-- gives no right at all, and nothing is used up before the last step.
CREATE TABLE entry_kind (name TEXT PRIMARY KEY);
INSERT INTO entry_kind (name) VALUES ('activation'), ('second');
CREATE TABLE entry (
  id         TEXT PRIMARY KEY,
  kind       TEXT NOT NULL REFERENCES entry_kind (name),
  login      TEXT NOT NULL DEFAULT '', -- as typed, at the first step
  person     TEXT NOT NULL DEFAULT '', -- once the code was right
  mac        TEXT NOT NULL DEFAULT '', -- of that code
  phrase     TEXT NOT NULL DEFAULT '', -- a pupil's passphrase, sealed until accepted
  accepted   BOOLEAN NOT NULL DEFAULT FALSE,
  shared     BOOLEAN NOT NULL DEFAULT FALSE,
  next       TEXT NOT NULL DEFAULT '',
  expires_at BIGINT NOT NULL
);
CREATE INDEX entry_expires ON entry (expires_at);

-- What somebody asked on the pages for lost names and passwords, until a job
-- has looked whether there is such an account: the page itself never looks.
CREATE TABLE recovery_request (
  id         TEXT PRIMARY KEY,
  what       TEXT NOT NULL, -- password or name
  asked      TEXT NOT NULL, -- as typed
  created_at BIGINT NOT NULL
);

-- The second factor (TOTP, RFC 6238). used_step refuses the same code twice.
CREATE TABLE second_factor (
  person       TEXT PRIMARY KEY REFERENCES person (id),
  sealed       TEXT NOT NULL,
  confirmed_at BIGINT, -- NULL until a first code was right
  used_step    BIGINT NOT NULL DEFAULT 0
);
CREATE TABLE recovery_code (
  person TEXT NOT NULL REFERENCES person (id),
  mac    TEXT NOT NULL,
  PRIMARY KEY (person, mac)
);

-- What somebody wishes to be told of, by name ("mail.liaison").
CREATE TABLE wish (
  person TEXT NOT NULL REFERENCES person (id),
  name   TEXT NOT NULL,
  wanted BOOLEAN NOT NULL,
  PRIMARY KEY (person, name)
);

CREATE TABLE recovery (
  id         TEXT PRIMARY KEY, -- SHA-256 of the token in the link
  person     TEXT NOT NULL REFERENCES person (id),
  expires_at BIGINT NOT NULL
);

-- Mail waiting to be sent: written with the change that causes it.
CREATE TABLE outgoing_mail (
  id         TEXT PRIMARY KEY,
  person     TEXT NOT NULL,
  recipient  TEXT NOT NULL,
  subject    TEXT NOT NULL,
  body       TEXT NOT NULL,
  created_at BIGINT NOT NULL,
  sent_at    BIGINT
);

-- +goose Down
SELECT 1;
