package ui_test

import (
	"testing"
	"time"

	"marelle/internal/testkit/browser"
)

// What app.js adds, in a real browser and under the policy.
func TestScriptAddsComfort(t *testing.T) {
	t.Parallel()
	site := serveKit(t)
	tab := browser.Start(t).Tab(t, browser.Desktop)
	tab.Go(site.URL + "/kit")
	is := func(what, js string) {
		t.Helper()
		for end := time.Now().Add(10 * time.Second); !browser.Eval[bool](tab, js); time.Sleep(50 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatalf("%s: %s stays false", what, js)
			}
		}
	}
	do := func(js string) {
		t.Helper()
		browser.Eval[bool](tab, js+"; true")
	}

	is("the summary of faults takes the focus", `document.activeElement.classList.contains("bilan")`)

	const eye = `document.querySelector("[aria-controls=secret-kit]")`
	is("the eye shows", `!`+eye+`.hidden`)
	do(eye + `.click()`)
	is("the password is readable", `document.getElementById("secret-kit").type === "text" && `+eye+`.getAttribute("aria-pressed") === "true"`)
	do(eye + `.click()`)
	is("and hidden again", `document.getElementById("secret-kit").type === "password"`)

	is("the bar counts", `document.querySelector("[data-count]").textContent === "1 choisi"`)
	do(`document.querySelector("[data-choose-all]").click()`)
	is("all are chosen", `document.querySelector("[data-count]").textContent === "4 choisis" && document.querySelectorAll("tr.choisi").length === 3 && document.querySelectorAll(".dossier-l.choisi").length === 1`)
	do(`document.querySelector("[data-choose-all]").click()`)
	is("the bar leaves with the last one", `document.querySelector(".selection").hidden`)

	do(`document.querySelector("details.menu summary").click()`)
	is("a menu opens", `document.querySelectorAll("details.menu[open]").length === 1`)
	tab.Press("Escape")
	is("Escape closes it", `!document.querySelector("details.menu[open]")`)

	do(`document.querySelector("form[data-confirm]").requestSubmit()`)
	is("a question is asked", `document.getElementById("confirmer").open && document.querySelector("[data-sentence]").textContent.startsWith("Supprimer")`)
	do(`document.querySelector("#confirmer [data-closes]").click()`)
	is("no is no", `!document.getElementById("confirmer").open && location.pathname === "/kit"`)

	do(`document.querySelector("[data-opens]").click()`)
	is("a dialog opens", `document.getElementById("dialogue-kit").open`)
	do(`document.querySelector("#dialogue-kit [data-closes]").click()`)

	do(`(() => { const d = document.createElement("div"); d.id = "suivi-t"; d.dataset.poll = "/fragment"; d.dataset.every = "0.05"; document.querySelector("main").append(d); d.dispatchEvent(new CustomEvent("marelle:fragment", {bubbles: true})); })()`)
	is("a fragment takes its place", `document.getElementById("suivi-t").textContent === "fini"`)

	do(`document.querySelector("[data-court] a").focus()`)
	tab.Press("3")
	is("key 3 opens square 3", `location.pathname === "/kit/service"`)
}

// A key typed elsewhere than in the court must do nothing (WCAG 2.1.4).
func TestKeysStayInTheCourt(t *testing.T) {
	t.Parallel()
	site := serveKit(t)
	tab := browser.Start(t).Tab(t, browser.Desktop)
	tab.Go(site.URL + "/kit/accueil")
	tab.Focus("[name=q]")
	tab.Press("3")
	if got := browser.Eval[string](tab, `location.pathname + " " + document.querySelector("[name=q]").value`); got != "/kit/accueil 3" {
		t.Errorf("after the key: %q", got)
	}
}
