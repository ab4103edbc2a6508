package session

import (
	"marelle/internal/kernel/app"
)

// App declares the entry pages to the kernel.
func App(core *app.Core) app.App {
	return app.App{Name: "session", Migrations: Migrations(), Messages: Messages()}
}
