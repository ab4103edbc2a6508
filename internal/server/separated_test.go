package server_test

import (
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	nethtml "golang.org/x/net/html"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/db"
	"marelle/internal/platform/push/pushtest"
	onpaper "marelle/internal/testkit/paper"
	"marelle/internal/testkit/testapp"
)

// key is in every secret text, so that a search for it finds all that may be
// found without naming any.
const key = "sycomore"

// parent is one of three adults of a child: two who live apart, and the new
// partner of one of them.
type parent struct {
	*testapp.Person
	phone *pushtest.Browser
	known string            // "philomene": in names, the sign-in name, the address
	mine  map[string]string // what nobody else of the family may read, by what it is
}

// apart is a family whose adults live apart, in the class CE1 B.
type apart struct {
	*testapp.App
	t       *testing.T
	out     *testapp.Outside
	class   string
	child   *testapp.Person
	half    *testapp.Person // brother of the child, by the first parent and the third
	parents []*parent
	words   map[string]string // by what they ask
}

func live(t *testing.T) *apart {
	a := &apart{App: testapp.New(t), t: t, words: map[string]string{}}
	a.out = a.Outside()
	a.Drain()
	school := a.One(`SELECT id FROM school WHERE uai = '0809876A'`)
	a.class = a.One(`SELECT id FROM class WHERE label = 'CE1 B' AND school = $1`, school)
	other := a.One(`SELECT id FROM class WHERE label = 'GS' AND school = $1`, school)
	list := []people.Person{{First: "Ondine", Last: "Vauquelin", Avatar: "?"}, {First: "Celestin", Last: "Wzorek", Avatar: "?"}}
	for n, first := range []string{"Philomene", "Anatole", "Barnabas"} {
		list = append(list, people.Person{First: first, Last: []string{"Vauquelin", "Vauquelin", "Wzorek"}[n], Civility: []string{"F", "M", "M"}[n],
			Address: fmt.Sprintf("%d rue Zqrue%d", n+1, n), Phone: fmt.Sprintf("069988771%d", n), ContactEmail: fmt.Sprintf("zqecole%d@exemple.fr", n)})
	}
	ctx := t.Context()
	if err := a.Core.DB.Write(ctx, func(tx *db.Tx) (err error) {
		g, now := rights.System("test").For(school), a.Core.Clock.Now()
		if list, err = people.CreatePersons(ctx, tx, g, now, list); err != nil {
			return err
		}
		change := people.Change{School: school, Enter: []people.Place{{Person: list[0].ID, Class: a.class, Profile: rights.Pupil, Level: "CE1"}, {Person: list[1].ID, Class: other, Profile: rights.Pupil, Level: "GS"}}}
		var ids []string
		for n, p := range list {
			profile := rights.Pupil
			if n > 1 {
				profile = rights.Relative
				change.Link = append(change.Link, people.Link{Relative: p.ID, Pupil: list[0].ID})
				if n != 3 {
					change.Link = append(change.Link, people.Link{Relative: p.ID, Pupil: list[1].ID})
				}
			}
			change.Join = append(change.Join, people.Membership{Person: p.ID, School: school, Profile: profile})
			ids = append(ids, p.ID)
		}
		if err := people.Apply(ctx, tx, g, now, change); err != nil {
			return err
		}
		return session.Settle(ctx, tx, g, ids, now, now)
	}); err != nil {
		t.Fatal(err)
	}
	a.Core.Clock.Advance(time.Second)
	a.child, a.half = a.As(list[0].Login), a.As(list[1].Login)
	for n, p := range list[2:] {
		q := &parent{Person: a.As(p.Login), known: strings.ToLower(p.First)}
		a.write(`UPDATE person SET email = $2 WHERE id = $1`, q.ID, fmt.Sprintf("zqcourriel%d@exemple.fr", n))
		q.mine = map[string]string{"name": q.known, "address": fmt.Sprintf("Zqrue%d", n), "phone": p.Phone, "e-mail": fmt.Sprintf("zqcourriel%d", n), "e-mail that the school has": fmt.Sprintf("zqecole%d", n)}
		for _, what := range []string{"answer", "second answer", "letter", "letter about a word", "reply", "absence", "report", "folder", "file"} {
			q.mine[what] = fmt.Sprintf("zq%s%d", strings.ReplaceAll(what, " ", ""), n)
		}
		q.phone = a.out.Phone(q.Person)
		a.parents = append(a.parents, q)
	}
	return a
}

