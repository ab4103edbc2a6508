// Command marelle is the whole product in one binary. What it says at the
// terminal is French, as its pages are; names of commands and settings, logs and
// JSON are English, for programs and for whoever works on them.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"runtime"
	"strings"

	"github.com/alecthomas/kong"

	"marelle/internal/platform/i18n"
	"marelle/internal/platform/media"
)

type commands struct {
	Demo    demoCmd    `cmd:"" help:"Montrer une école qui vit, en quelques secondes."`
	Serve   serveCmd   `cmd:"" help:"Servir un portail."`
	Migrate migrateCmd `cmd:"" help:"Mettre la base à jour, puis s'arrêter."`
	School  schoolCmd  `cmd:"" help:"Gérer les écoles."`
	User    userCmd    `cmd:"" help:"Gérer les comptes."`
	Import  importCmd  `cmd:"" help:"Importer les listes d'une école."`
	Backup  backupCmd  `cmd:"" help:"Écrire une archive de tout, ou en vérifier une."`
	Restore restoreCmd `cmd:"" help:"Restaurer une archive dans une base vide."`
	Doctor  doctorCmd  `cmd:"" help:"Vérifier réglages, base, fichiers, courriel et mentions légales."`
	Setting settingCmd `cmd:"" help:"Lire ou écrire les réglages du portail : controller, host, dpo, trash_days."`
	Quota   quotaCmd   `cmd:"" help:"Lire ou régler la place que chacun a pour ses fichiers."`
	Bounce  bounceCmd  `cmd:"" help:"Lire sur l'entrée standard un courriel revenu (rapport de non-remise)."`
	Sheets  sheetsCmd  `cmd:"" help:"Imprimer les fiches de connexion de qui n'a pas encore de compte."`
	Version versionCmd `cmd:"" help:"Écrire la version, ou les licences."`
}

func main() {
	if media.Child() {
		return
	}
	runtime.MemProfileRate = 0 // nobody reads it, and it keeps a megabyte and a half
	var cli commands
	say := words()
	k, err := kong.New(&cli, kong.Name("marelle"), kong.Description("Marelle, un espace numérique pour l'école primaire."), kong.Help(help))
	if err != nil {
		panic(err) // cannot happen: the commands are declared above
	}
	parsed, err := k.Parse(os.Args[1:])
	if err != nil {
		command := "marelle"
		var wrong *kong.ParseError
		if errors.As(err, &wrong) && wrong.Context.Selected() != nil {
			command = wrong.Context.Selected().FullPath()
		}
		fmt.Fprintln(os.Stderr, "marelle :", usage(say, err))
		fmt.Fprintln(os.Stderr, say.T("cli.usage.help", "command", command))
		os.Exit(2)
	}
	if err := parsed.Run(); err != nil {
		for _, s := range sentences(say, err) {
			fmt.Fprintln(os.Stderr, "marelle :", s)
		}
		os.Exit(exitCode(err))
	}
}

// french replaces the parser's own words in a help text.
var french = strings.NewReplacer("Usage: ", "Usage : ", "[flags]", "[options]", "<command>", "<commande>", "\nArguments:\n", "\nArguments :\n", "\nFlags:\n", "\nOptions :\n",
	"\nCommands:\n", "\nCommandes :\n", "Show context-sensitive help.", "Montrer cette aide.", "=STRING", "=VALEUR", "<file>", "<fichier>",
	`Run "marelle <command> --help" for more information on a command.`, "Pour en savoir plus : marelle <commande> --help")

// help prints what a command is for.
func help(options kong.HelpOptions, ctx *kong.Context) error {
	var b bytes.Buffer
	to := ctx.Stdout
	ctx.Stdout = &b
	err := kong.DefaultHelpPrinter(options, ctx)
	ctx.Stdout = to
	if err != nil {
		return err
	}
	_, err = to.Write([]byte(i18n.Spaces(french.Replace(b.String()))))
	return err
}
