package session

import (
	"fmt"
	"testing"

	"marelle/internal/ui"
)

// published holds the hash of every text that people may have accepted. Such a
// text is never edited: a change is a new file with a new number.
var published = map[int]string{
	1: "ee0834065fd2f98fe303bffac3ca072f2c343dc6436b4e5afe0f8206cbd8436e",
}

func TestPublishedChartersAreNeverEdited(t *testing.T) {
	if len(published) != charterVersion {
		t.Fatalf("version %d is in force: note its hash here", charterVersion)
	}
	for v, hash := range published {
		c, err := readCharter(v)
		if err != nil {
			t.Fatal(err)
		}
		if c.Hash != hash {
			t.Errorf("charter %d was edited: its hash is %s", v, c.Hash)
		}
	}
	c, err := readCharter(charterVersion)
	if err != nil {
		t.Fatal(err)
	}
	if len(c.Simple) != 4 || len(c.Pupil) != 4 || len(c.Full) < 12 || c.Published.IsZero() {
		t.Errorf("charter %d: %d sentences, %d for pupils, %d blocks, published %v", c.Version, len(c.Simple), len(c.Pupil), len(c.Full), c.Published)
	}
	for _, r := range append(c.Simple, c.Pupil...) {
		if !ui.HasIcon(r.Icon) || ui.PaintClass(r.Paint) == "" {
			t.Errorf("no icon %q or paint %q", r.Icon, r.Paint)
		}
	}
	if _, err := readCharter(charterVersion + 1); err == nil {
		t.Error(fmt.Sprint("a charter that is not in force lies about: ", charterVersion+1))
	}
}