func (a *apart) write(text string, args ...any) {
	a.t.Helper()
	if err := a.Core.DB.Write(a.t.Context(), func(tx *db.Tx) error {
		_, err := tx.Exec(a.t.Context(), text, args...)
		return err
	}); err != nil {
		a.t.Fatal(err)
	}
}

// publish writes a word of each sort to the class.
func (a *apart) publish() {
	helene := a.As("helene.duvivier")
	for _, w := range []struct {
		ask  string
		more []string
	}{
		{"read", nil}, {"sign_one", nil}, {"sign_both", nil}, {"text", []string{"question", "Une allergie ?"}},
		{"yesno", []string{"question", "Vient-il ?"}}, {"choice", []string{"question", "Quel jour ?", "choix", "lundi\nmardi\njeudi"}}, {"untouched", nil},
	} {
		form := append([]string{"titre", "Un mot de la maîtresse, " + w.ask, "texte", "Merci.", "a", "class:" + a.class, "demande", strings.Replace(w.ask, "untouched", "read", 1)}, w.more...)
		a.words[w.ask], _, _ = strings.Cut(helene.Post("/carnet", form...).To(), "?")
	}
}

// absences are announced by each, on a day of their own. All of them learn the
// day, for they must not look for the child; none learns who said so and why.
func (a *apart) absences() {
	a.t.Helper()
	for n, p := range a.parents {
		absence, _, _ := strings.Cut(p.Post("/carnet/absence", "enfant", a.child.ID, "du", []string{"2026-11-24", "2026-11-26", "2026-11-27"}[n], "motif", "sick", "precision", key+" "+p.mine["absence"]).To(), "?")
		a.As("helene.duvivier").Post(absence + "/vu").To()
	}
}

// acts is all else that one of the adults does with the school, and what it
// replies.
func (a *apart) acts(n int) {
	a.t.Helper()
	p, helene, text := a.parents[n], a.As("helene.duvivier"), func(what string) string { return key + " " + a.parents[n].mine[what] }
	p.Post(a.words["read"] + "/lu").To()
	p.Post(a.words["sign_one"]+"/reponse", "signe", "1").To()
	p.Post(a.words["sign_both"]+"/reponse", "signe", "1").To()
	p.Post(a.words["text"]+"/reponse", "reponse", text("answer")).To()
	p.Post(a.words["yesno"]+"/reponse", "reponse", fmt.Sprint(n%2+1)).To()
	p.Post(a.words["choice"]+"/reponse", "reponse", fmt.Sprint(n+1)).To()
	for what, more := range map[string][]string{"letter": {"direction", "1"}, "letter about a word": {"mot", strings.TrimPrefix(a.words["read"], "/carnet/")}} {
		letter, _, _ := strings.Cut(p.Post("/carnet/ecrire", append([]string{"enfant", a.child.ID, "texte", text(what)}, more...)...).To(), "?")
		helene.Post(letter+"/message", "texte", text("reply")).To()
	}
	p.Post("/signaler", "objet", strings.TrimPrefix(a.words["read"], "/carnet/"), "motif", "private", "texte", text("report")).To()
	folder, _, _ := strings.Cut(p.Post("/documents/dossier", "nom", text("folder")).To(), "?")
	p.Upload(folder+"/ajouter", []testapp.File{{Field: "piece", Name: "certificat.txt", Bytes: []byte(text("file"))}}).To()
	p.Post(folder+"/partage", "role", "1", "prevenir", "1", "a", "person:"+helene.ID).To()
	a.Drain()
	a.Core.Clock.Advance(time.Minute)
	a.Drain()
}

