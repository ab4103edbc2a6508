package media

import (
	"bytes"
	"strings"
	"testing"

	"codeberg.org/go-pdf/fpdf"
)

func TestWordsOfAFile(t *testing.T) {
	var pdf bytes.Buffer
	p := fpdf.New("P", "mm", "A4", "")
	p.SetFont("Helvetica", "", 14)
	p.AddPage()
	p.Cell(40, 10, "Le phare de Cayeux")
	if err := p.Output(&pdf); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ kind, bytes, want string }{
		{"text/plain", "Le phare\x00 é", "Le phare é"},
		{"text/plain", strings.Repeat("é", 200<<10), strings.Repeat("é", 128<<10)},
		{"text/plain", "\x01\x02\xfd\xfc", ""},
		{"text/csv", "\xc9l\xe8ve;Pr\xe9nom", "Élève;Prénom"},
		{"image/jpeg", "Le phare", ""},
		{"application/pdf", pdf.String(), "Le phare de Cayeux"},
		{"application/pdf", "%PDF-1.7 rien", ""},
	} {
		got, err := maker(t).Text(t.Context(), strings.NewReader(c.bytes), c.kind)
		if err != nil || strings.TrimSpace(got) != c.want {
			t.Errorf("%s of %d bytes: %d bytes %.40q, %v", c.kind, len(c.bytes), len(got), got, err)
		}
	}
}
