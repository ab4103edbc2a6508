// Package app is the small contract between the kernel and its services: what
// a service declares (App), what the kernel lends it (Core), and the router
// whose every route names the right it needs. It knows no service.
package app

import (
	"context"
	"io/fs"
	"log/slog"
	"net/netip"
	"net/url"

	"github.com/a-h/templ"

	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/blob"
	"marelle/internal/platform/clamav"
	"marelle/internal/platform/clock"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/jobs"
	"marelle/internal/platform/mail"
	"marelle/internal/platform/media"
	"marelle/internal/platform/push"
	"marelle/internal/platform/secret"
	"marelle/internal/platform/spool"
)

// App is a service as a value: data and functions. The zero value of a hook
// means that the service takes no part.
type App struct {
	Name   string
	Square Square // its place in the court; Number 0 has none

	Kinds      []Kind
	Told       []notify.Told // the events that people are told of
	Routes     func(r *Router)
	Migrations fs.FS // dated .sql files at the root
	Messages   fs.FS // fr.json at the root
	Jobs       []jobs.Kind
	Periodic   []jobs.Every

	// Tile is what the service shows on the home page of whoever works with it,
	// in one statement at most; nil shows nothing.
	Tile func(r *Request) (templ.Component, error)
	// Shelf is where people keep files, lent to the other services.
	Shelf *Shelf
	// Export hands over all that the service holds of a person, as values that
	// become JSON, each under a name.
	Export func(ctx context.Context, q db.Querier, person string, add func(name string, v any) error) error
	// Erase removes or anonymises all that the service holds of a person.
	Erase func(ctx context.Context, tx *db.Tx, g rights.Grant, person string) error
	// Merge moves all that is the loser's to the winner, when two records of the
	// same human being become one; what both have becomes one row. The directory
	// itself comes last, and then nothing may point to the loser any more.
	Merge func(ctx context.Context, tx *db.Tx, g rights.Grant, winner, loser string) error
	// Retain removes what has outlived its purpose.
	Retain func(ctx context.Context, tx *db.Tx, g rights.Grant) error
	// Sample adds a small true-to-life set to a school that has people: the
	// demonstration and the tests.
	Sample func(ctx context.Context, tx *db.Tx, g rights.Grant) error
}

// Square is a service's place in the hopscotch court: its number is the same
// for the whole school, for good.
type Square struct {
	Number int
	Path   string
	Icon   string // of the sprite
	Picto  string // drawing for pupils
	Paint  string // class of the paint: carnet, textes, messages, blog, cahiers, docs, classe
	// For lists the profiles that see it; empty is everybody.
	For []rights.Profile
}

// Kind is a kind of resource: where it is read, and what its events are called.
type Kind struct {
	Kind rights.Kind
	// Path of one item, from its id.
	Path func(id string) string
	// Act is where a relative's one-tap answer is posted, ActLabel the key of its
	// words, ReadLabel the key of the words of the link that opens the item.
	Act      func(id string) string
	ActLabel string
	// Asks says, by what an item asks, how that is answered where it is read: what
	// is there instead of Act, which a tap answers.
	Asks map[string]Asked
	// Undo is where it is taken back, while there is time.
	Undo      func(id string) string
	ReadLabel string
	// Apart is a kind that nobody publishes: it can be neither muted nor reported.
	Apart bool
	// Texts reads the plain texts of items, by id, to have them found again when
	// the index of the search is made anew; nil for what has a title alone.
	Texts func(ctx context.Context, q db.Querier, ids []string) (map[string]string, error)
}

// Asked is the way to what an item asks: the key of its words, an icon, and the
// place of the answer in the page of the item.
type Asked struct{ Label, Icon, Place string }

// Core is what the kernel lends to services and to its own pages.
type Core struct {
	DB       *db.DB
	Clock    *clock.Clock
	Jobs     *jobs.Queue
	Log      *slog.Logger
	Catalog  *i18n.Catalog
	Keys     *secret.Keys
	Hasher   *secret.Hasher
	Blobs    blob.Store
	Spool    *spool.Spool
	Pictures *media.Maker
	Clamd    *clamav.Client // nil without one: files are not examined
	Mail     *mail.Sender   // nil without SMTP
	Push     *push.Sender
	Live     *notify.Hub
	Base     *url.URL
	Proxies  []netip.Prefix
	Demo     bool

	UploadMax int64
	Apps      []App
}

// Kind finds the declaration of a kind of resource.
func (c *Core) Kind(k rights.Kind) (App, Kind, bool) {
	for _, a := range c.Apps {
		for _, d := range a.Kinds {
			if d.Kind == k {
				return a, d, true
			}
		}
	}
	return App{}, Kind{}, false
}

// Told finds the declaration of a kind of event.
func (c *Core) Told(kind string) (notify.Told, bool) {
	for _, a := range c.Apps {
		for _, t := range a.Told {
			if t.Kind == kind {
				return t, true
			}
		}
	}
	return notify.Told{}, false
}

// Texts reads the plain texts of items of a kind from the service that holds them.
func (c *Core) Texts(ctx context.Context, q db.Querier, k rights.Kind, ids []string) (map[string]string, error) {
	if _, d, ok := c.Kind(k); ok && d.Texts != nil {
		return d.Texts(ctx, q, ids)
	}
	return nil, nil
}