// readable is what there is to read in an answer: what a page shows and what it
// carries, what a ZIP holds.
func readable(t *testing.T, page *testapp.Page) string {
	body := page.Body
	if strings.HasPrefix(page.Header.Get("Content-Type"), "application/zip") {
		var all strings.Builder
		for _, f := range testapp.Unzip(t, body) {
			fmt.Fprintf(&all, "%s\n%s\n", f.Name, f.Body)
		}
		body = all.String()
	}
	for _, h := range []string{"Location", "Content-Disposition", "Set-Cookie"} {
		body += "\n" + page.Header.Get(h)
	}
	return strings.ToLower(html.UnescapeString(body))
}

// most is more than anybody of the sample can reach; a walk that comes there
// goes round in circles.
const most = 3000

// reach is everything that somebody gets who follows every address that a page
// carries, and fills every form that asks for a page: each address and what it
// says. Their own settings for the page (a toast) make no page of their own.
func (a *apart) reach(p *testapp.Person, more []string, words ...string) map[string]string {
	a.t.Helper()
	out, queue := map[string]string{}, append([]string{"/"}, more...)
	known := map[string]bool{"/": true}
	add := func(address string) {
		u, err := url.Parse(html.UnescapeString(address))
		if err != nil || u.Host != "" && u.Host != a.Config.Base.Host || !strings.HasPrefix(u.Path, "/") || strings.HasPrefix(u.Path, "/_/") || u.Path == "/fil/direct" {
			return
		}
		if at := u.EscapedPath() + "?" + u.Query().Encode(); !known[at] {
			known[at] = true
			queue = append(queue, at)
		}
	}
	for len(queue) > 0 {
		at := strings.TrimSuffix(queue[0], "?")
		queue = queue[1:]
		page := p.Get(at)
		if page.Status >= 500 {
			a.t.Errorf("%s answers %d to %s", at, page.Status, p.Login)
		}
		out[at] = readable(a.t, page)
		add(page.Header.Get("Location"))
		if strings.HasPrefix(page.Header.Get("Content-Type"), "text/html") {
			for _, next := range addresses(a.t, page.Body, words) {
				add(next)
			}
		}
		if len(out) > most {
			a.t.Fatalf("%s reaches more than %d addresses, the last %s", p.Login, most, at)
		}
	}
	return out
}

// addresses are those that a page carries, wherever they stand, and those that
// its forms ask for with each of the words.
func addresses(t *testing.T, body string, words []string) (out []string) {
	root, err := nethtml.Parse(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	attr := func(n *nethtml.Node, name string) string {
		for _, a := range n.Attr {
			if a.Key == name {
				return a.Val
			}
		}
		return ""
	}
	var form func(n *nethtml.Node, fixed url.Values, free map[string][]string)
	form = func(n *nethtml.Node, fixed url.Values, free map[string][]string) {
		for c := range n.ChildNodes() {
			name := attr(c, "name")
			switch {
			case c.Type != nethtml.ElementNode || name == "":
			case c.Data == "select":
				for o := range c.Descendants() {
					if o.Data == "option" {
						free[name] = append(free[name], attr(o, "value"))
					}
				}
			case c.Data == "input" && slices.Contains([]string{"hidden", "submit"}, attr(c, "type")):
				fixed.Set(name, attr(c, "value"))
			case c.Data == "input" && slices.Contains([]string{"checkbox", "radio"}, attr(c, "type")), c.Data == "button":
				free[name] = append(free[name], attr(c, "value"))
			case c.Data == "input", c.Data == "textarea":
				free[name] = append(append(free[name], words...), attr(c, "value"))
			}
			form(c, fixed, free)
		}
	}
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			if strings.HasPrefix(a.Val, "/") && (n.Data != "form" || a.Key != "action" || strings.EqualFold(attr(n, "method"), "post")) {
				out = append(out, a.Val)
			}
		}
		if n.Type == nethtml.ElementNode && n.Data == "form" && !strings.EqualFold(attr(n, "method"), "post") {
			fixed, free := url.Values{}, map[string][]string{}
			form(n, fixed, free)
			for name, values := range free {
				for _, v := range values {
					q := maps.Clone(fixed)
					q[name] = []string{v}
					out = append(out, attr(n, "action")+"?"+q.Encode())
				}
			}
		}
	}
	return out
}

