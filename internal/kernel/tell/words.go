package tell

import (
	"context"
	"strconv"
	"strings"
	"time"

	"marelle/internal/kernel/notify"
	"marelle/internal/platform/i18n"
	"marelle/internal/ui"
)

// say is a sentence for an adult, or for a child.
func (v view) say(ctx context.Context, key string) string {
	if v.Pupil {
		key += ".pupil"
	}
	return i18n.T(ctx, key)
}

// from and to are the silence as chosen, or what is offered at first.
func (v view) from() string {
	if v.Hours.QuietFrom == v.Hours.QuietTo {
		return "20"
	}
	return strconv.Itoa(v.Hours.QuietFrom)
}

func (v view) to() string {
	if v.Hours.QuietFrom == v.Hours.QuietTo {
		return "7"
	}
	return strconv.Itoa(v.Hours.QuietTo)
}

// hours are those of a day.
func hours(ctx context.Context) []ui.Option {
	out := make([]ui.Option, 24)
	for n := range out {
		out[n] = ui.Option{Value: strconv.Itoa(n), Label: i18n.T(ctx, "tell.hour", "n", n)}
	}
	return out
}

// day is that of the week's summary.
func (v view) day() string {
	if v.Hours.Day < 1 || v.Hours.Day > 7 {
		return strconv.Itoa(notify.DefaultHours.Day)
	}
	return strconv.Itoa(v.Hours.Day)
}

// days are those of a week, from Monday on.
func days() []ui.Option {
	out := make([]ui.Option, 7)
	for n := range out {
		monday := time.Date(2026, time.November, 23+n, 12, 0, 0, 0, time.UTC)
		out[n] = ui.Option{Value: strconv.Itoa(n + 1), Label: strings.Fields(i18n.Date(monday, monday))[0]}
	}
	return out
}
