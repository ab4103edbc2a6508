// Package report lets whoever reads something tell the heads of its school that
// it should not be there, and the heads deal with it. It knows no other service:
// what is reported is a resource. Its author is never shown any of it.
package report

import (
	"context"
	"embed"
	"io/fs"
	"slices"
	"strings"
	"unicode/utf8"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

//go:embed migrations/*.sql i18n/fr.json
var files embed.FS

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return f
}

// Where the pages are.
const (
	atForm = "/signaler"
	atList = "/ecole/signalements"
)

const (
	// Box is the kind of the one resource by which a school's heads are told.
	Box rights.Kind = "report.box"
	// Made is the kind of event that tells them.
	Made = "report.made"
)

// Handle is asked of who deals with reports.
var Handle = rights.Can("report.handle", rights.Head)

// Reasons are what may be wrong, in the order of the form.
var Reasons = []string{"hurtful", "image", "private", "mistake", "other"}

// Bounds: the words of a report or of a note, what is kept of a reported text,
// and the reports of one person in a day.
const (
	longest = 1000
	kept    = 2000
	perDay  = 20
)

// App declares reports.
func App(core *app.Core) app.App {
	h := handler{core}
	return app.App{
		Name:   "report",
		Square: app.Square{Icon: "flag", Paint: "turquoise"},
		Kinds:  []app.Kind{{Kind: Box, Path: func(string) string { return atList }, Apart: true}},
		Told: []notify.Told{{
			Kind: Made, Label: "report.told", Text: "report.told.text", Line: "report.told.line", Many: "report.told.many",
			For: map[rights.Profile]notify.Choice{rights.Head: {Push: true, Mail: notify.Once}},
		}},
		Routes: func(r *app.Router) {
			r.GET(atForm, rights.SignedIn, h.form)
			r.POST(atForm, rights.SignedIn, h.send)
			r.GET(atList, Handle, h.list)
			r.GET(atList+"/{id}", Handle, h.show)
			r.POST(atList+"/{id}/clore", Handle, h.close)
			r.POST(atList+"/{id}/rouvrir", Handle, h.reopen)
		},
		Migrations: sub("migrations"),
		Messages:   sub("i18n"),
		Export:     Export,
		Erase:      Erase,
		Merge:      Merge,
		Retain: func(ctx context.Context, tx *db.Tx, g rights.Grant) error {
			return Retain(ctx, tx, g, core.Clock.Now())
		},
	}
}

// Draft is a report as typed.
type Draft struct{ Resource, Reason, Said string }

// Check says what is wrong with it.
func (d *Draft) Check() error {
	d.Said = strings.TrimSpace(d.Said)
	faults := errs.Fields{}
	if !slices.Contains(Reasons, d.Reason) {
		faults.Add("motif", "report.reason_missing")
	}
	if d.Reason == "other" && d.Said == "" {
		faults.Add("texte", "report.said_missing")
	}
	if utf8.RuneCountInString(d.Said) > longest {
		faults.Add("texte", "report.too_long", "n", longest)
	}
	return faults.Err()
}
