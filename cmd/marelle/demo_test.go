package main

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"reflect"
	"strings"
	"testing"
	"time"

	"marelle/internal/sample"
)

// The demonstration says where it is and whom to be: each of them gets in, and
// is in again when the same folder is shown a second time.
func TestDemo(t *testing.T) {
	if os.Getenv("MARELLE_TEST_DATABASE") != "" {
		t.Skip("a demonstration has a SQLite database of its own")
	}
	dir := t.TempDir()
	show := func() (accounts []sample.Account, home string) {
		s := open(t)
		c := s.command("demo", "--addr", "127.0.0.1:0", "--data", dir, "--json")
		out, err := c.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		c.Stderr = os.Stderr
		if err := c.Start(); err != nil {
			t.Fatal(err)
		}
		defer func() {
			if err := c.Process.Signal(os.Interrupt); err != nil {
				t.Error(err)
			}
			if err := c.Wait(); err != nil {
				t.Errorf("the demonstration ends with %v", err)
			}
		}()
		line, err := bufio.NewReader(out).ReadBytes('\n')
		if err != nil {
			t.Fatal(err)
		}
		var said struct {
			URL      string
			Accounts []sample.Account
		}
		if err := json.Unmarshal(line, &said); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		for _, a := range said.Accounts {
			jar, err := cookiejar.New(nil)
			if err != nil {
				t.Fatal(err)
			}
			client := http.Client{Jar: jar, Timeout: time.Minute}
			req, err := http.NewRequest(http.MethodPost, strings.TrimSuffix(said.URL, "/")+"/connexion", strings.NewReader(url.Values{"identifiant": {a.Login}, "secret": {a.Password}}.Encode()))
			if err != nil {
				t.Fatal(err)
			}
			req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			req.Header.Set("Sec-Fetch-Site", "same-origin")
			resp, err := client.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			page, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			if err != nil || resp.StatusCode != http.StatusOK || resp.Request.URL.Path == "/connexion" {
				t.Errorf("%s comes to %s: %d, %v", a.Login, resp.Request.URL.Path, resp.StatusCode, err)
			}
			if a.Profile == "relative" {
				home = string(page)
			}
		}
		return said.Accounts, home
	}
	first, home := show()
	if len(first) != 5 || !strings.Contains(home, "Inès") {
		t.Errorf("%d accounts; a parent's home without her child: %t", len(first), !strings.Contains(home, "Inès"))
	}
	if again, _ := show(); !reflect.DeepEqual(again, first) {
		t.Errorf("the second time %v, the first %v", again, first)
	}
}
