// Package id makes the identifiers of rows: UUIDv7 (RFC 9562) as text, so that
// they sort by birth and are made without asking the database. It is no source
// of secrets.
package id

import "github.com/google/uuid"

// New returns a fresh identifier, 36 lower-case characters.
func New() string { return uuid.Must(uuid.NewV7()).String() }

// Valid says whether s has the exact form that New gives.
func Valid(s string) bool {
	if len(s) != 36 {
		return false
	}
	u, err := uuid.Parse(s)
	return err == nil && u.String() == s
}
