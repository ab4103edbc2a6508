package licence

import (
	"strings"
	"testing"
)

func TestTextHoldsEveryLicence(t *testing.T) {
	text := Text()
	for _, n := range List() {
		if !strings.Contains(text, n.Name+" "+n.Version) && n.Version != "" || !strings.Contains(text, strings.TrimSpace(n.Text)) {
			t.Errorf("the text lacks %s", n.Name)
		}
	}
}

func TestDamageIsNoticed(t *testing.T) {
	if _, err := unpack(packed[:len(packed)/2]); err == nil {
		t.Error("half of the notices unpack")
	}
}
