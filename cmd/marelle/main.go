// Command marelle is the whole product in one binary.
package main

import (
	"fmt"
	"os"

	"github.com/alecthomas/kong"
)

type commands struct {
	Demo    demoCmd    `cmd:"" help:"Show a living school in seconds."`
	Serve   serveCmd   `cmd:"" help:"Serve a portal."`
	Migrate migrateCmd `cmd:"" help:"Bring the database up to date and stop."`
	School  schoolCmd  `cmd:"" help:"Manage schools."`
	User    userCmd    `cmd:"" help:"Manage accounts."`
	Import  importCmd  `cmd:"" help:"Import a school's lists."`
	Backup  backupCmd  `cmd:"" help:"Write one archive of everything, or check one."`
	Restore restoreCmd `cmd:"" help:"Restore an archive into an empty database."`
	Doctor  doctorCmd  `cmd:"" help:"Check settings, database, files, mail and legal texts."`
	Setting settingCmd `cmd:"" help:"Print or write what the legal page says: controller, host, dpo."`
	Sheets  sheetsCmd  `cmd:"" help:"Print the connection sheets of those who have no account yet."`
	Version versionCmd `cmd:"" help:"Print the version, or the licences."`
}

func main() {
	var cli commands
	k := kong.Parse(&cli, kong.Name("marelle"), kong.Description("Marelle, a digital workspace for primary schools."), kong.UsageOnError())
	if err := k.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "marelle:", err)
		os.Exit(exitCode(err))
	}
}
