package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/chromedp"

	"marelle/internal/testkit/browser"
)

// TestSettingsAreSavedAsTheyAreChanged taps switches of the page of
// notifications, which has no button then: each tap is kept and said, the band
// says how many are on, what cannot be kept is said beside it.
func TestSettingsAreSavedAsTheyAreChanged(t *testing.T) {
	t.Parallel()
	s := openGate(t)
	w := walk{t: t, gate: s, b: browser.Start(t), size: browser.Phone, tabs: map[string]*browser.Tab{}}
	s.active("nadia.kermadec", "nadia@exemple.fr")
	tab := w.tab("nadia.kermadec")
	tab.Go(s.URL + "/notifications")
	if tab.Has("Enregistrer") {
		t.Error("a button where every tap is kept")
	}
	kept := func(what string, is bool, text string) {
		t.Helper()
		for end := time.Now().Add(20 * time.Second); (s.One(`SELECT CASE WHEN EXISTS (`+text+`) THEN 'yes' ELSE 'no' END`) == "yes") != is; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s is not kept", what)
			}
		}
	}
	const said = `document.querySelector("[data-said]").textContent`
	const fold = ".reglage:has([name='push-liaison.word']) summary"
	line := browser.Eval[string](tab, `document.querySelector("[name='push-liaison.word']").closest(".reglage").querySelector(".ruban p").textContent`)
	tab.Click(fold)
	tab.Click("[name='push-liaison.word']")
	kept("a switch", true, `SELECT 1 FROM told_choice c JOIN person p ON p.id = c.person WHERE p.login = 'nadia.kermadec' AND kind = 'liaison.word' AND NOT push`)
	tab.WaitText("Réglages enregistrés")
	if now := browser.Eval[string](tab, `document.querySelector("[name='push-liaison.word']").closest(".reglage").querySelector(".ruban p").textContent`); now == line {
		t.Errorf("the band still says %q", now)
	}
	tab.Fill("[name='mail-liaison.word']", "weekly")
	kept("a rhythm", true, `SELECT 1 FROM told_choice c JOIN person p ON p.id = c.person WHERE p.login = 'nadia.kermadec' AND kind = 'liaison.word' AND mail = 'weekly'`)
	tab.Click("[name='service-liaison']")
	kept("a service", true, `SELECT 1 FROM told_off o JOIN person p ON p.id = o.person WHERE p.login = 'nadia.kermadec' AND service = 'liaison'`)
	tab.Go(s.URL + "/notifications")
	if !browser.Eval[bool](tab, `!document.querySelector("[name='push-liaison.word']").checked && !document.querySelector("[name='service-liaison']").checked && document.querySelector("[name='mail-liaison.word']").value === "weekly"`) {
		t.Error("the page comes back as it was before")
	}
	// A fault, and no network: said, and nothing else is lost.
	tab.Allow("status 422")
	tab.Click("[name=silence]")
	tab.Fill("[name=de]", "7")
	tab.Fill("[name=a]", "7")
	if now := browser.Eval[string](tab, said); now == "" || now == "Réglages enregistrés" {
		t.Errorf("a silence of no hour is said to be kept: %q", now)
	}
	tab.Allow("ERR_INTERNET_DISCONNECTED")
	tab.Offline(true)
	tab.Fill("[name=a]", "8")
	if now := browser.Eval[string](tab, said); now != browser.Eval[string](tab, `document.querySelector("[data-said]").dataset.failed`) {
		t.Errorf("without a network one reads %q", now)
	}
	tab.Offline(false)
	tab.Fill("[name=de]", "21")
	kept("what was changed without a network", true, `SELECT 1 FROM told_hours h JOIN person p ON p.id = h.person WHERE p.login = 'nadia.kermadec' AND quiet_from = 21 AND quiet_to = 8`)
}

