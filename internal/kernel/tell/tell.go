// Package tell carries what was published to people's phones and mailboxes: who
// wants it and when, the sending itself, and the page where each decides. It
// knows no service: what may be told, and in which words, services declare.
package tell

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/jobs"
)

//go:embed i18n/fr.json
var files embed.FS

// Where the pages are.
const (
	atSettings = "/notifications"
	atDevice   = "/poche/abonnements"
	atStop     = "/desabonnement/"
	LivePath   = "/fil/direct" // the stream of an open page
)

// App declares the part to the kernel.
func App(core *app.Core) app.App {
	messages, err := fs.Sub(files, "i18n")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	h := handler{core}
	return app.App{
		Name:     "tell",
		Messages: messages,
		Routes: func(r *app.Router) {
			r.GET(atSettings, rights.SignedIn, h.page)
			r.POST(atSettings, rights.SignedIn, h.save)
			r.POST(atSettings+"/essai", rights.SignedIn, h.try)
			r.GET(LivePath, rights.SignedIn, h.live)
			r.POST("/sourdine/{id}", rights.SignedIn, h.mute)
			r.POST("/sourdine/{id}/lever", rights.SignedIn, h.unmute)
			r.POST(atDevice, rights.SignedIn, h.subscribe)
			r.POST(atDevice+"/retirer", rights.SignedIn, h.unsubscribe)
			// Whoever holds the mail may stop it, and nothing else: no session is begun.
			r.GET(atStop+"{token}", rights.Public, h.stopPage)
			r.POST(atStop+"{token}", rights.Public, h.stop)
		},
		Jobs: []jobs.Kind{
			jobs.Handle(func(ctx context.Context, t notify.Tell) error { return plan(ctx, core, t) }),
			jobs.Handle(func(ctx context.Context, f flush) error { return f.run(ctx, core) }),
		},
		Periodic: []jobs.Every{
			{Interval: time.Minute, Args: func() jobs.Args { return flush{mailed} }},
			{Interval: time.Minute, Args: func() jobs.Args { return flush{pushed} }},
		},
	}
}

// The channels.
const (
	mailed = "mail"
	pushed = "push"
)
