-- +goose Up
-- A file or a folder of somebody's documents; the same id as its resource. A
-- tree has one owner: whose space it lies in.
CREATE TABLE document (
  id         TEXT PRIMARY KEY REFERENCES resource (id),
  school     TEXT NOT NULL REFERENCES school (id),
  owner      TEXT NOT NULL REFERENCES person (id),
  author     TEXT NOT NULL, -- who put it there, or its version in force
  parent     TEXT REFERENCES document (id), -- NULL at the top
  folder     BOOLEAN NOT NULL,
  name       TEXT NOT NULL,
  name_key   TEXT NOT NULL,
  file       TEXT REFERENCES file (id), -- of the version in force
  version    BIGINT NOT NULL DEFAULT 1,
  changed_at BIGINT NOT NULL,
  taken      TEXT -- what was put in the trash and took it along; NULL in its place
);
CREATE INDEX document_parent ON document (parent, name_key);
CREATE INDEX document_owner ON document (owner, parent, name_key);
CREATE INDEX document_taken ON document (taken) WHERE taken IS NOT NULL;
CREATE INDEX document_file ON document (file);

-- Who was given what, and where: the grants of a resource are derived from it,
-- down the tree.
CREATE TABLE document_share (
  node      TEXT NOT NULL REFERENCES document (id),
  principal TEXT NOT NULL,
  role      BIGINT NOT NULL,
  at        BIGINT NOT NULL,
  PRIMARY KEY (node, principal)
);
CREATE INDEX document_share_principal ON document_share (principal, at);

-- The versions of a file, the one in force included.
CREATE TABLE document_version (
  node   TEXT NOT NULL REFERENCES document (id),
  n      BIGINT NOT NULL,
  file   TEXT NOT NULL REFERENCES file (id),
  author TEXT NOT NULL,
  at     BIGINT NOT NULL,
  PRIMARY KEY (node, n)
);
CREATE INDEX document_version_file ON document_version (file);

CREATE TABLE document_comment (
  id     TEXT PRIMARY KEY,
  node   TEXT NOT NULL REFERENCES document (id),
  author TEXT NOT NULL REFERENCES person (id),
  body   TEXT NOT NULL,
  at     BIGINT NOT NULL
);
CREATE INDEX document_comment_node ON document_comment (node, at);
CREATE INDEX document_comment_author ON document_comment (author);

-- What somebody wants to find at once.
CREATE TABLE document_star (
  person TEXT NOT NULL REFERENCES person (id),
  node   TEXT NOT NULL REFERENCES document (id),
  PRIMARY KEY (person, node)
);
CREATE INDEX document_star_node ON document_star (node);

-- +goose Down
SELECT 1;
