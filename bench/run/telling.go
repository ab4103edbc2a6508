package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"marelle/internal/apps/liaison"
	"marelle/internal/platform/clock"
	"marelle/internal/platform/db"
	"marelle/internal/platform/push/pushtest"
	"marelle/internal/testkit/smtp"
)

// publish writes words to many families and waits each time for the last push
// and the last mail: a push service that decrypts and a mail server, both on
// these cores.
func (s *suite) publish(ctx context.Context) (err error) {
	phones, err := pushtest.Start(clock.System())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, phones.Close()) }()
	mails, err := smtp.Listen()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, mails.Close()) }()
	f, err := s.seedFamilies(ctx, "publish", phones, mails, 520, 1000)
	if err != nil {
		return err
	}
	c, _, err := s.serve(&f.school)
	if err != nil {
		return err
	}
	defer c.stop()
	t := s.target("", c, http.StatusOK)
	fmt.Fprintf(s.out, "\n### A word to many families, each a parent with a phone and a mailbox\n\nFrom the teacher's tap, in ms: the reply; the word on the home of the parent who is told last. From when people may be told, %v later: the last push with its service, which decrypts it; the last mail with its server.\n\n| families | words | reply p50 | p99 | visible p50 | worst | told of | last push p50 | worst | last mail p50 | worst | CPU of the server, ms a word |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n", liaison.TellAfter)
	const quick = 20 // words of which only the reply is waited for
	var all []int    // that are told, of each size
	for _, to := range f.classes {
		var reply, seen, rung, mailed []float64
		var cpu float64
		for n := range s.rounds + 1 { // the first warms up
			if ctx.Err() != nil {
				return ctx.Err()
			}
			one, err := f.timed(t, to, fmt.Sprintf("Mot %d aux %d familles", n, to.families), true)
			if err != nil {
				return err
			}
			if n > 0 {
				reply, seen, rung, mailed = append(reply, one.reply), append(seen, one.visible), append(rung, one.push), append(mailed, one.mail)
				cpu += one.cpu
			}
		}
		for n := range quick {
			one, err := f.timed(t, to, fmt.Sprintf("Mot rapide %d aux %d familles", n, to.families), false)
			if err != nil {
				return err
			}
			reply, seen = append(reply, one.reply), append(seen, one.visible)
			time.Sleep(100 * time.Millisecond)
		}
		// They are told of those too, and the next are not to wait for it.
		all = append(all, to.families*(s.rounds+1+quick))
		<-reaches(phones.Taken, sum(all), time.Now())
		<-reaches(mails.Taken, sum(all), time.Now())
		fmt.Fprintf(s.out, "| %d | %d | %.0f | %.0f | %.0f | %.0f | %d | %.0f | %.0f | %.0f | %.0f | %.0f |\n", to.families, len(reply),
			median(reply), quantile(reply, 0.99), median(seen), slices.Max(seen), s.rounds, median(rung), slices.Max(rung), median(mailed), slices.Max(mailed), cpu/float64(s.rounds))
	}
	if bad := phones.Refusals(); len(bad) > 0 {
		return fmt.Errorf("the push service refused %d messages, the first for %s", len(bad), bad[0])
	}
	return f.complete(ctx, s.rounds+1+quick)
}

