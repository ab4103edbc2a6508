package ui

import (
	"net/http"
	"strings"

	"github.com/a-h/templ"
)

// KitHandler shows the kit and one sample of each layout, for demonstrations
// and tests: /kit, /kit/service, /kit/service-eleve, /kit/accueil, /kit/neuf
// (nine squares, one empty, banners, a toast), /kit/eleve, /kit/connexion,
// /kit/activation, /kit/erreur, /kit/nue. The query chooses a theme: ?theme=,
// ?lecture=, ?saison=, ?econome=1. The catalogue must be in the request's
// context. The people are those of the sample school; they are data, not
// messages.
func KitHandler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := sampleShell()
		q := r.URL.Query()
		s.Theme = oneOf(q.Get("theme"), "clair", "sombre", "contraste")
		s.Reading = oneOf(q.Get("lecture"), "debutant", "dyslexie")
		s.Season = oneOf(q.Get("saison"), "automne", "hiver", "printemps", "ete")
		s.Frugal = q.Get("econome") == "1"
		var page templ.Component
		status := http.StatusOK
		switch strings.Trim(strings.TrimPrefix(r.URL.Path, "/kit"), "/") {
		case "":
			page = Kit(s)
		case "service":
			s.Title, s.Current = "Carnet de liaison", "carnet"
			s.Tabs[0].Current, s.Tabs[1].Current = false, true
			page = kitService(s)
		case "service-eleve":
			s = samplePupil(s)
			s.Title, s.Current = "Mes mots", "carnet"
			s.Tabs[0].Current, s.Tabs[2].Current = false, true
			page = kitService(s)
		case "neuf":
			s.Title, s.Current = "Accueil", "home"
			s.Squares = append(s.Squares,
				Square{Number: 7, Key: "classe", Label: "Ma classe", Href: "/kit/service", Icon: "chalkboard-teacher", Paint: "turquoise"},
				Square{Number: 8, Key: "vide", Label: "Sondages"},
				Square{Number: 9, Key: "ecole", Label: "École", Href: "/kit/service", Icon: "users", Paint: "ciel", Count: 120})
			s.Squares[4].Href = ""
			s.Demo, s.Banner = true, "Le service sera coupé mercredi de 18 h à 19 h."
			s.Toast = &Toast{Text: "Mot publié", Undo: "#"}
			page = kitHome(s)
		case "accueil":
			s.Title, s.Current = "Accueil", "home"
			page = kitHome(s)
		case "eleve":
			page = kitPupil(samplePupil(s))
		case "connexion":
			s.Title, s.Signed = "Se connecter", false
			page = kitSignIn(s)
		case "activation":
			s.Title, s.Signed = "Activer mon compte", false
			page = kitActivation(s, Steps{Labels: sampleSteps(), Current: 4})
		case "erreur":
			status = http.StatusNotFound
			s.Title = "Page introuvable"
			page = ErrorPage(s, status, "Cette case est vide", "La page que vous cherchez n’existe pas, ou elle n’est pas pour vous.", "4F2A", Link{}, Kept{})
		case "nue":
			s.Title = "Fiches à remettre"
			page = kitBare(s)
		default:
			http.NotFound(w, r)
			return
		}
		templ.Handler(page, templ.WithStatus(status)).ServeHTTP(w, r)
	})
}

func oneOf(v string, allowed ...string) string {
	for _, a := range allowed {
		if a == v {
			return v
		}
	}
	return ""
}

func sampleSquares() []Square {
	return []Square{
		{Number: 1, Key: "carnet", Label: "Carnet de liaison", Href: "/kit/service", Icon: "notebook", Picto: "mots", Paint: "jaune", Count: 2},
		{Number: 2, Key: "textes", Label: "Cahier de textes", Href: "/kit/service", Icon: "book-open-text", Picto: "travail", Paint: "vert"},
		{Number: 3, Key: "messages", Label: "Messagerie", Href: "/kit/service", Icon: "envelope-simple", Picto: "messages", Paint: "ciel", Count: 1},
		{Number: 4, Key: "blog", Label: "Blog", Href: "/kit/service", Icon: "images-square", Picto: "blog", Paint: "rose", Count: 1},
		{Number: 5, Key: "cahiers", Label: "Cahier multimédia", Href: "/kit/service", Icon: "play-circle", Picto: "cahiers", Paint: "lilas"},
		{Number: 6, Key: "documents", Label: "Documents", Href: "/kit/service", Icon: "folder-open", Picto: "cartable", Paint: "orange"},
	}
}

