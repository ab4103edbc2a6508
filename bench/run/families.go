package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/kernel/session"
	"marelle/internal/platform/config"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
	"marelle/internal/platform/push"
	"marelle/internal/platform/push/pushtest"
	"marelle/internal/server"
	"marelle/internal/testkit/smtp"
)

// families is a school of classes of one teacher. Each family is a pupil and a
// parent, signed in, with a phone that rings and a mailbox where there are such.
type families struct {
	school
	teacher visitor
	classes []class

	phones *pushtest.Service // nil for none
	mails  *smtp.Server      // nil for none
	rings  []push.Subscription
}

// class is one of them.
type class struct {
	id       string
	families int
	last     visitor // the parent who is told last
}

// seedFamilies makes a class of each size.
func (s *suite) seedFamilies(ctx context.Context, name string, phones *pushtest.Service, mails *smtp.Server, sizes ...int) (f *families, err error) {
	f = &families{phones: phones, mails: mails}
	if f.dir, f.dsn, err = s.place(ctx, name); err != nil {
		return nil, err
	}
	set := config.Settings{Addr: "127.0.0.1:0", BaseURL: base, Data: f.dir, Database: f.dsn, UploadMax: "50M"}
	if phones != nil {
		set.PushHosts = phones.Host()
		authority := filepath.Join(f.dir, "authority.pem")
		if err := os.WriteFile(authority, phones.Authority(), 0o600); err != nil {
			return nil, err
		}
		f.env = append(f.env, "MARELLE_PUSH_HOSTS="+set.PushHosts, "SSL_CERT_FILE="+authority)
	}
	if mails != nil {
		f.env = append(f.env, "MARELLE_SMTP="+mails.URL()+"?from=marelle@ecole.example")
	}
	cfg, err := config.Load(set, nil)
	if err != nil {
		return nil, err
	}
	srv, err := server.Open(ctx, cfg, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		return nil, err
	}
	defer func() {
		if e := srv.Close(); err == nil {
			err = e
		}
	}()
	if err := srv.Core.DB.Write(ctx, func(tx *db.Tx) error { return f.people(ctx, tx, srv, sizes) }); err != nil {
		return nil, err
	}
	if phones != nil {
		for _, p := range f.parents {
			if err := f.ring(srv, p); err != nil {
				return nil, err
			}
		}
	}
	if f.dsn != "" {
		if _, err := srv.Core.DB.Writer().ExecContext(ctx, `VACUUM ANALYZE`); err != nil {
			return nil, err
		}
	}
	return f, nil
}

