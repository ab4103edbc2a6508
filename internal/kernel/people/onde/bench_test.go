package onde

import "testing"

func BenchmarkRead(b *testing.B) {
	for b.Loop() {
		load(b, "testdata/recent/*.csv")
	}
}

func BenchmarkCompare(b *testing.B) {
	files := load(b, "testdata/recent/*.csv")
	for b.Loop() {
		Compare(files, Snapshot{}, Options{Year: 2026})
	}
}
