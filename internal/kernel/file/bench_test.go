package file_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// How fast a file of 100 MB is handed out with its rights checked, beside a bare
// http.ServeFile: compare within one run.
func BenchmarkDownload(b *testing.B) {
	a := testapp.Serve(b)
	a.Core.UploadMax = 200 << 20
	helene := a.As("helene.duvivier")
	place := a.One(`SELECT school FROM membership WHERE person = $1`, helene.ID)
	r, err := file.ReceiveAny(b.Context(), a.Core, place, helene.ID, "film.bin", io.LimitReader(noise{}, 100<<20))
	if err != nil {
		b.Fatal(err)
	}
	if err := a.Core.DB.Write(b.Context(), func(tx *db.Tx) error {
		return file.Record(b.Context(), tx, rights.System("bench").For(place), a.Core.Clock.Now(), r)
	}); err != nil {
		b.Fatal(err)
	}
	path := filepath.Join(b.TempDir(), "film.bin")
	w, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	if _, err := io.Copy(w, io.LimitReader(noise{}, 100<<20)); err != nil {
		b.Fatal(err)
	}
	w.Close()
	bare := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { http.ServeFile(w, r, path) }))
	defer bare.Close()
	name, value := a.Cookie("helene.duvivier")
	for _, c := range []struct{ name, url string }{{"ServeFile", bare.URL}, {"rights checked", a.URL + "/fichiers/" + r.ID + "/original"}} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(100 << 20)
			for b.Loop() {
				q, err := http.NewRequestWithContext(b.Context(), http.MethodGet, c.url, nil)
				if err != nil {
					b.Fatal(err)
				}
				q.AddCookie(&http.Cookie{Name: name, Value: value})
				res, err := http.DefaultClient.Do(q)
				if err != nil {
					b.Fatal(err)
				}
				if n, err := io.Copy(io.Discard, res.Body); err != nil || n != 100<<20 {
					b.Fatalf("%d bytes, %v", n, err)
				}
				res.Body.Close()
			}
		})
	}
}

// How much memory the process takes at most while twenty files of 200 MB go up
// at once, the senders in it: 4 GB pass.
func BenchmarkTwentyUploads(b *testing.B) {
	a := testapp.Serve(b)
	a.Core.UploadMax = 1 << 30
	name, value := a.Cookie("helene.duvivier")
	if err := a.Core.DB.Write(b.Context(), func(tx *db.Tx) error {
		return file.SetQuota(b.Context(), tx, rights.System("bench"), "", rights.Teacher, 1<<40)
	}); err != nil {
		b.Fatal(err)
	}
	ask := func(method, url string, size int, body io.Reader, h map[string]string) *http.Response {
		q, err := http.NewRequestWithContext(b.Context(), method, url, body)
		if err != nil {
			b.Error(err)
			return nil
		}
		q.ContentLength = int64(size)
		q.AddCookie(&http.Cookie{Name: name, Value: value})
		q.Header.Set("Tus-Resumable", "1.0.0")
		q.Header.Set("Sec-Fetch-Site", "same-origin")
		for k, v := range h {
			q.Header.Set(k, v)
		}
		res, err := http.DefaultClient.Do(q)
		if err != nil {
			b.Error(err)
			return nil
		}
		res.Body.Close()
		return res
	}
	const size = 200 << 20
	var wg sync.WaitGroup
	var before, most testapp.Memory
	for b.Loop() {
		was, peak := testapp.Peak(b, func() {
			for i := range 20 {
				wg.Go(func() {
					res := ask(http.MethodPost, a.URL+"/fichiers/envoi", 0, nil, map[string]string{"Upload-Length": fmt.Sprint(size)})
					if res == nil || res.StatusCode != http.StatusCreated {
						b.Errorf("%v", res)
						return
					}
					body := io.MultiReader(strings.NewReader(fmt.Sprintf("%08d", i)), io.LimitReader(noise{}, size-8))
					res = ask(http.MethodPatch, a.URL+res.Header.Get("Location"), size, body, map[string]string{"Upload-Offset": "0", "Content-Type": "application/offset+octet-stream"})
					if res == nil || res.Header.Get(file.FileHeader) == "" {
						b.Errorf("%v", res)
					}
				})
			}
			wg.Wait()
		})
		if most.PSS == 0 {
			before = was
		}
		most.PSS = max(most.PSS, peak.PSS)
	}
	b.ReportMetric(float64(before.PSS>>20), "MB-before")
	b.ReportMetric(float64(most.PSS>>20), "MB-peak")
}

// noise is bytes of no kind, without end.
type noise struct{}

func (noise) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(i*7+3) | 0x80
	}
	return len(p), nil
}
