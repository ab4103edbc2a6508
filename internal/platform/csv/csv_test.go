package csv

import (
	"encoding/csv"
	"errors"
	"slices"
	"strings"
	"testing"
)

func TestSpreadsheetReadsWhatWasWritten(t *testing.T) {
	rows := [][]string{{"Élève", "Réponse"}, {"Inès", "oui ; avec plaisir"}, {"Malo", "\"deux\"\nlignes"},
		{"=1+1", "+33"}, {"-2", "@SUM(A1)"}, {"\tx", "\rx"}, {"", "l'an = 2"}}
	var b strings.Builder
	if err := Write(&b, rows); err != nil {
		t.Fatal(err)
	}
	text, marked := strings.CutPrefix(b.String(), "\ufeff")
	if !marked {
		t.Error("no byte order mark")
	}
	r := csv.NewReader(strings.NewReader(text))
	r.Comma = ';'
	got, err := r.ReadAll()
	if err != nil || len(got) != len(rows) {
		t.Fatalf("%d lines read back (%v)", len(got), err)
	}
	// A return alone is not written; the apostrophe is.
	want := [][]string{rows[0], rows[1], rows[2], {"'=1+1", "'+33"}, {"'-2", "'@SUM(A1)"}, {"'\tx", "'x"}, rows[6]}
	for i := range want {
		if !slices.Equal(got[i], want[i]) {
			t.Errorf("line %d: %q, want %q", i, got[i], want[i])
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, errors.New("no room") }

func TestAFailingWriterIsTold(t *testing.T) {
	if err := Write(full{}, [][]string{{"x"}}); err == nil {
		t.Error("nothing was said")
	}
}