// complete demands that everybody was told of every word, once.
func (f *families) complete(ctx context.Context, words int) (err error) {
	d, err := db.Open(ctx, f.at())
	if err != nil {
		return err
	}
	want := 0
	for _, c := range f.classes {
		want += words * c.families
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	var lines, sent int
	for range 600 { // the last batch is being written down
		var err1, err2 error
		lines, err1 = db.Value[int](ctx, d, `SELECT count(*) FROM feed`)
		sent, err2 = db.Value[int](ctx, d, `SELECT count(*) FROM delivery WHERE outcome = 'sent'`)
		if err := errors.Join(err1, err2); err != nil {
			return err
		}
		if lines == 2*want && sent == 2*want && f.phones.Taken() == want && f.mails.Taken() == want {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("%d lines of feeds and %d deliveries, not %d each; %d pushes and %d mails, not %d each", lines, sent, 2*want, f.phones.Taken(), f.mails.Taken(), want)
}

// told are the times of one word, in ms from when it was sent.
type told struct{ reply, visible, push, mail, cpu float64 }

// timed sends a word and times what becomes of it, outside the portal too if it
// is asked.
func (f *families) timed(t *target, to class, title string, outside bool) (one told, err error) {
	before, err := t.cpu()
	if err != nil {
		return one, err
	}
	began := time.Now()
	var rung, mailed <-chan time.Duration
	if outside {
		rung = reaches(f.phones.Taken, f.phones.Taken()+to.families, began)
		mailed = reaches(f.mails.Taken, f.mails.Taken()+to.families, began)
	}
	path, reply, err := f.send(t.addr, to, title)
	if err != nil {
		return one, err
	}
	conn, err := dial(t.addr)
	if err != nil {
		return one, err
	}
	defer conn.conn.Close()
	home := request(t.addr, "/", to.last.cookie(), "")
	for visible := false; !visible && time.Since(began) < time.Minute; {
		_, page, err := conn.ask(home)
		if err != nil {
			return one, err
		}
		visible = bytes.Contains(page, []byte(path))
	}
	seen := time.Since(began)
	ms := func(d time.Duration) float64 { return d.Seconds() * 1000 }
	one = told{reply: ms(reply), visible: ms(seen)}
	if !outside {
		return one, nil
	}
	one.push, one.mail = ms(<-rung-liaison.TellAfter), ms(<-mailed-liaison.TellAfter)
	time.Sleep(300 * time.Millisecond) // what was sent is being written down
	after, err := t.cpu()
	one.cpu = (after - before) * 1000
	return one, err
}

// push sends ten thousand pushes by the product, from a word to its families,
// beside encrypting and posting as many and nothing else.
func (s *suite) push(ctx context.Context) (err error) {
	const many, rate = 10000, 50
	phones, err := pushtest.Start(clock.System())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, phones.Close()) }()
	f, err := s.seedFamilies(ctx, "push", phones, nil, many)
	if err != nil {
		return err
	}
	phones.Bare() // the sink is light: what is measured is who sends
	c, _, err := s.serve(&f.school)
	if err != nil {
		return err
	}
	defer c.stop()
	bare, err := s.bareFan(f)
	if err != nil {
		return err
	}
	defer bare.stop()
	homes := s.target("", c, http.StatusOK, s.gets(visits(f.parents[:1000]), "/")(c.addr)...)
	post := request(bare.addr, "/", "", "retour=accueil")
	bareFan := func() (float64, error) {
		began := time.Now()
		done := reaches(phones.Taken, phones.Taken()+many, began)
		conn, err := dial(bare.addr)
		if err != nil {
			return 0, err
		}
		defer conn.conn.Close()
		if status, body, err := conn.ask(post); err != nil || status != http.StatusSeeOther {
			return 0, fmt.Errorf("the bare fan-out answers %d %s: %w", status, body, err)
		}
		return many / (<-done).Seconds(), nil
	}
	type fan struct{ whole, sending, cpu float64 } // a second, from the reply and from the first push; ms each
	productFan := func(n int) (r fan, err error) {
		before, err := homes.cpu()
		if err != nil {
			return r, err
		}
		began := time.Now()
		first := reaches(phones.Taken, phones.Taken()+1, began)
		done := reaches(phones.Taken, phones.Taken()+many, began)
		_, reply, err := f.send(c.addr, f.classes[0], fmt.Sprintf("Mot %d à %d familles", n, many))
		if err != nil {
			return r, err
		}
		begun, over := <-first, <-done
		reply = max(reply, liaison.TellAfter) // nobody is told before
		after, err := homes.cpu()
		return fan{many / (over - reply).Seconds(), many / (over - begun).Seconds(), (after - before) * 1000 / many}, err
	}
	if _, err := bareFan(); err != nil { // warm up
		return err
	}
	if _, err := productFan(0); err != nil {
		return err
	}
	var bares, wholes, sendings, cpus, shares, sharesSending, idles, busies, during []float64
	for n := range s.rounds {
		b, err := bareFan()
		if err != nil {
			return err
		}
		p, err := productFan(2*n + 1)
		if err != nil {
			return err
		}
		time.Sleep(time.Second)
		length := time.Duration(many / p.whole * float64(time.Second))
		idle, err := homes.apart(max(length, 2*time.Second), s.connections, rate)
		if err != nil {
			return err
		}
		fanned := make(chan error, 1)
		var beside fan
		go func() {
			var err error
			beside, err = productFan(2*n + 2)
			fanned <- err
		}()
		time.Sleep(liaison.TellAfter)
		busy, err := homes.apart(length, s.connections, rate)
		if err := errors.Join(err, <-fanned); err != nil {
			return err
		}
		time.Sleep(time.Second)
		bares, wholes, sendings, cpus = append(bares, b), append(wholes, p.whole), append(sendings, p.sending), append(cpus, p.cpu)
		shares, sharesSending = append(shares, 100*p.whole/b), append(sharesSending, 100*p.sending/b)
		idles, busies, during = append(idles, idle.P99), append(busies, busy.P99), append(during, beside.whole)
	}
	var times []float64
	for i := range idles {
		times = append(times, busies[i]/idles[i])
	}
	fmt.Fprintf(s.out, "\n### A word to %d families, each a parent with a phone\n\nEncrypting and posting alone: %.0f/s. The product, from when people may be told to the last push: %.0f/s, **%.0f %%**, with the plan of who is told; from the first push to the last: %.0f/s, %.0f %%. CPU of the server, all included: %.3f ms a push. Home p99 at %d/s: %.1f ms idle, %.1f ms meanwhile (× %.1f), and the fan-out beside it %.0f/s. Medians of %d rounds; the sink counts and decrypts nothing.\n",
		many, median(bares), median(wholes), median(shares), median(sendings), median(sharesSending), median(cpus), rate, median(idles), median(busies), median(times), median(during), s.rounds)
	return nil
}

// bareFan starts the floor of a fan-out, with a message as long as the product's.
func (s *suite) bareFan(f *families) (*child, error) {
	list, err := json.Marshal(f.rings)
	if err != nil {
		return nil, err
	}
	file, body := filepath.Join(s.dir, "rings"), filepath.Join(s.dir, "ring")
	const message = `{"titre":"Carnet de liaison","texte":"Nouveau mot dans le carnet de liaison","url":"/carnet/019ab000-0000-7000-8000-000000000000","badge":1}`
	if err := errors.Join(os.WriteFile(file, list, 0o600), os.WriteFile(body, []byte(message), 0o600)); err != nil {
		return nil, err
	}
	return floorChild(s.floor, f.env[1:], "-body", body, "-push", file) // the authority, and no setting of ours
}

// trackGrowth compares what a word to thirty families costs its teacher with
// one to six hundred.
func (s *suite) trackGrowth(ctx context.Context) error {
	f, err := s.seedFamilies(ctx, "track", nil, nil, 30, 600)
	if err != nil {
		return err
	}
	c, _, err := s.serve(&f.school)
	if err != nil {
		return err
	}
	defer c.stop()
	var targets []*target
	for _, to := range f.classes {
		path, _, err := f.send(c.addr, to, fmt.Sprintf("Mot à %d familles", to.families))
		if err != nil {
			return err
		}
		for i, p := range f.parents { // half of them have read
			if i%2 == 0 {
				conn, err := dial(c.addr)
				if err != nil {
					return err
				}
				_, _, err = conn.ask(request(c.addr, path+"/lu", p.cookie(), "retour=accueil")) // 404 to those of the other class
				if err := errors.Join(err, conn.conn.Close()); err != nil {
					return err
				}
			}
		}
		raw := request(c.addr, path, f.teacher.cookie(), "")
		conn, err := dial(c.addr)
		if err != nil {
			return err
		}
		status, page, err := conn.ask(raw)
		if err := errors.Join(err, conn.conn.Close()); err != nil || status != http.StatusOK {
			return fmt.Errorf("the word answers %d: %w", status, err)
		}
		targets = append(targets, s.target(fmt.Sprintf("%d families (%.0f kB)", to.families, float64(len(page))/1000), c, http.StatusOK, raw))
	}
	if err := alternate(targets, s.rounds, s.length, s.connections, 0); err != nil {
		return err
	}
	fmt.Fprint(s.out, "\n### Growth: a word with its tracking, by families\n\n")
	table(s.out, targets)
	return nil
}

// at names the database, for db.Open.
func (s *school) at() string {
	if s.dsn != "" {
		return s.dsn
	}
	return filepath.Join(s.dir, "marelle.db")
}

func sum(all []int) (n int) {
	for _, v := range all {
		n += v
	}
	return n
}

func quantile(all []float64, q float64) float64 {
	all = slices.Sorted(slices.Values(all))
	return all[int(q*float64(len(all)-1)+0.5)]
}
