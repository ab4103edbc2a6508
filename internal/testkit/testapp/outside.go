package testapp

import (
	"net/http"
	"strings"

	"marelle/internal/platform/mail"
	"marelle/internal/platform/push"
	"marelle/internal/platform/push/pushtest"
	"marelle/internal/testkit/smtp"
)

// Outside is where people are told of what was published: a real mail server
// and a real push service.
type Outside struct {
	Mails  *smtp.Server
	Phones *pushtest.Service
	app    *App
}

// Outside has the server tell people through both, from now on.
func (a *App) Outside() *Outside {
	a.T.Helper()
	o := &Outside{Mails: smtp.Start(a.T), app: a}
	var err error
	if a.Core.Mail, err = mail.ParseURL(o.Mails.URL() + "?from=marelle@ecole.exemple.fr"); err != nil {
		a.T.Fatal(err)
	}
	if o.Phones, err = pushtest.Start(a.Core.Clock); err != nil {
		a.T.Fatal(err)
	}
	a.T.Cleanup(func() { o.Phones.Close() })
	hosts, err := push.ParseHosts([]string{o.Phones.Host()})
	if err != nil {
		a.T.Fatal(err)
	}
	a.Core.Push = push.NewSender(push.Options{Identity: a.Core.Push.Identity, Hosts: hosts, Clock: a.Core.Clock, Roots: o.Phones.Roots()})
	return o
}

// Phone lets the browser of somebody signed in ring.
func (o *Outside) Phone(p *Person) *pushtest.Browser {
	o.app.T.Helper()
	b, err := o.Phones.Subscribe(o.app.Core.Push.Identity.PublicKey())
	if err != nil {
		o.app.T.Fatal(err)
	}
	p.Do(http.MethodPost, "/poche/abonnements", "application/json", strings.NewReader(string(b.JSON()))).Is(http.StatusNoContent)
	return b
}
