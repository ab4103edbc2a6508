package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	cdpbrowser "github.com/chromedp/cdproto/browser"
	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/serviceworker"
	"github.com/chromedp/cdproto/target"
	"github.com/chromedp/chromedp"

	"marelle/internal/platform/db"
	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// phone is a tab whose service worker is at work and may show notifications.
type phone struct {
	*browser.Tab
	t            *testing.T
	origin       string
	registration serviceworker.RegistrationID
}

func poche(t *testing.T) *phone {
	t.Helper()
	return pocheOf(t, testapp.Serve(t))
}

func pocheOf(t *testing.T, app *testapp.Live) *phone {
	t.Helper()
	p := &phone{Tab: browser.StartWhole(t).Tab(t, browser.Phone), t: t, origin: app.URL}
	found := make(chan serviceworker.RegistrationID, 10)
	err := chromedp.Listen(p.Context(), func(ev any) {
		if e, ok := ev.(*serviceworker.EventWorkerRegistrationUpdated); ok {
			for _, r := range e.Registrations {
				select {
				case found <- r.RegistrationID:
				default:
				}
			}
		}
	})
	if err == nil {
		_, err = chromedp.Run(p.Context(), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
			_, err := cdp.Call(ctx, target, serviceworker.Enable, cdp.Empty{})
			return err
		}))
	}
	if err == nil {
		_, err = chromedp.CallBrowser(p.Context(), cdpbrowser.SetPermission, cdpbrowser.SetPermissionParams{
			Permission: &cdpbrowser.PermissionDescriptor{Name: "notifications"}, Setting: cdpbrowser.PermissionSettingGranted,
			Origin: app.URL, BrowserContextID: chromedp.FromContext(p.Context()).BrowserContextID,
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	p.Go(app.URL + "/connexion")
	p.until("the worker is at work", `navigator.serviceWorker.controller && navigator.serviceWorker.controller.state === "activated"`)
	select {
	case p.registration = <-found:
	case <-time.After(10 * time.Second):
		t.Fatal("the browser names no registration")
	}
	return p
}

func (p *phone) until(what, js string) {
	p.t.Helper()
	wait(p.t, what+" stays false", func() bool { return browser.Eval[bool](p.Tab, "!!("+js+")") })
}

type notification struct{ Title, Body, Tag, URL string }

// deliver gives the worker a message as the browser does once it has decrypted it.
func (p *phone) deliver(data string) {
	p.t.Helper()
	_, err := chromedp.Run(p.Context(), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
		_, err := cdp.Call(ctx, target, serviceworker.DeliverPushMessage, serviceworker.DeliverPushMessageParams{Origin: p.origin, RegistrationID: p.registration, Data: data})
		return err
	}))
	if err != nil {
		p.t.Fatal(err)
	}
}

// awake waits until messages reach the worker: the browser drops one that comes
// before it has written down that there is one.
func (p *phone) awake() {
	p.t.Helper()
	last := time.Time{}
	wait(p.t, "no message reaches the worker", func() bool {
		if time.Since(last) > 500*time.Millisecond {
			p.deliver(`{"titre":"Debout","url":"/eveil"}`)
			last = time.Now()
		}
		return browser.Eval[bool](p.Tab, `navigator.serviceWorker.ready.then(r => r.getNotifications({tag: "/eveil"})).then(list => list.length > 0)`)
	})
}

// push delivers a message and returns the notification that shows.
func (p *phone) push(data string) notification {
	p.t.Helper()
	p.deliver(data)
	const (
		list = `navigator.serviceWorker.ready.then(r => r.getNotifications()).then(list => list.filter(n => n.tag !== "/eveil")).then(list => `
		look = list + `JSON.stringify(list.map(n => ({title: n.title, body: n.body, tag: n.tag, url: n.data.url}))))`
		away = list + `{ list.forEach(n => n.close()); return list.length === 0; })`
	)
	var all []notification
	for end := time.Now().Add(20 * time.Second); len(all) == 0 && time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err := json.Unmarshal([]byte(browser.Eval[string](p.Tab, look)), &all); err != nil {
			p.t.Fatal(err)
		}
	}
	if len(all) != 1 {
		p.t.Fatalf("%d notifications for %s", len(all), data)
	}
	// It is gone before the next comes: closed late, it would take that one of the
	// same tag along.
	for end := time.Now().Add(20 * time.Second); !browser.Eval[bool](p.Tab, away); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(end) {
			p.t.Fatal("a notification stays")
		}
	}
	return all[0]
}

