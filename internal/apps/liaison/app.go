package liaison

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/jobs"
)

//go:embed migrations/*.sql i18n/fr.json
var files embed.FS

func sub(dir string) fs.FS {
	f, err := fs.Sub(files, dir)
	if err != nil {
		panic(err) // the folder is embedded above
	}
	return f
}

// everybody is how those who receive a word, or follow it, are told at first.
var everybody = map[rights.Profile]notify.Choice{
	rights.Relative: {Push: true, Mail: notify.Once},
	rights.Pupil:    {Push: true, Mail: notify.Never},
	rights.Teacher:  {Mail: notify.Never},
	rights.Staff:    {Mail: notify.Never},
	rights.Head:     {Mail: notify.Never},
}

// App declares the carnet de liaison.
func App(core *app.Core) app.App {
	h := handler{core}
	return app.App{
		Name:   "liaison",
		Square: app.Square{Number: 1, Path: "/carnet", Icon: "notebook", Picto: "mots", Paint: "jaune"},
		Kinds: []app.Kind{{
			Kind: Word, Path: path,
			Act:      func(id string) string { return path(id) + "/lu" },
			Asks:     asked(),
			Undo:     func(id string) string { return path(id) + "/annuler" },
			ActLabel: "liaison.read", ReadLabel: "liaison.open",
			Texts: texts,
		}, {
			Kind: Note, Path: notePath, ReadLabel: "liaison.open", Texts: noteTexts,
		}, {
			Kind: Absence, Path: absencePath, ReadLabel: "liaison.open",
		}, {
			Kind: Unsent, Path: func(string) string { return atDrafts }, ReadLabel: "liaison.open", Apart: true,
		}},
		Told: []notify.Told{{
			Kind: string(Word), Label: "liaison.told.word", Text: "liaison.told.word.text", Many: "liaison.told.many", For: everybody,
		}, {
			Kind: Corrected, Label: "liaison.told.corrected", Text: "liaison.told.corrected.text", Line: "liaison.told.corrected.line", For: everybody,
		}, {
			Kind: Delegated, Label: "liaison.told.delegated", Text: "liaison.told.delegated.text", Line: "liaison.told.delegated.line",
			For: map[rights.Profile]notify.Choice{rights.Teacher: {Push: true, Mail: notify.Once}, rights.Staff: {Push: true, Mail: notify.Once}, rights.Head: {Push: true, Mail: notify.Once}},
		}, {
			Kind: string(Unsent), Label: "liaison.told.unsent", Text: "liaison.told.unsent.text", Line: "liaison.told.unsent.line",
			For: map[rights.Profile]notify.Choice{rights.Teacher: {Push: true, Mail: notify.Once}, rights.Staff: {Push: true, Mail: notify.Once}, rights.Head: {Push: true, Mail: notify.Once}},
		}, {
			Kind: Reminder, Label: "liaison.told.reminder", Text: "liaison.told.reminder.text", Line: "liaison.told.reminder.line",
			For: map[rights.Profile]notify.Choice{rights.Relative: {Push: true, Mail: notify.Once}},
		}, {
			Kind: string(Note), Label: "liaison.told.note", Text: "liaison.told.note.text",
			For: map[rights.Profile]notify.Choice{
				rights.Teacher: {Push: true, Mail: notify.Daily},
				rights.Staff:   {Push: true, Mail: notify.Daily},
				rights.Head:    {Push: true, Mail: notify.Daily},
			},
		}, {
			Kind: NoteAnswer, Label: "liaison.told.answer", Text: "liaison.told.answer.text", Line: "liaison.told.answer.line",
			For: map[rights.Profile]notify.Choice{rights.Relative: {Push: true, Mail: notify.Once}},
		}, {
			Kind: string(Absence), Label: "liaison.told.absence", Text: "liaison.told.absence.text",
			For: map[rights.Profile]notify.Choice{
				rights.Teacher: {Push: true, Mail: notify.Never},
				rights.Staff:   {Mail: notify.Never},
				rights.Head:    {Mail: notify.Never},
			},
		}},
		Routes: func(r *app.Router) {
			r.GET("/carnet", rights.SignedIn, h.list)
			r.GET("/carnet/nouveau", Write, h.compose)
			r.POST("/carnet", Write, h.send)
			r.GET("/carnet/ecrire", WriteNote, h.writeNote)
			r.POST("/carnet/ecrire", WriteNote, h.sendNote)
			r.GET("/carnet/echanges", ListNotes, h.notes)
			r.GET("/echange/{id}", NoteReading, h.note)
			r.POST("/echange/{id}/message", NoteAnswering, h.answerNote)
			r.POST("/echange/{id}/annuler", NoteAnswering, h.undoNote)
			r.GET("/carnet/absences", ListAbsences, h.absences)
			r.GET("/carnet/absence", Announce, h.announce)
			r.POST("/carnet/absence", Announce, h.sendAbsence)
			r.GET("/absence/{id}", AbsenceReading, h.absence)
			r.POST("/absence/{id}", AbsenceChanging, h.changeAbsence)
			r.POST("/absence/{id}/retirer", AbsenceChanging, h.withdrawAbsence)
			r.POST("/absence/{id}/vu", AbsenceNoting, h.noteAbsence)
			r.POST(atSave, Write, h.save)
			r.POST(atDrop, Write, h.drop)
			r.POST(atUndrop, Write, h.undrop)
			r.GET(atPreview, Write, h.preview)
			r.POST(atPlan, Write, h.plan)
			r.POST(atUnplan, Write, h.unplan)
			r.POST(atSendNow, Write, h.sendNow)
			r.GET("/carnet/{id}", Reading, h.show)
			r.POST("/carnet/{id}/lu", Reading, h.confirm)
			r.POST("/carnet/{id}/reponse", Reading, h.answer)
			r.POST("/carnet/{id}/annuler", Reading, h.undo)
			r.POST("/carnet/{id}/relance", Follow, h.remind)
			r.GET("/carnet/{id}/corriger", Manage, h.correctForm)
			r.POST("/carnet/{id}/corriger", Manage, h.correct)
			r.POST("/carnet/{id}/reprendre", Manage, h.unsend)
			r.GET("/carnet/{id}/confier", Manage, h.delegates)
			r.POST("/carnet/{id}/confier", Manage, h.delegate)
			r.POST("/carnet/{id}/confier/retirer", Manage, h.undelegate)
			r.POST("/carnet/{id}/dupliquer", Manage, h.duplicate)
			r.GET("/carnet/{id}/apercu", Follow, h.previewOf)
			r.GET("/carnet/{id}/suivi", Follow, h.track)
			r.GET("/carnet/{id}/suivi.csv", Follow, h.export)
			r.POST("/carnet/{id}/nouveaux", Follow, h.welcome)
			r.GET("/carnet/{id}/talons", Follow, h.slips)
			r.POST("/carnet/{id}/talons", Follow, h.noteSlip)
			r.POST("/carnet/{id}/talons/imprimer", Follow, h.print)
			r.POST("/carnet/{id}/talons/annuler", Follow, h.unnote)
			r.GET("/carnet/talon", rights.SignedIn, h.scanned)
			r.POST("/carnet/talon", rights.SignedIn, h.openSlip)
		},
		Migrations: sub("migrations"),
		Messages:   sub("i18n"),
		Tile:       h.tile,
		Export:     Export,
		Erase: func(ctx context.Context, tx *db.Tx, g rights.Grant, person string) error {
			return Erase(ctx, tx, core, g, person)
		},
		Merge: func(ctx context.Context, tx *db.Tx, g rights.Grant, winner, loser string) error {
			return Merge(ctx, tx, core, g, winner, loser)
		},
		Jobs: []jobs.Kind{
			jobs.Handle(func(ctx context.Context, s sending) error {
				if s.Draft != "" {
					return sendOne(ctx, core, s.Draft)
				}
				return SendDue(ctx, core)
			}),
			jobs.Handle(func(ctx context.Context, _ forgetting) error { return forgetRest(ctx, core) }),
			jobs.Handle(func(ctx context.Context, _ recalling) error { return RecallDue(ctx, core) }),
		},
		Periodic: []jobs.Every{
			{Interval: time.Minute, Args: func() jobs.Args { return sending{} }}, // a restored queue has lost the hours
			{Interval: 5 * time.Minute, Args: func() jobs.Args { return recalling{} }},
		},
		Retain: func(ctx context.Context, tx *db.Tx, g rights.Grant) error {
			now := core.Clock.Now()
			if err := retainNotes(ctx, tx, core, g, now); err != nil {
				return err
			}
			if err := retainAbsences(ctx, tx, g, now); err != nil {
				return err
			}
			return Retain(ctx, tx, g, now)
		},
		Sample: func(ctx context.Context, tx *db.Tx, g rights.Grant) error {
			return sample(ctx, tx, core, g, core.Clock.Now())
		},
	}
}

func path(id string) string { return "/carnet/" + id }
