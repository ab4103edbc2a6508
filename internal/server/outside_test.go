package server_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"marelle/internal/testkit/testapp"
)

// The portal answers under its own name alone, health under any.
func TestOnlyItsOwnNameIsAnswered(t *testing.T) {
	a := testapp.New(t)
	ask := func(host, path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Host = host
		a.Handler().ServeHTTP(w, r)
		return w
	}
	for _, host := range []string{"evil.example", "", a.Core.Base.Host + ".evil.example", "10.0.0.1", "[::1]:8080", a.Core.Base.Host + ":4444"} {
		for _, path := range []string{"/connexion", "/", "/carnet", "/rien"} {
			w := ask(host, path)
			if w.Code != http.StatusMisdirectedRequest || !strings.Contains(w.Body.String(), "Ce serveur ne répond pas à cette adresse") || w.Header().Get("Set-Cookie") != "" {
				t.Errorf("%s at %q: %d %.200s", path, host, w.Code, w.Body)
			}
			if !strings.Contains(w.Body.String(), `href="`+a.Core.Base.String()+`"`) {
				t.Errorf("%s at %q does not lead to the right address", path, host)
			}
			if host != "" && strings.Contains(w.Body.String(), host) {
				t.Errorf("%s repeats the name %q", path, host)
			}
		}
	}
	if w := ask(strings.ToUpper(a.Core.Base.Host), "/connexion"); w.Code != http.StatusOK {
		t.Errorf("its own name in capitals: %d", w.Code)
	}
	for path, want := range map[string]string{"/healthz": "ok\n", "/readyz": "ready\n"} {
		if w := ask("10.0.0.1", path); w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("%s: %d %q", path, w.Code, w.Body)
		}
	}
}
