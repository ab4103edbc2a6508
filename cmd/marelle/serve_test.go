package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"mime/multipart"
	"net"
	"net/http"
	"net/url"
	"os"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"marelle/internal/platform/id"
	"marelle/internal/testkit/postgres"
	"marelle/internal/testkit/testapp"
)

// address is one of this machine that nobody listens on.
func address(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// visitor is somebody's browser at a server of its own process.
type visitor struct {
	t            *testing.T
	base, cookie string
	client       *http.Client
}

func (v visitor) do(method, path, kind string, body io.Reader) (*http.Response, string) {
	v.t.Helper()
	req, err := http.NewRequestWithContext(v.t.Context(), method, v.base+path, body)
	if err != nil {
		v.t.Fatal(err)
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	req.Header.Set("Cookie", v.cookie)
	req.Header.Set("Sec-Fetch-Site", "same-origin")
	resp, err := v.client.Do(req)
	if err != nil {
		v.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		v.t.Fatal(err)
	}
	return resp, string(b)
}

// The server of the operator: what it tells of itself names nobody, and when it
// is told to stop it finishes what it has begun.
func TestServeTellsOfNobodyAndStopsGracefully(t *testing.T) {
	a := testapp.New(t)
	word := a.One(`SELECT id FROM word WHERE title LIKE 'Sortie en baie%' ORDER BY published_at DESC LIMIT 1`)
	class := a.One(`SELECT id FROM class WHERE label = 'CE1 B'`)
	cookie := func(login string) string {
		name, value := a.Cookie(login)
		return name + "=" + value
	}
	nadia, helene := cookie("nadia.kermadec"), cookie("helene.duvivier")
	addr, metrics := address(t), address(t)
	s := &shell{t: t, env: append(os.Environ(), asCommand+"=1", "MARELLE_DATA="+a.Config.Data, "MARELLE_ADDR="+addr, "MARELLE_METRICS_ADDR="+metrics)}
	if postgres.URL() != "" {
		s.env = append(s.env, "MARELLE_DATABASE="+a.Config.DSN)
	}
	if err := a.Server.Close(); err != nil { // the data is the process's now
		t.Fatal(err)
	}
	c := s.command("serve", "--now", testapp.Now.Format(time.RFC3339))
	var log bytes.Buffer
	c.Stdout, c.Stderr = &log, &log
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- c.Wait() }()
	t.Cleanup(func() { _ = c.Process.Kill() })
	client := &http.Client{Timeout: 30 * time.Second, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	parent := visitor{t, "http://" + addr, nadia, client}
	teacher := visitor{t, "http://" + addr, helene, client}
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if resp, err := client.Get("http://" + addr + "/readyz"); err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				break
			}
		}
		if time.Now().After(end) {
			t.Fatal("the server does not answer")
		}
	}

	for path, want := range map[string]int{"/": 200, "/carnet/" + word: 200, "/recherche?q=Kermadec": 200, "/carnet/nadia.kermadec": 404, "/metrics": 404, "/healthz": 200} {
		if resp, _ := parent.do(http.MethodGet, path, "", nil); resp.StatusCode != want {
			t.Errorf("GET %s: %d, want %d", path, resp.StatusCode, want)
		}
	}
	wrong := url.Values{"identifiant": {"nadia.kermadec"}, "secret": {"le secret de Nadia"}}
	parent.do(http.MethodPost, "/connexion", "application/x-www-form-urlencoded", strings.NewReader(wrong.Encode()))

	resp, told := visitor{t, "http://" + metrics, "", client}.do(http.MethodGet, "/metrics", "", nil)
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("metrics: %d", resp.StatusCode)
	}
	for _, line := range []string{`marelle_requests_total{route="GET /carnet/{id}",status="200"} 1`, `marelle_requests_total{route="GET /carnet/{id}",status="404"} 1`,
		`marelle_request_seconds_count{route="GET /recherche"} 1`, "marelle_jobs_waiting ", "marelle_jobs_dead 0", "marelle_open_pages 0", "marelle_refused_total 0", "process_resident_memory_bytes "} {
		if !strings.Contains(told, "\n"+line) {
			t.Errorf("metrics lack %s", line)
		}
	}

	// A page that waits for news, and a word whose bytes are still on their way.
	news, err := http.NewRequestWithContext(t.Context(), http.MethodGet, parent.base+"/fil/direct", nil)
	if err != nil {
		t.Fatal(err)
	}
	news.Header.Set("Cookie", nadia)
	open, err := client.Do(news)
	if err != nil {
		t.Fatal(err)
	}
	defer open.Body.Close()
	if open.StatusCode != http.StatusOK {
		t.Fatalf("news: %d", open.StatusCode)
	}
	body, send := io.Pipe()
	form := multipart.NewWriter(send)
	asked := make(chan struct{})
	go func() {
		for _, f := range [][2]string{{"id", id.New()}, {"titre", "Pendant l’arrêt"}, {"texte", "Écrit quand le serveur s’arrête."}, {"a", "class:" + class}} {
			_ = form.WriteField(f[0], f[1])
		}
		close(asked)
		for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
			if conn, err := net.Dial("tcp", addr); err != nil {
				break // it takes nobody new
			} else {
				conn.Close()
			}
		}
		_ = form.Close()
		_ = send.Close()
	}()
	answered := make(chan string, 1)
	// The body leaves once the server asks for it: it has begun by then.
	writing := &http.Client{Timeout: 30 * time.Second, CheckRedirect: client.CheckRedirect, Transport: &http.Transport{ExpectContinueTimeout: 20 * time.Second}}
	post, err := http.NewRequestWithContext(t.Context(), http.MethodPost, teacher.base+"/carnet", body)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Content-Type": form.FormDataContentType(), "Cookie": helene, "Sec-Fetch-Site": "same-origin", "Expect": "100-continue"} {
		post.Header.Set(name, value)
	}
	go func() {
		resp, err := writing.Do(post)
		if err != nil {
			answered <- err.Error()
			return
		}
		defer resp.Body.Close()
		page, _ := io.ReadAll(resp.Body) // shown when it is not the answer
		answered <- fmt.Sprint(resp.StatusCode, " ", resp.Header.Get("Location"), " ", string(page))
	}()
	<-asked
	if err := c.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if a := <-answered; !strings.HasPrefix(a, "303 /carnet/") {
		t.Errorf("a word on its way when the server was told to stop: %.300s", a)
	}
	_, _ = io.Copy(io.Discard, bufio.NewReader(open.Body)) // ends with the server
	select {
	case err := <-ended:
		if err != nil {
			t.Errorf("the server ended with %v\n%s", err, log.String())
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the server does not stop")
	}

	for _, text := range []string{told, log.String()} {
		for _, personal := range []string{"(?i)kermadec", "(?i)nadia", "duvivier", word, "le secret", "Sortie en baie", "Pendant l", class} {
			if m := regexp.MustCompile(personal).FindStringIndex(text); m != nil {
				t.Errorf("log or metrics name %q: %.200q", personal, text[max(0, m[0]-100):])
			}
		}
	}
	if !strings.Contains(log.String(), `"route":"GET /carnet/{id}"`) {
		t.Errorf("the log says nothing of a request:\n%s", log.String())
	}
	if n := a.Restart().One(`SELECT count(*) FROM word WHERE title = 'Pendant l’arrêt'`); n != "1" {
		t.Errorf("the word that was answered is kept %s times", n)
	}
}
