// Package apps is the registry of services: one line each, nothing else.
package apps

import (
	"marelle/internal/apps/classroom"
	"marelle/internal/apps/documents"
	"marelle/internal/apps/documents/dav"
	"marelle/internal/apps/home"
	"marelle/internal/apps/liaison"
	"marelle/internal/apps/report"
	"marelle/internal/apps/school"
	"marelle/internal/kernel/app"
)

// All declares every service, in the order of their squares.
func All(core *app.Core) []app.App {
	return []app.App{
		home.App(core),
		liaison.App(core),
		documents.App(core),
		dav.App(core),
		classroom.App(core),
		school.App(core),
		report.App(core),
	}
}