func sampleShell() Shell {
	return Shell{
		Title: "Composants", Portal: "Marelle", School: "École des Marronniers, Saint-Ravy-sur-Lys",
		Signed: true, Name: "Nadia Kermadec", Caption: "Mère d’Inès et de Yanis", Initials: "NK", AvatarPaint: "rose",
		Unread: 3, Squares: sampleSquares(),
		Extra: []Link{{Label: "Réglages", Href: "/compte", Icon: "gear-six"}, {Label: "Aide", Href: "/aide", Icon: "lifebuoy"}, {Label: "Se déconnecter", Href: "/deconnexion", Icon: "sign-out", Post: true}},
		Tabs: []Tab{
			{Label: "Accueil", Href: "/kit/accueil", Icon: "house-simple", Paint: "jaune", Current: true},
			{Label: "Carnet", Href: "/kit/service", Icon: "notebook", Paint: "jaune", Count: 2},
			{Label: "Textes", Href: "/kit/service", Icon: "book-open-text", Paint: "vert"},
			{Label: "Messages", Href: "/kit/service", Icon: "envelope-simple", Paint: "ciel", Count: 1},
			{Label: "Cases", Href: "/kit/accueil#services", Icon: "squares-four"},
		},
	}
}

func samplePupil(s Shell) Shell {
	s.Title, s.Pupil, s.Name, s.Caption, s.Avatar = "Accueil", true, "Inès", "CE1 B", "renard"
	if s.Reading == "" {
		s.Reading = "debutant"
	}
	s.Squares = sampleSquares()
	for i, l := range []string{"Mes mots", "Mon travail", "Mes messages", "Le blog", "Mes cahiers", "Mon cartable"} {
		s.Squares[i].Label = l
		s.Squares[i].Count = 0
	}
	s.Squares[1].Count, s.Squares[2].Count = 2, 1
	s.Tabs = []Tab{
		{Label: "Cases", Href: "/kit/eleve", Icon: "squares-four", Paint: "jaune", Current: true},
		{Label: "Travail", Href: "/kit/service", Icon: "book-open-text", Paint: "vert"},
		{Label: "Messages", Href: "/kit/service", Icon: "envelope-simple", Paint: "ciel"},
		{Label: "Moi", Href: "/compte", Icon: "user-circle", Paint: "ciel"},
	}
	return s
}

func sampleSteps() []string {
	return []string{"Identifiant", "Code", "Charte", "Mot de passe", "E-mail"}
}

func sampleWeek() []Day {
	return []Day{
		{Name: "Lundi", Short: "lun", Number: "23", Href: "#", Today: true, Lessons: []Lesson{
			{Subject: "Lecture", Paint: "ciel", Text: "Le loup dans la bergerie, épisode 3. Qui parle ? On souligne."},
			{Subject: "Chant", Paint: "rose", Text: "« Les phoques de la baie », couplet 1.", Links: []Link{{Label: "Écouter", Href: "#", Icon: "play-circle"}}},
			{Subject: "Pour demain", Paint: "lilas", Tasks: []DayTask{{Name: "fait", Value: "1", Text: "Relire la page 24 à voix haute"}, {Name: "fait", Value: "2", Text: "Table de 3", Done: true}}},
		}},
		{Name: "Mardi", Short: "mar", Number: "24", Href: "#", Lessons: []Lesson{
			{Subject: "Sciences", Paint: "vert", Text: "Le phoque : ce qu’il mange, où il dort.", Links: []Link{{Label: "Fiche du phoque", Href: "#", Icon: "paperclip"}}},
			{Subject: "Sport", Paint: "orange", Text: "Gymnase, chaussures propres."},
		}},
		{Name: "Mercredi", Short: "mer", Number: "25", Href: "#", Off: true},
		{Name: "Jeudi", Short: "jeu", Number: "26", Href: "#", Lessons: []Lesson{{Subject: "Mesures", Paint: "jaune", Text: "Un pas, un mètre : on mesure la cour."}}},
		{Name: "Vendredi", Short: "ven", Number: "27", Href: "#", Lessons: []Lesson{{Subject: "Conseil", Paint: "turquoise", Text: "Les métiers de la semaine changent."}}},
	}
}