// guesses are the addresses of everything that the family and its teacher have,
// whoever may open it.
func (a *apart) guesses() (out []string) {
	a.t.Helper()
	for prefix, q := range map[string]string{
		"/echange/": `SELECT id FROM note`, "/absence/": `SELECT id FROM absence`, "/documents/": `SELECT id FROM document WHERE lower(name) LIKE '` + key + `%' OR name LIKE 'certificat%'`,
		"/ecole/signalements/": `SELECT id FROM report`, "/fil/": `SELECT id FROM event WHERE kind LIKE 'liaison.%' AND kind <> 'liaison.word'`,
	} {
		ids, err := db.All[string](a.t.Context(), a.Core.DB, q)
		if err != nil {
			a.t.Fatal(err)
		}
		for _, id := range ids {
			out = append(out, prefix+id)
			if prefix == "/documents/" {
				out = append(out, prefix+id+"/zip", prefix+id+"/partage", prefix+id+"/copier")
			}
		}
	}
	files, err := db.All[string](a.t.Context(), a.Core.DB, `SELECT '/fichiers/' || file || '/' || name FROM file_variant`)
	if err != nil {
		a.t.Fatal(err)
	}
	for _, w := range a.words {
		out = append(out, w, w+"/suivi", w+"/suivi.csv", w+"/talons", w+"/corriger")
	}
	for _, p := range a.parents {
		out = append(out, "/signaler?objet="+p.ID, "/recherche?q="+p.known[:4], "/ecole/famille/"+a.child.ID+"/"+p.ID, "/classe/personne/"+p.ID+"/code/nouveau")
	}
	return append(append(out, files...), "/classe/"+a.class, "/classe/"+a.class+"/familles", "/classe/"+a.class+"/eleve/"+a.child.ID)
}

// handed is all that services hand over of somebody who asks for their data.
func (a *apart) handed(person string) string {
	a.t.Helper()
	var all strings.Builder
	for _, service := range a.Core.Apps {
		if service.Export == nil {
			continue
		}
		if err := service.Export(a.t.Context(), a.Core.DB, person, func(name string, v any) error {
			b, err := json.Marshal(v)
			fmt.Fprintf(&all, "%s %s\n", name, b)
			return err
		}); err != nil {
			a.t.Fatal(err)
		}
	}
	return strings.ToLower(all.String())
}

// told is what mails and phones say to one of the adults.
func (a *apart) told(p *parent) string {
	a.t.Helper()
	mails, rung := "", ""
	for _, m := range a.out.Mails.Messages() {
		if strings.Contains(strings.Join(m.To, " "), p.mine["e-mail"]) {
			mails += m.Raw + "\n" + m.Subject + "\n" + m.Text + "\n" + m.HTML + "\n"
		}
	}
	for _, m := range p.phone.Messages() {
		rung += m.Text + "\n"
	}
	if mails == "" || rung == "" {
		a.t.Errorf("%s was told nothing: %d bytes by mail, %d on the phone", p.Login, len(mails), len(rung))
	}
	return strings.ToLower(mails + rung)
}

// fresh is what is another each time that a page is drawn: new identifiers, and
// the hour in milliseconds.
var fresh = regexp.MustCompile(uuid.String() + `|\b1795\d{9}\b`)

