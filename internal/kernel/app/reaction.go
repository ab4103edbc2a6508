package app

import (
	"context"

	"marelle/internal/platform/i18n"
	"marelle/internal/ui"
)

// Reactions are what whoever reads a resource may always do about it: hear no
// more of it, and report it to the head.
func Reactions(ctx context.Context, resource string) []ui.Link {
	return []ui.Link{
		{Label: i18n.T(ctx, "app.mute"), Href: "/sourdine/" + resource, Icon: "bell-slash", Post: true},
		{Label: i18n.T(ctx, "app.report"), Href: "/signaler?objet=" + resource, Icon: "flag"},
	}
}
