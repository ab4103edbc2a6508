package ui

import (
	"context"

	"marelle/internal/platform/i18n"
)

func menuLabel(ctx context.Context, name string) string {
	if name == "" {
		return i18n.T(ctx, "ui.more_actions")
	}
	return i18n.T(ctx, "ui.actions_for", "name", name)
}

// bandText says in words what the switches of a band show.
func bandText(ctx context.Context, b Band) string {
	switch n := b.on(); {
	case b.Off || n == 0:
		return i18n.T(ctx, "ui.band.none")
	case n == len(b.Lines):
		return i18n.T(ctx, "ui.band.all")
	default:
		return i18n.T(ctx, "ui.band.some", "n", n, "total", len(b.Lines))
	}
}

func calloutClass(kind string) string {
	switch kind {
	case "ok", "alerte":
		return "encart " + kind
	case "erreur":
		return "encart erreur-e"
	}
	return "encart"
}
