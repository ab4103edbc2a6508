package ui

import (
	"strconv"
	"strings"

	"github.com/a-h/templ"
)

// plans holds the small court of a service header with the pebble on each
// square in turn; 0 has none. Never written again.
var plans = drawPlans()

// spots are the squares' upper left corners, 42 units wide.
var spots = [...][2]int{{0, 21}, {42, 0}, {42, 42}, {84, 21}, {126, 0}, {126, 42}, {168, 21}, {210, 0}, {210, 42}}

func plan(number int) templ.Component {
	if number < 0 || number >= len(plans) {
		number = 0
	}
	return plans[number]
}

func drawPlans() []templ.Component {
	out := make([]templ.Component, 0, len(spots)+1)
	for n := 0; n <= len(spots); n++ {
		shown, sky := 6, 168
		if n == 7 {
			shown, sky = 7, 210
		} else if n > 7 {
			shown, sky = 9, 252
		}
		var b strings.Builder
		b.WriteString(`<svg class="plan" viewBox="-2 -2 ` + strconv.Itoa(sky+46) + ` 88" aria-hidden="true" focusable="false"><g stroke-width="4" stroke-linejoin="round">`)
		for i, p := range spots[:shown] {
			class := ""
			if i+1 == n {
				class = ` class="la"`
			}
			b.WriteString(`<rect x="` + strconv.Itoa(p[0]) + `" y="` + strconv.Itoa(p[1]) + `" width="42" height="42"` + class + `/>`)
		}
		b.WriteString(`<path d="M` + strconv.Itoa(sky) + ` 0a42 42 0 0 1 0 84Z"/></g>`)
		for i, p := range spots[:shown] {
			class := ""
			if i+1 == n {
				class = ` class="la-n"`
			}
			b.WriteString(`<text x="` + strconv.Itoa(p[0]+21) + `" y="` + strconv.Itoa(p[1]+29) + `" text-anchor="middle"` + class + `>` + strconv.Itoa(i+1) + `</text>`)
		}
		if n > 0 {
			p := spots[n-1]
			b.WriteString(`<circle cx="` + strconv.Itoa(p[0]+37) + `" cy="` + strconv.Itoa(p[1]+37) + `" r="8" stroke-width="3"/>`)
		}
		b.WriteString(`</svg>`)
		out = append(out, markup(b.String()))
	}
	return out
}
