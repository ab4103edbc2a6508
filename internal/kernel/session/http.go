package session

import (
	"context"
	"time"

	"github.com/a-h/templ"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/jobs"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// App declares the entry pages to the kernel.
func App(core *app.Core) app.App {
	d := &door{core}
	return app.App{
		Name: "session", Migrations: Migrations(), Messages: Messages(), Routes: d.routes, Export: export, Erase: erase, Merge: merge,
		Jobs: []jobs.Kind{
			jobs.Handle(func(ctx context.Context, _ tidy) error { return sweep(ctx, core) }),
			jobs.Handle(func(ctx context.Context, a send) error { return deliver(ctx, core, a.ID) }),
			jobs.Handle(func(ctx context.Context, a seek) error { return d.recover(ctx, a.ID) }),
		},
		Periodic: []jobs.Every{{Interval: time.Hour, Args: func() jobs.Args { return tidy{} }}},
	}
}

// tidy is the hourly job that removes what has expired.
type tidy struct{}

// Kind names the job.
func (tidy) Kind() string { return "session.sweep" }

func (d *door) routes(r *app.Router) {
	r.GET("/connexion", rights.Public, d.signInPage)
	r.POST("/connexion", rights.Public, d.signIn)

	r.GET(atLogin, rights.Public, d.activationPage)
	r.POST(atLogin, rights.Public, d.giveLogin)
	r.GET(atCode, rights.Public, d.codePage)
	r.POST(atCode, rights.Public, d.giveCode)
	r.POST("/activation/lien", rights.Public, d.giveLink)
	r.GET(atCharter, rights.Public, d.charterStep)
	r.POST(atCharter, rights.Public, d.acceptStep)
	r.POST("/activation/nouvelle-charte", rights.Entering, d.renew)
	r.GET(atPassword, rights.Public, d.passwordStep)
	r.POST(atPassword, rights.Public, d.setPassword)
	r.POST("/activation/phrase", rights.Public, d.redraw)
	r.GET(atEmail, rights.SignedIn, d.emailPage)
	r.POST(atEmail, rights.SignedIn, d.giveEmail)
	r.POST(atEmail+"/code", rights.SignedIn, d.giveDigits)
	r.GET(atSky, rights.SignedIn, d.skyPage)
	r.POST(atSky, rights.SignedIn, d.saveSky)

	r.GET(atSecond, rights.Public, d.secondPage)
	r.POST(atSecond, rights.Public, d.second)
	r.GET("/mot-de-passe-oublie", rights.Public, d.lostPasswordPage)
	r.POST("/mot-de-passe-oublie", rights.Public, d.lostPassword)
	r.GET("/identifiant-oublie", rights.Public, d.lostNamePage)
	r.POST("/identifiant-oublie", rights.Public, d.lostName)
	r.GET(atReset, rights.Public, d.resetPage)
	r.POST(atReset, rights.Public, d.reset)

	r.GET("/deconnexion", rights.Public, d.signOutPage)
	r.POST("/deconnexion", rights.Public, d.signOut)
	r.GET("/changer", rights.Public, d.changePupilPage)
	r.POST("/changer", rights.Public, d.changePupil)

	r.GET(atAccount, rights.SignedIn, d.account)
	r.POST("/compte/affichage", rights.SignedIn, d.saveAccount)
	r.GET(atChange, rights.SignedIn, d.changePage)
	r.POST(atChange, rights.SignedIn, d.change)
	r.GET(atMail, rights.SignedIn, d.emailPage)
	r.POST(atMail, rights.SignedIn, d.giveEmail)
	r.POST(atMail+"/code", rights.SignedIn, d.giveDigits)
	r.POST(atMail+"/retirer", rights.SignedIn, d.dropEmail)
	r.GET(atDevices, rights.SignedIn, d.devicesPage)
	r.POST(atDevices, rights.SignedIn, d.closeDevice)
	r.GET(atDrive, keepKeys, d.keysPage)
	r.POST(atDrive, keepKeys, d.makeKey)
	r.POST(atDrive+"/retirer", keepKeys, d.endKey)
	// Somebody whose grace is over gets no further than this page.
	r.GET(atFactor, rights.Entering, d.factorPage)
	r.POST(atFactor, rights.Entering, d.confirmFactor)
	r.GET(atFactor+"/qr.png", rights.Entering, d.factorPicture)
	r.POST(atFactor+"/retirer", rights.SignedIn, d.removeFactor)

	r.GET("/charte", rights.Public, d.charterPage)
	r.GET("/charte/affiche", rights.Public, d.charterPoster)
	r.GET("/mentions-legales", rights.Public, d.legalPage)
	r.GET("/accessibilite", rights.Public, d.accessibilityPage)
	r.GET("/aide", rights.Public, d.helpPage)
	r.GET("/aide/licences", rights.Public, d.noticesPage)
	r.GET("/aide/licences.txt", rights.Public, d.notices)
	r.GET("/portail/courriels", rights.Public, d.mailsPage)
}

// head is what stands above a form of the door.
type head struct {
	Steps      ui.Steps
	Title, Sub string
}

// gate answers with a page of the door.
func (d *door) gate(r *app.Request, status int, h head, body templ.Component) (web.Response, error) {
	return d.gateFor(r, candidate{}, status, h, body)
}

// gateFor is gate in the looks of the person being let in.
func (d *door) gateFor(r *app.Request, c candidate, status int, h head, body templ.Component) (web.Response, error) {
	s, err := r.Shell(h.Title, "")
	if err != nil {
		return nil, err
	}
	if c.ID != "" {
		s.Pupil, s.Theme, s.Reading = c.Pupil, c.Theme, c.Reading
		if c.Pupil && s.Reading == "" {
			s.Reading = "debutant"
		}
	}
	s.Scripts, s.Styles = []string{ui.Asset("session.js")}, []string{ui.Asset("page-session.css")}
	return web.PageStatus(status, app.Inside(ui.Gate(s, h.Steps), withHead(h, body))), nil
}

// doorSteps are the squares of the court; at 0 all are painted.
func doorSteps(r *app.Request, at int) ui.Steps {
	s := ui.Steps{Current: at}
	for _, k := range []string{"login", "code", "charter", "password", "email"} {
		s.Labels = append(s.Labels, r.T("session.step."+k))
	}
	return s
}

// stepsFor are doorSteps for a person: a pupil chooses colours where an adult
// gives an address.
func stepsFor(r *app.Request, c candidate, at int) ui.Steps {
	s := doorSteps(r, at)
	if c.Pupil {
		s.Labels[4] = r.T("session.step.colours")
	}
	return s
}

// word is a sentence for an adult, or for a child when there is one in simpler
// words.
func word(r *app.Request, pupil bool, key string, pairs ...any) string {
	if pupil && r.Core.Catalog.Has(key+".pupil") {
		key += ".pupil"
	}
	return r.T(key, pairs...)
}

// say is word inside a template.
func say(ctx context.Context, pupil bool, key string, pairs ...any) string {
	if c := i18n.From(ctx); pupil && c != nil && c.Has(key+".pupil") {
		key += ".pupil"
	}
	return i18n.T(ctx, key, pairs...)
}
