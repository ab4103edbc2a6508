package app

import (
	"context"
	"embed"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/a-h/templ"

	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

//go:embed i18n/fr.json
var files embed.FS

// Messages is the catalogue of error pages, squares and the frame.
func Messages() fs.FS {
	f, err := fs.Sub(files, "i18n")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return f
}

// squares are the places of the court that every school knows by number; a
// service that is not there leaves its square empty.
const squares = 6

// Shell fills what surrounds a page: one statement for the counts, none for a
// stranger. title is the page's; current is the name of the service, or "home".
func (r *Request) Shell(title, current string) (ui.Shell, error) {
	if !r.Viewer.SignedIn() {
		return r.Core.shell(r.Viewer, notify.Counts{}, title, current), nil
	}
	counts, err := r.Unread()
	return r.Core.shell(r.Viewer, counts, title, current), err
}

// Unread counts what the viewer has not seen, or has yet to do: as it stood when
// it was asked for first.
func (r *Request) Unread() (notify.Counts, error) {
	if r.Counts.Kinds == nil {
		counts, err := notify.Unread(r.Context(), r.Core.DB, r.Viewer)
		if err != nil {
			return counts, err
		}
		r.Counts = counts
	}
	return r.Counts, nil
}

func (c *Core) shell(v *rights.Viewer, counts notify.Counts, title, current string) ui.Shell {
	s := ui.Shell{Title: title, Current: current, Portal: "Marelle", Season: season(c.Clock.Now()), Demo: c.Demo, Installs: true}
	if !v.SignedIn() {
		return s
	}
	return c.signed(s, v, counts.Services)
}

func (c *Core) signed(s ui.Shell, v *rights.Viewer, counts map[string]int) ui.Shell {
	pupil := v.Main() == rights.Pupil
	s.Signed, s.Pupil = true, pupil
	s.Theme, s.Reading = v.Theme, v.Reading
	s.School = v.School().Name
	s.Name = strings.TrimSpace(v.First + " " + v.Last)
	s.Caption, s.Initials, s.Avatar = c.Caption(v), ui.Initials(v.First, v.Last), v.Avatar
	s.AvatarPaint = ui.PersonPaint(v.Person)
	voice := ""
	if pupil {
		voice = ".pupil"
	}
	for _, n := range counts { // of what has no square too
		s.Unread += n
	}
	byNumber := map[int]ui.Square{}
	most := squares
	for _, a := range c.Apps {
		if a.Square.Number == 0 || !a.Square.shownTo(v) {
			continue
		}
		q := ui.Square{
			Number: a.Square.Number, Key: a.Name, Label: c.Catalog.T("square." + a.Name + voice), Short: c.Catalog.T("square." + a.Name + voice + ".short"),
			Href: a.Square.Path, Icon: a.Square.Icon, Picto: a.Square.Picto, Paint: a.Square.Paint, Count: counts[a.Name],
		}
		byNumber[q.Number] = q
		most = max(most, q.Number)
		if len(s.Tabs) < 3 {
			s.Tabs = append(s.Tabs, ui.Tab{Key: a.Name, Label: q.Short, Href: q.Href, Icon: q.Icon, Paint: q.Paint, Count: q.Count, Current: s.Current == a.Name})
		}
	}
	for n := 1; n <= most; n++ {
		q, ok := byNumber[n]
		if !ok {
			q = ui.Square{Number: n}
		}
		s.Squares = append(s.Squares, q)
	}
	s.Tabs = append([]ui.Tab{{Label: c.Catalog.T("app.home"), Href: "/", Icon: "house-simple", Current: s.Current == "home"}}, s.Tabs...)
	s.Tabs = append(s.Tabs, ui.Tab{Label: c.Catalog.T("app.me"), Href: "/compte", Icon: "user-circle", Current: s.Current == "account"})
	s.Extra = []ui.Link{
		{Label: c.Catalog.T("app.account"), Href: "/compte", Icon: "gear-six"},
		{Label: c.Catalog.T("app.help"), Href: "/aide", Icon: "lifebuoy"},
		{Label: c.Catalog.T("app.sign_out"), Href: "/deconnexion", Icon: "sign-out", Post: true},
	}
	if v.Shared { // a tablet of the class: the next pupil comes before settings
		s.Tabs[len(s.Tabs)-1] = ui.Tab{Label: c.Catalog.T("app.next.short"), Href: "/changer", Icon: "users"}
		s.Extra[len(s.Extra)-1] = ui.Link{Label: c.Catalog.T("app.next"), Href: "/changer", Icon: "users", Post: true}
	}
	return s
}

// Caption is what stands under the viewer's own name.
func (c *Core) Caption(v *rights.Viewer) string {
	m := v.School()
	return people.Caption(m.Caption).For(c.Catalog.T, v, m.School)
}

func (q Square) shownTo(v *rights.Viewer) bool {
	return len(q.For) == 0 || v.Is(q.For...)
}

// Face is the avatar of a person: an animal, or initials on their paint.
func Face(person, first, last, animal, size string) ui.Person {
	return ui.Person{Animal: animal, Initials: ui.Initials(first, last), Paint: ui.PersonPaint(person), Size: size}
}

func season(t time.Time) string {
	switch t.Month() {
	case time.September, time.October, time.November:
		return "automne"
	case time.December, time.January, time.February:
		return "hiver"
	case time.March, time.April, time.May:
		return "printemps"
	}
	return "ete"
}

// Page answers with a page of a service; body is drawn inside the layout.
func (r *Request) Page(title, current string, body templ.Component) (web.Response, error) {
	return r.PageWith(http.StatusOK, title, current, nil, body)
}

// PageWith is Page with a status and an announcement.
func (r *Request) PageWith(status int, title, current string, toast *ui.Toast, body templ.Component) (web.Response, error) {
	s, err := r.Shell(title, current)
	if err != nil {
		return nil, err
	}
	s.Toast = toast
	return web.PageStatus(status, Inside(ui.Layout(s), body)), nil
}

// Inside draws body as the children of a layout.
func Inside(layout, body templ.Component) templ.Component {
	return templ.ComponentFunc(func(ctx context.Context, w io.Writer) error {
		return layout.Render(templ.WithChildren(ctx, body), w)
	})
}

// Refuse shows an error as a page in French. What is nobody's fault but ours
// gets a number; its text goes to the log alone.
func (c *Core) Refuse(w http.ResponseWriter, r *http.Request, v *rights.Viewer, err error) {
	kind := errs.KindOf(err)
	if kind == errs.Unauthenticated && (r.Method == http.MethodGet || r.Method == http.MethodHead) {
		_ = web.Redirect("/connexion?suite="+url.QueryEscape(r.URL.RequestURI())).Write(w, r)
		return
	}
	if r.Context().Err() != nil && kind == errs.Internal {
		return // the caller is gone
	}
	number, sentence := "", errs.Message{Key: "error.internal"}
	if e := errs.As(err); e != nil && kind != errs.Internal {
		sentence = e.Message
		if sentence.Key == "error.invalid" {
			for _, m := range e.Fields {
				sentence = m // a page without a form of its own says one fault
				break
			}
		}
		if e.Retry > 0 {
			web.RetryAfter(w, e.Retry)
		}
	} else {
		number = strings.ToUpper(id.New()[28:])
		c.Log.ErrorContext(r.Context(), "request failed", "number", number, "route", r.Pattern, "error", err)
	}
	ctx := i18n.With(r.Context(), c.Catalog)
	heading := "error.title." + strings.ReplaceAll(kind.String(), " ", "_")
	if v.SignedIn() && v.Main() == rights.Pupil {
		heading, sentence.Key = toPupil(heading), toPupil(sentence.Key)
	}
	title := c.Catalog.T(heading)
	shell := ui.Shell{Title: title, Portal: "Marelle"}
	if !v.SignedIn() {
		shell = c.shell(v, notify.Counts{}, title, "")
	} else if counts, unreadErr := notify.Unread(ctx, c.DB, v); unreadErr == nil { // the database may be what failed: a page without counts
		shell = c.shell(v, counts, title, "")
	}
	kept := c.kept(w, r, v, kind)
	if kept.SignIn != "" {
		sentence = errs.Msg("error.session_over")
	}
	var out ui.Link
	if kind == errs.Misdirected { // home is at another name
		out = ui.Link{Label: c.Catalog.T("error.right_address"), Href: c.Base.String(), Icon: "arrow-left"}
	}
	page := ui.ErrorPage(shell, web.Status(err), title, c.Catalog.Render(sentence.Key, sentence.Args), number, out, kept)
	if err := web.PageStatus(web.Status(err), page).Write(w, r.WithContext(ctx)); err != nil {
		c.Log.WarnContext(r.Context(), "error page", "error", err)
	}
}

// toPupil is the sentence that says the same to a child, where there is one:
// what a child meets by a wrong turn or by our fault.
func toPupil(key string) string {
	switch key {
	case "error.internal", "error.not_found", "error.denied", "error.title.internal", "error.title.denied":
		return key + ".pupil"
	}
	return key
}
