package tell

import (
	"context"
	"strconv"

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