func (f *families) people(ctx context.Context, tx *db.Tx, srv *server.Server, sizes []int) error {
	began := time.Now().AddDate(-1, 0, 0)
	system := rights.System("bench")
	home, err := people.CreateSchool(ctx, tx, system, began, people.School{UAI: "0809876A", Name: "Mesures"})
	if err != nil {
		return err
	}
	g := system.For(home.ID)
	list := []people.Person{{First: "Maîtresse", Last: "Mesure"}}
	for size := range sizes {
		for n := range sizes[size] {
			name := fmt.Sprintf("C%dN%d", size, n)
			list = append(list, people.Person{First: "Élève", Last: name}, people.Person{First: "Parent", Last: name})
		}
	}
	if list, err = people.CreatePersons(ctx, tx, g, began, list); err != nil {
		return err
	}
	change := people.Change{School: home.ID, Join: []people.Membership{{Person: list[0].ID, School: home.ID, Profile: rights.Teacher}}}
	active := make([]string, len(list))
	for i, p := range list {
		active[i] = p.ID
	}
	n := 1
	for size, many := range sizes {
		c, err := people.CreateClass(ctx, tx, g, began, people.Class{School: home.ID, Year: people.Year(time.Now()), Label: fmt.Sprintf("CE1 %d", size), Levels: "CE1"})
		if err != nil {
			return err
		}
		change.Enter = append(change.Enter, people.Place{Person: list[0].ID, Class: c.ID, Profile: rights.Teacher})
		for range many {
			pupil, parent := list[n].ID, list[n+1].ID
			n += 2
			change.Join = append(change.Join, people.Membership{Person: pupil, School: home.ID, Profile: rights.Pupil}, people.Membership{Person: parent, School: home.ID, Profile: rights.Relative})
			change.Enter = append(change.Enter, people.Place{Person: pupil, Class: c.ID, Profile: rights.Pupil, Level: "CE1"})
			change.Link = append(change.Link, people.Link{Relative: parent, Pupil: pupil})
			f.parents = append(f.parents, visitor{Person: parent})
		}
		f.classes = append(f.classes, class{id: c.ID, families: many})
	}
	if err := people.Apply(ctx, tx, g, began, change); err != nil {
		return err
	}
	if err := session.Settle(ctx, tx, g, active, began, time.Now()); err != nil {
		return err
	}
	if f.mails != nil {
		if _, err := tx.Exec(ctx, `UPDATE person SET email = login || '@mesures.example' WHERE id IN (SELECT person FROM membership WHERE profile = 'relative')`); err != nil {
			return err
		}
	}
	f.teacher.Person = list[0].ID
	if f.teacher.Token, err = session.SignInAs(ctx, tx, srv.Core, f.teacher.Person); err != nil {
		return err
	}
	for i := range f.parents {
		if f.parents[i].Token, err = session.SignInAs(ctx, tx, srv.Core, f.parents[i].Person); err != nil {
			return err
		}
	}
	n = 0
	for i := range f.classes {
		c := &f.classes[i]
		for _, p := range f.parents[n : n+c.families] { // lines of the feed are written in the order of persons
			if p.Person > c.last.Person {
				c.last = p
			}
		}
		n += c.families
	}
	return nil
}

// ring gives a parent a phone.
func (f *families) ring(srv *server.Server, p visitor) error {
	b, err := f.phones.Subscribe(srv.Core.Push.Identity.PublicKey())
	if err != nil {
		return err
	}
	r := httptest.NewRequest(http.MethodPost, base+"/poche/abonnements", strings.NewReader(string(b.JSON())))
	r.Header.Set("Cookie", p.cookie())
	r.Header.Set("Content-Type", "application/json")
	w := httptest.NewRecorder()
	srv.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusNoContent {
		return fmt.Errorf("subscribing answers %d", w.Code)
	}
	var to push.Subscription
	err = json.Unmarshal(b.JSON(), &to)
	f.rings = append(f.rings, to)
	return err
}

// word is the request by which the teacher writes to a class.
func (f *families) word(addr string, c class, title string) []byte {
	form := url.Values{"id": {id.New()}, "titre": {title}, "texte": {"Rendez-vous lundi à 8 h 30 devant l’école."}, "a": {"class:" + c.id}}
	return request(addr, "/carnet", f.teacher.cookie(), form.Encode())
}

// send has the teacher write, and returns where the word is and how long the
// reply took.
func (f *families) send(addr string, c class, title string) (path string, took time.Duration, err error) {
	conn, err := dial(addr)
	if err != nil {
		return "", 0, err
	}
	defer conn.conn.Close()
	raw := f.word(addr, c, title)
	began := time.Now()
	if _, err := conn.conn.Write(raw); err != nil {
		return "", 0, err
	}
	resp, err := http.ReadResponse(conn.in, nil)
	if err != nil {
		return "", 0, err
	}
	took = time.Since(began)
	resp.Body.Close()
	if resp.StatusCode != http.StatusSeeOther {
		return "", 0, fmt.Errorf("a word is answered %d", resp.StatusCode)
	}
	path, _, _ = strings.Cut(resp.Header.Get("Location"), "?")
	return path, took, nil
}

// reaches says once a count has come to what is wanted, and when.
func reaches(count func() int, want int, began time.Time) <-chan time.Duration {
	out := make(chan time.Duration, 1)
	go func() {
		for count() < want && time.Since(began) < 5*time.Minute {
			time.Sleep(time.Millisecond)
		}
		out <- time.Since(began)
	}()
	return out
}