func TestAPushShowsANotificationOfThisPortalOnly(t *testing.T) {
	t.Parallel()
	p := poche(t)
	p.awake()
	for _, c := range []struct {
		data string
		want notification
	}{
		{`{"titre":"Carnet de liaison","texte":"Nouveau mot dans le carnet","url":"/carnet/1","badge":3}`,
			notification{"Carnet de liaison", "Nouveau mot dans le carnet", "/carnet/1", "/carnet/1"}},
		{`{"titre":"Ailleurs","texte":"Piège","url":"https://example.org/carnet"}`, notification{"Ailleurs", "Piège", "/", "/"}},
		{`{"titre":"Ailleurs","texte":"Piège","url":"//example.org"}`, notification{"Ailleurs", "Piège", "/", "/"}},
		{`{"titre":"Ailleurs","texte":"Piège","url":"javascript:alert(1)"}`, notification{"Ailleurs", "Piège", "/", "/"}},
		// A browser takes the right to push from a worker that stays silent.
		{`{"titre":7,"badge":"x"}`, notification{"Marelle Poche", "Il y a du nouveau sur votre portail.", "/", "/"}},
		{`pas du JSON`, notification{"Marelle Poche", "Il y a du nouveau sur votre portail.", "/", "/"}},
		{``, notification{"Marelle Poche", "Il y a du nouveau sur votre portail.", "/", "/"}},
	} {
		if got := p.push(c.data); got != c.want {
			t.Errorf("%s shows %+v, want %+v", c.data, got, c.want)
		}
	}
}

// worker attaches to the service worker, and returns what evaluates there. What
// the system of a phone does is noted in its place: a headless browser has no
// icon, and lets no window open but by a finger.
func (p *phone) worker() func(js string) string {
	p.t.Helper()
	var id target.ID
	wait(p.t, "the worker is nowhere", func() bool {
		all, err := chromedp.Targets(p.Context())
		if err != nil {
			p.t.Fatal(err)
		}
		for _, one := range all {
			if one.Type == "service_worker" && strings.HasPrefix(one.URL, p.origin) {
				id = one.TargetID
			}
		}
		return id != ""
	})
	ctx, cancel := chromedp.NewContext(p.Context(), chromedp.WithTargetID(id))
	p.t.Cleanup(cancel)
	eval := func(js string) string {
		p.t.Helper()
		v, err := chromedp.Run(ctx, chromedp.Evaluate[string](js, chromedp.EvalAwaitPromise))
		if err != nil {
			p.t.Fatalf("in the worker, %.80s: %v", js, err)
		}
		return v
	}
	eval(`(() => {
		self.did = [];
		navigator.setAppBadge = async n => { did.push("icon " + n); };
		navigator.clearAppBadge = async () => { did.push("icon 0"); };
		Clients.prototype.openWindow = async url => { did.push("open " + url); return null; };
		WindowClient.prototype.focus = async function () { did.push("focus " + this.url); return this; };
		return "";
	})()`)
	return eval
}

// tap is a finger on the notification of that tag: it says what the worker does
// then, and since it was asked last.
func (p *phone) tap(worker func(js string) string, tag string) string {
	p.t.Helper()
	return worker(`(async () => {
		const [shown] = await registration.getNotifications({tag: ` + strconv.Quote(tag) + `});
		if (!shown) return "no notification of ` + tag + `";
		const tap = new NotificationEvent("notificationclick", {notification: shown});
		let until;
		tap.waitUntil = promise => { until = promise; };
		dispatchEvent(tap);
		await until;
		for (let n = 0; n < 100 && (await registration.getNotifications({tag: shown.tag})).length; n++) await new Promise(go => setTimeout(go, 50));
		if ((await registration.getNotifications({tag: shown.tag})).length) did.push("it stays");
		return did.splice(0).join(", ");
	})()`)
}

// What the server pushes of a word shows on the phone with the number at the
// bell on its icon; a finger on it opens that word, or comes back to the page
// where it is open, whoever is on another page is not taken from it.
func TestATapOnANotificationOpensWhatItTellsOf(t *testing.T) {
	t.Parallel()
	s := openGate(t)
	p := pocheOf(t, s.Live)
	name, value := s.Cookie("nadia.kermadec")
	p.SetCookie(s.URL, name, value)
	rings := s.out.Phone(s.As("nadia.kermadec"))
	class := s.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
	word, _, _ := strings.Cut(s.As("helene.duvivier").Post("/carnet", "titre", "Le bonnet rouge", "texte", "Perdu lundi.", "a", "class:"+class).To(), "?")
	var sent string
	var said struct {
		URL   string
		Badge int
	}
	wait(t, "no phone rings of it", func() bool { // jobs of the sample may ring before
		for _, got := range rings.Messages() {
			if err := json.Unmarshal([]byte(got.Text), &said); err != nil {
				t.Fatal(err)
			}
			if said.URL == word {
				sent = got.Text
				return true
			}
		}
		return false
	})
	if said.Badge < 1 {
		t.Errorf("%s", sent)
	}
	p.Go(s.URL + "/documents")
	p.awake()
	worker := p.worker()
	shown := func() {
		t.Helper()
		p.deliver(sent)
		wait(t, "nothing shows", func() bool {
			return worker(`registration.getNotifications({tag: `+strconv.Quote(word)+`}).then(list => list.map(n => n.body).join())`) == "Nouveau mot dans le carnet de liaison"
		})
	}
	shown()
	icon := "icon " + strconv.Itoa(said.Badge)
	if did := p.tap(worker, word); did != icon+", open "+s.URL+word {
		t.Errorf("the phone does: %s", did)
	}
	if p.Path() != "/documents" {
		t.Errorf("the page that was open went to %s", p.Path())
	}
	p.Go(s.URL + said.URL)
	if !p.Has("Le bonnet rouge") {
		t.Error("the address that opens is not the word's")
	}
	shown()
	if did := p.tap(worker, word); did != icon+", focus "+s.URL+word {
		t.Errorf("with the word open, the phone does: %s", did)
	}
	// What was pushed of nowhere opens the portal, and nothing else.
	p.deliver(`{"titre":"Ailleurs","url":"https://example.org/carnet","badge":0}`)
	wait(t, "nothing shows", func() bool {
		return worker(`registration.getNotifications({tag: "/"}).then(list => String(list.length))`) == "1"
	})
	if did := p.tap(worker, "/"); did != "icon 0, open "+s.URL+"/" {
		t.Errorf("the phone does: %s", did)
	}
}

