package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
)

// table prints the median of each figure over the rounds. The ratio is taken
// within each round before its median: that is what alternation is for.
func table(w io.Writer, targets []*target) {
	fmt.Fprintln(w, "| | req/s | CPU ms/request | p50 ms | p99 ms | PSS MiB | errors | CPU, × first | req/s, % of first |")
	fmt.Fprintln(w, "|---|---|---|---|---|---|---|---|---|")
	for _, t := range targets {
		of := func(f func(i int, r round) float64) float64 {
			var all []float64
			for i, r := range t.rounds {
				all = append(all, f(i, r))
			}
			return median(all)
		}
		bad := 0
		for _, r := range t.rounds {
			bad += r.Errors
		}
		first := targets[0].rounds
		fmt.Fprintf(w, "| %s | %.0f | %.3f | %.2f | %.2f | %.1f | %d | %.2f | %.0f %% |\n", t.name,
			of(func(_ int, r round) float64 { return r.PerSecond }), of(func(_ int, r round) float64 { return r.CPU }),
			of(func(_ int, r round) float64 { return r.P50 }), of(func(_ int, r round) float64 { return r.P99 }),
			of(func(_ int, r round) float64 { return r.PSS }), bad,
			of(func(i int, r round) float64 { return r.CPU / first[i].CPU }),
			of(func(i int, r round) float64 { return 100 * r.PerSecond / first[i].PerSecond }))
	}
}

func median(all []float64) float64 {
	slices.SortFunc(all, cmp.Compare[float64])
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}
