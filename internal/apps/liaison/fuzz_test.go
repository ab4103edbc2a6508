package liaison_test

import (
	"net/http"
	"strings"
	"testing"

	"marelle/internal/testkit/testapp"
)

// Whatever comes in the form of a word, the answer is a word sent or a page
// that says what is wrong; never an error of ours, never live HTML.
func FuzzWordForm(f *testing.F) {
	for _, s := range []string{"titre=T&texte=x&a=school", "a=class%3A&a=pupil%3Ax", "titre=%00%ff&texte=%3Cscript%3E", "id=%27%22&fichier=../../x", "a=group:%F0%9F%98%80;;;&&&=", strings.Repeat("a=school&", 2000)} {
		f.Add(s, "application/x-www-form-urlencoded")
	}
	f.Add("--b\r\nContent-Disposition: form-data; name=\"titre\"\r\n\r\nx\r\n--b--", "multipart/form-data; boundary=b")
	f.Add("--b\r\nContent-Disposition: form-data; name=\"piece\"; filename=\"x.jpg\"\r\n\r\n\xff\xd8\xff\r\n--b--", "multipart/form-data; boundary=b")
	a := testapp.New(f)
	helene := a.As("helene.duvivier")
	f.Fuzz(func(t *testing.T, body, kind string) {
		if strings.ContainsAny(kind, "\r\n\x00") {
			return // no header holds them
		}
		page := helene.In(t).Do(http.MethodPost, "/carnet", kind, strings.NewReader(body))
		switch page.Status {
		case 303, 404, 413, 422:
		default:
			t.Fatalf("status %d for %q", page.Status, body)
		}
		if strings.Contains(page.Body, "<script>") {
			t.Fatal("the page carries what was typed as HTML")
		}
	})
}