// TestSettingsFoldOnAPhone: with an e-mail each kind has a switch and a rhythm,
// too much for a small screen, where a tap or a key unfolds them; a larger one
// shows them all. What is folded is sent with the rest, and needs no script.
func TestSettingsFoldOnAPhone(t *testing.T) {
	t.Parallel()
	s := openGate(t)
	b := browser.Start(t)
	s.active("nadia.kermadec", "nadia@exemple.fr")
	name, value := s.Cookie("nadia.kermadec")
	const shown = `document.querySelector("[name='mail-liaison.word']").checkVisibility({contentVisibilityAuto: true, visibilityProperty: true})`
	const folds = `[...document.querySelectorAll(".reglage summary")].filter(f => f.checkVisibility()).length`
	for _, c := range []struct {
		name   string
		size   browser.Screen
		open   bool
		script []browser.Option
	}{
		{"phone", browser.Phone, false, nil},
		{"phone without scripts", browser.Phone, false, []browser.Option{browser.NoScript}},
		{"computer", browser.Desktop, true, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab := b.Tab(t, c.size, c.script...)
			tab.SetCookie(s.URL, name, value)
			tab.Go(s.URL + "/notifications")
			if got := browser.Eval[bool](tab, shown); got != c.open {
				t.Fatalf("the lines show: %v", got)
			}
			if got := browser.Eval[int](tab, folds); (got == 0) != c.open {
				t.Errorf("%d folds", got)
			}
			if c.script == nil {
				tab.CheckPage("notifications-courriel")
			}
			if c.open {
				return
			}
			if c.script != nil { // folded, they are kept as they were
				tab.Click("[name=dimanche]")
				tab.Click("Enregistrer")
				tab.WaitText("Réglages enregistrés")
				if n := s.One(`SELECT count(*) FROM told_choice c JOIN person p ON p.id = c.person WHERE p.login = 'nadia.kermadec' AND kind = 'liaison.word' AND NOT push`); n != "0" {
					t.Error("a switch that was folded is off")
				}
			}
			tab.Focus(".reglage summary")
			tab.Press("Enter")
			if !browser.Eval[bool](tab, shown) {
				t.Error("a key does not unfold")
			}
			tab.CheckPage("notifications-courriel-depli")
		})
	}
}

// TestAnIPhoneIsToldWhatToDo: there only an app on the home screen may ring, and
// a page that is none says how to become one.
func TestAnIPhoneIsToldWhatToDo(t *testing.T) {
	t.Parallel()
	s := openGate(t)
	b := browser.Start(t)
	const iPhone = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1"
	for _, c := range []struct {
		name, agent, script string
		hint, button        bool
	}{
		// Safari has no PushManager in a tab, and has one on the home screen.
		{"a tab of an iPhone", iPhone, `delete window.PushManager`, true, false},
		{"an iPhone's home screen", iPhone, ``, false, true},
		{"another phone", "", ``, false, true},
		{"a browser that cannot ring", "", `delete window.PushManager`, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			tab := b.Tab(t, browser.Phone)
			name, value := s.Cookie("nadia.kermadec")
			tab.SetCookie(s.URL, name, value)
			if _, err := chromedp.Run(tab.Context(), chromedp.Func(func(ctx context.Context, target *chromedp.Target) error {
				if c.agent != "" {
					if _, err := cdp.Call(ctx, target, emulation.SetUserAgentOverride, emulation.SetUserAgentOverrideParams{UserAgent: c.agent}); err != nil {
						return err
					}
				}
				_, err := cdp.Call(ctx, target, page.AddScriptToEvaluateOnNewDocument, page.AddScriptToEvaluateOnNewDocumentParams{Source: c.script})
				return err
			})); err != nil {
				t.Fatal(err)
			}
			tab.Go(s.URL + "/notifications")
			if c.hint {
				tab.CheckPage("notifications-iphone")
			}
			if got := tab.Has("Sur iPhone et iPad : touchez Partager"); got != c.hint {
				t.Errorf("the hint shows: %v", got)
			}
			if got := tab.Has("Activer sur cet appareil"); got != c.button {
				t.Errorf("the button shows: %v", got)
			}
		})
	}
}
