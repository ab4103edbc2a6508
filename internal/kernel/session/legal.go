package session

import (
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/a-h/templ"

	"marelle/internal/kernel/app"
	"marelle/internal/licence"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// sheet answers with a page of text that anybody may read: inside the frame for
// who is signed in, with the way to the door for who is not.
func (d *door) sheet(r *app.Request, title string, body templ.Component) (web.Response, error) {
	s, err := r.Shell(title, "")
	if err != nil {
		return nil, err
	}
	s.Styles = []string{ui.Asset("page-session.css")}
	return web.PageStatus(http.StatusOK, app.Inside(ui.Layout(s), textFrame(title, s.Signed, body))), nil
}

func (d *door) charterPage(r *app.Request) (web.Response, error) {
	c, err := readCharter(charterVersion)
	if err != nil {
		return nil, err
	}
	return d.sheet(r, r.T("session.charter.title"), charterText(c, i18n.LongDate(c.Published)))
}

func (d *door) charterPoster(r *app.Request) (web.Response, error) {
	c, err := readCharter(charterVersion)
	if err != nil {
		return nil, err
	}
	s, err := r.Shell(r.T("session.poster.title"), "")
	if err != nil {
		return nil, err
	}
	s.Styles = []string{ui.Asset("page-session.css")}
	return web.PageStatus(http.StatusOK, app.Inside(ui.Bare(s), posterView(c, i18n.LongDate(c.Published)))), nil
}

// legal is what the operator must say: settings of the portal.
type legal struct{ Controller, Host, Contact string }

func (d *door) legalPage(r *app.Request) (web.Response, error) {
	rows, err := db.All[struct{ Name, Value string }](r.Context(), d.core.DB, `SELECT name, value FROM setting WHERE scope = '' AND name IN ('controller', 'host', 'dpo')`)
	if err != nil {
		return nil, err
	}
	var l legal
	for _, row := range rows {
		switch v := strings.TrimSpace(row.Value); row.Name {
		case "controller":
			l.Controller = v
		case "host":
			l.Host = v
		case "dpo":
			l.Contact = v
		}
	}
	return d.sheet(r, r.T("session.legal.title"), legalView(l))
}

// declared is the day of the accessibility declaration; it is renewed within
// three years, or when the pages are made anew.
var declared = time.Date(2026, time.November, 23, 0, 0, 0, 0, time.UTC)

func (d *door) accessibilityPage(r *app.Request) (web.Response, error) {
	return d.sheet(r, r.T("session.access.title"), accessibilityView(i18n.LongDate(declared)))
}

func (d *door) helpPage(r *app.Request) (web.Response, error) {
	return d.sheet(r, r.T("session.help.title"), helpView(r.Viewer.SignedIn()))
}

// noticesPage lists everybody else's work inside the program, with its terms.
func (d *door) noticesPage(r *app.Request) (web.Response, error) {
	return d.sheet(r, r.T("session.notices.title"), noticesView(licence.List()))
}

// notices is the text of every licence, whole, as the terms ask.
func (d *door) notices(*app.Request) (web.Response, error) {
	return web.Func(func(w http.ResponseWriter, _ *http.Request) error {
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("Cache-Control", "public, max-age=3600")
		_, err := io.WriteString(w, licence.Text())
		return err
	}), nil
}