func TestThePhoneKeepsNoPageOfAnybody(t *testing.T) {
	t.Parallel()
	p := poche(t)
	p.Go("/mentions-legales")
	p.Go("/connexion")
	p.until("the caches are listed", `caches.keys().then(async names => { window.kept = (await Promise.all(names.map(async n => (await (await caches.open(n)).keys()).map(r => new URL(r.url).pathname)))).flat().join(" ") }), window.kept`)
	kept := strings.Fields(browser.Eval[string](p.Tab, "window.kept"))
	offline := 0
	for _, path := range kept {
		if path == "/hors-ligne" {
			offline++
		} else if !strings.HasPrefix(path, "/_/") {
			t.Errorf("%s is kept", path)
		}
	}
	if offline != 1 || len(kept) < 4 {
		t.Errorf("kept: %q", kept)
	}
}

func TestTheManifestAndTheWorkerAreServed(t *testing.T) {
	t.Parallel()
	app := testapp.Serve(t)
	for path, kind := range map[string]string{"/manifest.webmanifest": "application/manifest+json", "/sw.js": "text/javascript; charset=utf-8", "/hors-ligne": "text/html; charset=utf-8"} {
		resp, err := http.Get(app.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != kind || resp.Header.Get("Cache-Control") != "no-cache" || !strings.Contains(resp.Header.Get("Content-Security-Policy"), "default-src 'none'") {
			t.Errorf("%s: %d %v", path, resp.StatusCode, resp.Header)
		}
		if path != "/manifest.webmanifest" {
			continue
		}
		var m struct {
			Name, Lang, Display string
			Start               string `json:"start_url"`
			Icons               []struct{ Src, Purpose string }
		}
		if err := json.NewDecoder(resp.Body).Decode(&m); err != nil || m.Name != "Marelle Poche" || m.Lang != "fr" || m.Display != "standalone" || m.Start != "/" || len(m.Icons) != 4 {
			t.Errorf("manifest %+v, %v", m, err)
		}
		for _, icon := range m.Icons {
			if resp, err := http.Get(app.URL + icon.Src); err != nil || resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "image/png" {
				t.Errorf("icon %s: %v", icon.Src, err)
			}
		}
	}
}

func TestWithoutNetworkAPageSaysSo(t *testing.T) {
	t.Parallel()
	p := poche(t)
	p.Allow("ERR_INTERNET_DISCONNECTED")
	p.Offline(true)
	p.Go("/mentions-legales")
	p.WaitText("Pas de réseau")
	p.CheckPage("hors-ligne")
	p.Offline(false)
	p.Click("Réessayer")
	p.WaitText("Mentions légales")
}

// What was read leaves the icon of the app with the page that follows.
func TestTheIconForgetsWhatIsRead(t *testing.T) {
	t.Parallel()
	s := openGate(t)
	tab := browser.Start(t).Tab(t, browser.Phone)
	if _, err := chromedp.Call(tab.Context(), page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{
		Source: `navigator.setAppBadge = n => { window.icon = n; return Promise.resolve(); };`,
	}); err != nil {
		t.Fatal(err)
	}
	name, value := s.Cookie("nadia.kermadec")
	tab.SetCookie(s.URL, name, value)
	icon := func(path string) int {
		tab.Go(s.URL + path)
		return browser.Eval[int](tab, `new Promise(say => {
			const end = Date.now() + 10000, look = () => window.icon !== undefined || Date.now() > end ? say(window.icon ?? -1) : setTimeout(look, 20);
			look();
		})`)
	}
	bell := func() int {
		return browser.Eval[int](tab, `parseInt(document.querySelector('[data-badge=""] .palet')?.textContent ?? "0")`)
	}
	before := icon("/")
	if before != bell() || before < 1 {
		t.Fatalf("%d on the icon, %d at the bell", before, bell())
	}
	s.write(func(ctx context.Context, tx *db.Tx) error { // on another phone
		_, err := tx.Exec(ctx, `UPDATE feed SET read_at = 1, awaits = FALSE WHERE person = (SELECT id FROM person WHERE login = 'nadia.kermadec')`)
		return err
	})
	// Jobs of the sample may bring something meanwhile.
	if after := icon("/documents"); after != bell() || after >= before {
		t.Errorf("%d on the icon, %d at the bell, %d before all was read", after, bell(), before)
	}
}
