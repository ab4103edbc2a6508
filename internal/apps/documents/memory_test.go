package documents_test

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/testkit/testapp"
)

// heavy gives a teacher so many files of so many bytes, one in two of a kind that
// a ZIP packs, and the two addresses that give them all at once: her data, and a
// choice of documents as a ZIP.
func heavy(t testing.TB, n, size int) (a *testapp.Live, whole map[string]url.Values) {
	t.Helper()
	a = testapp.Serve(t)
	a.Core.UploadMax = 1 << 30
	if err := a.Core.DB.Write(t.Context(), func(tx *db.Tx) error {
		return file.SetQuota(t.Context(), tx, rights.System("test"), "", rights.Teacher, 1<<40)
	}); err != nil {
		t.Fatal(err)
	}
	helene := a.As("helene.duvivier")
	b := make([]byte, size)
	r := rand.NewChaCha8([32]byte{})
	ids := url.Values{}
	for i := range n {
		r.Read(b)
		copy(b, []string{"PK\x03\x04", "bytes "}[i%2])
		name := fmt.Sprintf("lourd %d.bin", i)
		helene.Upload("/documents/ajouter", []testapp.File{{Field: "piece", Name: name, Bytes: bytes.Clone(b)}}).To()
		ids.Add("id", a.One(`SELECT id FROM document WHERE name = $1`, name))
	}
	return a, map[string]url.Values{"/compte/mes-donnees": nil, "/documents/telecharger": ids}
}

// fetch reads what an address gives, and throws it away.
func fetch(t testing.TB, a *testapp.Live, path string, form url.Values) int64 {
	t.Helper()
	q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, a.URL+path, strings.NewReader(form.Encode()))
	if err != nil {
		t.Fatal(err)
	}
	name, value := a.Cookie("helene.duvivier")
	q.AddCookie(&http.Cookie{Name: name, Value: value})
	q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	q.Header.Set("Sec-Fetch-Site", "same-origin")
	res, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	got, err := io.Copy(io.Discard, res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d, %v", path, res.StatusCode, err)
	}
	return got
}

// What somebody takes along passes through the process and is never in it: 32 MB
// leave while its objects grow by less than a quarter of that.
func TestWhatIsTakenAlongIsNotHeldInMemory(t *testing.T) {
	const n, size = 4, 8 << 20
	a, whole := heavy(t, n, size)
	for path, form := range whole {
		before, most := testapp.Peak(t, func() {
			if got := fetch(t, a, path, form); got < n*size {
				t.Errorf("%s: %d bytes", path, got)
			}
		})
		if grown := most.Heap - before.Heap; grown > n*size/4 {
			t.Errorf("%s: the process holds %d MB more", path, grown>>20)
		}
	}
}

// How much memory the process takes at most while a person with 300 MB of
// documents takes them along, beside one with 30.
func BenchmarkTakingAlong(b *testing.B) {
	for _, size := range []int{3 << 20, 30 << 20} {
		a, whole := heavy(b, 10, size)
		for path, form := range whole {
			b.Run(fmt.Sprintf("%d-MB%s", 10*size>>20, strings.ReplaceAll(path, "/", "-")), func(b *testing.B) {
				b.SetBytes(int64(10 * size))
				var grown testapp.Memory
				for b.Loop() {
					before, most := testapp.Peak(b, func() { fetch(b, a, path, form) })
					grown.PSS, grown.Heap = max(grown.PSS, most.PSS-before.PSS), max(grown.Heap, most.Heap-before.Heap)
					b.ReportMetric(float64(most.PSS>>20), "MB-PSS")
				}
				b.ReportMetric(float64(grown.PSS>>20), "MB-PSS-more")
				b.ReportMetric(float64(grown.Heap>>20), "MB-heap-more")
			})
		}
	}
}
