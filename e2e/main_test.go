package e2e

import (
	"os"
	"testing"

	"marelle/internal/platform/media"
	"marelle/internal/testkit/browser"
)

func TestMain(m *testing.M) {
	if media.Child() { // the server under test draws apart as the real one does
		return
	}
	os.Exit(browser.Main(m))
}
