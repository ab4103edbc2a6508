// Package s3 finds the real object store that tests may use besides the one in
// process. It starts none and knows nothing of what is kept there.
package s3

import (
	"crypto/rand"
	"net/url"
	"os"
	"strings"
	"testing"
)

// Env names a bucket of a real server, as MARELLE_BLOBS does; the keys come from
// the usual variables.
const Env = "MARELLE_TEST_S3"

// Given is the address of an empty place of its own in that bucket, which the
// test leaves empty; "" without one.
func Given(t testing.TB) string {
	t.Helper()
	at := os.Getenv(Env)
	if at == "" {
		return ""
	}
	u, err := url.Parse(at)
	if err != nil {
		t.Fatalf("%s: %v", Env, err)
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/test-" + strings.ToLower(rand.Text())
	return u.String()
}
