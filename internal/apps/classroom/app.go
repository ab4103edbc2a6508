package classroom

import (
	"embed"
	"io/fs"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
)

//go:embed i18n/fr.json
var files embed.FS

// The needs of this service, besides people.ManageClass and ManageSchool.
var (
	// See is a teacher's, who sees own classes, or a head's, who sees all.
	See = rights.Can("class.list", rights.Teacher, rights.Head)
	// Charge is of whoever answers for a person: codes, the charter on paper.
	Charge = rights.OnPerson("code.issue", "id")
)

// App declares "Ma classe". It has no table of its own: it shows and changes
// the directory.
func App(core *app.Core) app.App {
	messages, err := fs.Sub(files, "i18n")
	if err != nil {
		panic(err) // the folder is embedded above
	}
	h := handler{core}
	return app.App{
		Name:     "classroom",
		Square:   app.Square{Number: 7, Path: "/classe", Icon: "chalkboard-teacher", Paint: "turquoise", For: []rights.Profile{rights.Teacher, rights.Head}},
		Messages: messages,
		Routes: func(r *app.Router) {
			manage := people.ManageClass
			r.GET("/classe", See, h.list)
			r.GET("/classe/{id}", manage, h.pupils)
			r.GET("/classe/{id}/familles", manage, h.families)
			r.GET("/classe/{id}/groupes", manage, h.groups)
			r.GET("/classe/{id}/equipe", manage, h.team)
			r.POST("/classe/{id}/equipe", manage, h.addTeacher)
			r.POST("/classe/{id}/equipe/retirer", manage, h.removeTeacher)

			r.GET("/classe/{id}/fiches", manage, h.sheets)
			r.POST("/classe/{id}/fiches", manage, h.print)
			r.GET("/ecole/fiches", people.ManageSchool, h.schoolSheets)
			r.POST("/ecole/fiches", people.ManageSchool, h.printSchool)

			r.GET("/classe/{id}/eleves/nouveau", manage, h.newPupil)
			r.POST("/classe/{id}/eleves/nouveau", manage, h.addPupil)
			r.GET("/classe/{id}/eleve/{eleve}", manage, h.pupil)
			r.POST("/classe/{id}/eleve/{eleve}/retirer", manage, h.removePupil)
			r.POST("/classe/{id}/eleve/{eleve}/remettre", manage, h.restorePupil)
			r.POST("/classe/{id}/eleve/{eleve}/responsable", manage, h.newRelative)
			r.POST("/classe/{id}/eleve/{eleve}/rattacher", manage, h.attach)
			r.POST("/classe/{id}/eleve/{eleve}/detacher", manage, h.detach)

			r.GET("/classe/{id}/groupes/nouveau", manage, h.newGroup)
			r.POST("/classe/{id}/groupes/nouveau", manage, h.createGroup)
			r.GET("/classe/{id}/groupe/{groupe}", manage, h.group)
			r.POST("/classe/{id}/groupe/{groupe}", manage, h.saveGroup)
			r.POST("/classe/{id}/groupe/{groupe}/supprimer", manage, h.deleteGroup)
			r.POST("/classe/{id}/groupe/{groupe}/retablir", manage, h.restoreGroup)

			r.GET("/classe/personne/{id}/nom/corriger", people.CorrectName, h.nameForm)
			r.POST("/classe/personne/{id}/nom/corriger", people.CorrectName, h.saveName)
			r.GET("/classe/personne/{id}/code/nouveau", Charge, h.confirmCode)
			r.POST("/classe/personne/{id}/code/nouveau", Charge, h.reissue)
			r.POST("/classe/personne/{id}/code/fiche", Charge, h.printOne)
			r.POST("/classe/personne/{id}/charte/papier", Charge, h.charter)
		},
	}
}

func path(class string, more ...string) string {
	p := "/classe/" + class
	for _, m := range more {
		p += "/" + m
	}
	return p
}