// Three adults of one child, who do not speak to each other, each do with the
// school all that a parent can. What one of them said, and where one can be
// found, comes to neither of the others, nor to the child: on no page that can
// be reached or guessed, by no search, in no file, mail, push or copy of one's
// data. Nor does a page of one of them change by what another did. That all of
// it is there to be found, the school's own pages show.
func TestParentsWhoLiveApart(t *testing.T) {
	a := live(t)
	a.publish()
	a.absences()
	search := []string{key, "vauquelin", "wzor", "certificat"}
	steady := func(p *parent) map[string]string {
		a.reach(p.Person, nil, search...) // opens what there is to open
		return a.reach(p.Person, nil, search...)
	}
	unchanged := func(what string, p *parent, before map[string]string) {
		t.Run(what, func(t *testing.T) {
			after := a.reach(p.Person, nil, search...)
			for _, at := range slices.Sorted(maps.Keys(after)) {
				old, there := before[at]
				if !there && !strings.Contains(at, "?de=1795") { // since when the home is looked at
					t.Errorf("%s leads to %s since", p.Login, at)
				} else if b, c := fresh.ReplaceAllString(old, "~"), fresh.ReplaceAllString(after[at], "~"); there && b != c {
					n := 0
					for n < min(len(b), len(c)) && b[n] == c[n] {
						n++
					}
					t.Errorf("%s: %s differs: %q became %q", p.Login, at, b[max(0, n-80):min(len(b), n+80)], c[max(0, n-80):min(len(c), n+80)])
				}
			}
			t.Logf("%d addresses", len(after))
		})
	}
	idle := steady(a.parents[1])
	a.acts(0)
	unchanged("no page of who did nothing changes by what another did", a.parents[1], idle)
	busy := steady(a.parents[0])
	a.acts(1)
	a.acts(2)
	unchanged("nor of who did the same", a.parents[0], busy)

	// The teacher notes a slip that came back, asks again, and reminds.
	helene, claire := a.As("helene.duvivier"), a.As("claire.fontaine")
	helene.Post(a.words["text"]+"/talons", "eleve", a.child.ID, "reponse", key+" zqpapier").To()
	helene.Post(a.words["text"]+"/corriger", "version", "1", "titre", "Un mot de la maîtresse, encore", "texte", "Pardon.", "encore", "1").To()
	for _, p := range a.parents {
		p.Post(a.words["text"]+"/reponse", "reponse", key+" "+p.mine["second answer"]).To()
	}
	helene.Post(a.words["untouched"] + "/relance").To()
	a.Drain()
	a.Core.Clock.Advance(time.Minute)
	a.Drain()
	guesses := a.guesses()

	// hidden demands that nothing of a secret is in what somebody got.
	hidden := func(t *testing.T, who string, got map[string]string, secrets map[string]string) {
		t.Helper()
		for what, secret := range secrets {
			for at, body := range got {
				if strings.Contains(body, strings.ToLower(secret)) && !strings.Contains(at, secret) {
					n := strings.Index(body, strings.ToLower(secret))
					t.Errorf("%s finds %s (%s) at %s: …%s…", who, what, secret, at, body[max(0, n-120):min(len(body), n+60)])
				}
			}
		}
	}
	reached := map[string]map[string]string{}
	for n, p := range a.parents {
		t.Run(p.known, func(t *testing.T) {
			got := a.reach(p.Person, guesses, search...)
			got["mails and pushes"], got["their data"] = a.told(p), a.handed(p.ID)
			reached[p.known] = got
			for m, other := range a.parents {
				if m != n {
					hidden(t, p.Login, got, other.mine)
				}
			}
			hidden(t, p.Login, got, map[string]string{"what came on paper": "zqpapier"})
			if n == 1 {
				hidden(t, p.Login, got, map[string]string{"a child who is not his": "celestin", "their family": "wzorek"})
			}
			t.Logf("%d addresses", len(got))
		})
	}
	for _, c := range []*testapp.Person{a.child, a.half} {
		t.Run(c.Login, func(t *testing.T) {
			got := a.reach(c, guesses, search...)
			got["their data"] = a.handed(c.ID)
			hidden(t, c.Login, got, map[string]string{"what came on paper": "zqpapier"})
			for _, p := range a.parents {
				secrets := maps.Clone(p.mine)
				delete(secrets, "name") // children know who their parents are
				hidden(t, c.Login, got, secrets)
			}
			t.Logf("%d addresses", len(got))
		})
	}

	// What was hidden is there: the school reads all that was written to it, and
	// each their own.
	t.Run("the school sees both", func(t *testing.T) {
		suivi := func(ask string) string { return helene.Get(a.words[ask] + "/suivi.csv").OK().Body }
		all := map[string]string{"teacher": "", "head": ""}
		for _, at := range append(guesses, "/carnet/absences?jour=2026-11-24", "/carnet/absences?jour=2026-11-26", "/carnet/absences?jour=2026-11-27", "/carnet/echanges", "/documents/partages") {
			all["teacher"] += readable(t, helene.Get(at))
			all["head"] += readable(t, claire.Get(at))
		}
		for _, p := range a.parents {
			for _, what := range []string{"name", "answer", "second answer", "letter", "letter about a word", "reply", "absence", "folder", "file"} {
				if what != "answer" && !strings.Contains(all["teacher"], p.mine[what]) { // asked again, the first answers are no longer shown
					t.Errorf("the teacher does not find %s of %s", what, p.Login)
				}
			}
			for _, what := range []string{"letter", "reply", "absence", "report"} {
				if !strings.Contains(all["head"], p.mine[what]) {
					t.Errorf("the head does not find %s of %s", what, p.Login)
				}
			}
			own := ""
			for _, body := range reached[p.known] {
				own += body
			}
			for what, secret := range p.mine {
				if !strings.Contains(own, strings.ToLower(secret)) {
					t.Errorf("%s does not find %s of their own", p.Login, what)
				}
			}
			for _, ask := range []string{"read", "sign_one", "sign_both", "yesno", "choice"} {
				if !strings.Contains(strings.ToLower(suivi(ask)), p.known) {
					t.Errorf("the sheet of %s does not name %s", ask, p.Login)
				}
			}
		}
		if !strings.Contains(all["teacher"], "celestin") && !strings.Contains(readable(t, claire.Get("/recherche?q=celestin")), "celestin") {
			t.Error("nobody finds the half-brother")
		}
	})

	// The paper that is handed to one of them names no other.
	t.Run("sheets", func(t *testing.T) {
		if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
			for _, p := range []string{a.parents[0].ID, a.parents[1].ID, a.parents[2].ID, a.child.ID} {
				if _, err := session.Reissue(t.Context(), tx, a.Core, rights.System("test"), p); err != nil {
					return err
				}
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
		pages := 0
		sheets := helene.Post("/classe/"+a.class+"/fiches", "format", "pdf", "id", a.parents[0].ID, "id", a.parents[1].ID, "id", a.parents[2].ID).OK()
		for _, page := range strings.Split(strings.ToLower(onpaper.Read(t, []byte(sheets.Body)).Text), "\f") {
			for _, p := range a.parents {
				if !strings.Contains(page, p.known+".") { // the sign-in name
					continue
				}
				pages++
				if !strings.Contains(page, "ondine") {
					t.Errorf("the sheet of %s has not the child's code", p.Login)
				}
				for _, other := range a.parents {
					if other != p {
						hidden(t, "the sheet of "+p.Login, map[string]string{"it": page}, other.mine)
					}
				}
			}
		}
		if pages != 3 {
			t.Errorf("%d sheets", pages)
		}
	})
}