func sampleMails() []Mail {
	return []Mail{
		{Href: "#", From: "Nadia Kermadec", When: "9 h 42", Subject: "Pique-nique d’Inès", Excerpt: "Bonjour, Inès est allergique aux noix, je…", Person: Person{Initials: "NK", Paint: "rose"}, Unread: true, Current: true},
		{Href: "#", From: "Conseil des maîtres", When: "dim.", Subject: "Ordre du jour de mardi", Excerpt: "Trois points : la kermesse, les APC, le…", Icon: "users", Unread: true},
		{Href: "#", From: "Odile Marchand", When: "ven.", Subject: "Exercice d’évacuation", Excerpt: "Il aura lieu dans la semaine du 30. Merci…", Person: Person{Initials: "OM", Paint: "lilas"}},
	}
}

func sampleFiles() []File {
	return []File{
		{ID: "1", Name: "Autorisation-baie-de-somme.pdf", Href: "#", Icon: "file-pdf", Paint: "orange", Who: "Familles de CE1 B", WhoPaint: "jaune", WhoIcon: "users", Changed: "20 novembre", Size: "240 Ko", Chosen: true},
		{ID: "2", Name: "Episode-3-le-loup.odt", Href: "#", Icon: "file-text", Paint: "ciel", Who: "Vous seule", WhoPaint: "neutre", WhoIcon: "lock-key", Changed: "19 novembre", Size: "86 Ko"},
		{ID: "3", Name: "Chanson-des-phoques.mp3", Href: "#", Icon: "file-audio", Paint: "lilas", Who: "Élèves de CE1 B", WhoPaint: "vert", WhoIcon: "student", Changed: "16 novembre", Size: "3,2 Mo"},
	}
}

func sampleWords() []WordRow {
	return []WordRow{
		{Href: "#", Title: "Sortie en baie de Somme", Flag: "3 à relancer", Reading: &Reading{Done: 24, Total: 27, Mini: true}, Current: true},
		{Href: "#", Title: "Photo de classe mardi", Reading: &Reading{Done: 27, Total: 27, Mini: true}},
		{Href: "#", Title: "Poux : vérifier les têtes", Caption: "Yanis · M. Lerouge · aujourd’hui", ToRead: true},
		{Href: "#", Title: "Goûter du vendredi", Caption: "Yanis · lu le 12 novembre", Read: true},
	}
}

func sampleBands() []Band {
	return []Band{
		{Key: "carnet", Label: "Carnet de liaison", Icon: "notebook", Paint: "jaune", Name: "tout-carnet", Lines: []BandLine{{SwitchProps: SwitchProps{Name: "mot", Label: "Un nouveau mot", On: true}, Choice: FieldProps{Name: "mot-courriel", Label: "E-mail pour un nouveau mot", Value: "1", Options: []Option{{Value: "1", Label: "Tout de suite"}, {Value: "2", Label: "Jamais"}}}}, {SwitchProps: SwitchProps{Name: "date", Label: "Un mot à signer approche de sa date", Help: "La veille, à 18 h", On: true}}}},
		{Key: "blog", Label: "Blog", Icon: "images-square", Paint: "rose", Name: "tout-blog", Lines: []BandLine{{SwitchProps: SwitchProps{Name: "billet", Label: "Un nouveau billet", On: true}}, {SwitchProps: SwitchProps{Name: "commentaire", Label: "Un commentaire sur un billet"}}, {SwitchProps: SwitchProps{Name: "reponse", Label: "Une réponse à votre commentaire", On: true}}}},
		{Key: "textes", Label: "Cahier de textes", Icon: "book-open-text", Paint: "vert", Name: "tout-textes", Off: true, Lines: []BandLine{{SwitchProps: SwitchProps{Name: "travail", Label: "Un travail à faire", Help: "Chaque jour d’école, à 17 h", Disabled: true}}}},
	}
}

func sampleChildren() []ChildTab {
	return []ChildTab{
		{Href: "?", Name: "Tous", Current: true},
		{Href: "?", Name: "Inès", Class: "CE1 B", Person: Person{Animal: "renard"}},
		{Href: "?", Name: "Yanis", Class: "MS", Person: Person{Animal: "ours"}},
	}
}
