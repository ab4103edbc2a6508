package ui

import (
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/a-h/templ"

	"marelle/internal/platform/richtext"
)

// KitHandler shows the kit and one sample of each layout, for demonstrations
// and tests: /kit, /kit/service, /kit/service-eleve, /kit/accueil, /kit/neuf
// (nine squares, one empty, banners, a toast), /kit/eleve, /kit/connexion,
// /kit/activation, /kit/erreur, /kit/refus, /kit/panne, /kit/nue, and the windows that take a
// page: /kit/partage, /kit/fichiers, /kit/choisir, /kit/retouche, each as it comes
// back refused at -refus. /kit/direct says that two things arrived. The query chooses a theme: ?theme=,
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
		fragment := r.Header.Get("Marelle-Fragment") != ""
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
			s.Title, s.Current, s.Scripts = "Accueil", "home", []string{Asset("home.js")}
			s.Squares = append(s.Squares,
				Square{Number: 7, Key: "classe", Label: "Ma classe", Href: "/kit/service", Icon: "chalkboard-teacher", Paint: "turquoise"},
				Square{Number: 8, Key: "vide", Label: "Sondages"},
				Square{Number: 9, Key: "ecole", Label: "École", Href: "/kit/service", Icon: "users", Paint: "ciel", Count: 120})
			s.Squares[4].Href = ""
			s.Demo, s.Banner = true, "Le service sera coupé mercredi de 18 h à 19 h."
			s.Toast = &Toast{Text: "Mot publié", Undo: "#"}
			page = kitHome(s)
		case "accueil":
			s.Title, s.Current, s.Scripts = "Accueil", "home", []string{Asset("home.js")}
			page = kitHome(s)
			if fragment {
				page = kitEarlier()
			}
		case "eleve":
			s.Scripts = []string{Asset("home.js")}
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
		case "refus":
			status = http.StatusUnauthorized
			s.Title, s.Signed = "Il faut se connecter", false
			page = ErrorPage(s, status, "Il faut se connecter", "Votre connexion a pris fin.", "", Link{}, Kept{Text: "Sortie à la mer\n\nDépart à 8 h.", Again: "/kit", SignIn: "/kit/connexion", Files: true})
		case "refus-eleve":
			status = http.StatusTooManyRequests
			s.Title = "Trop d’essais"
			page = ErrorPage(s, status, "Trop d’essais", "Essaie encore dans une minute.", "", Link{}, Kept{Text: "Bonjour tout le monde", Again: "/kit", Pupil: true})
		case "panne":
			status = http.StatusServiceUnavailable
			s.Title, s.Signed = "Trop de monde", false
			page = ErrorPage(s, status, "Il y a du monde dans la cour", "Réessayez dans une minute.", "", Link{Label: "Réessayer", Href: "/kit/panne", Icon: "arrow-clockwise"}, Kept{})
		case "partage":
			s.Title = "Partager"
			page = kitShare(s, sampleShare())
			if q.Has("qui") {
				page = ShareProposals(sampleProposals())
			}
		case "partage-refus":
			s.Title = "Partager"
			page = kitShare(s, refusedShare())
		case "fichiers":
			s.Title = "Joindre des fichiers"
			page = kitFiles(s, "")
		case "fichiers-refus":
			s.Title = "Joindre des fichiers"
			page = kitFiles(s, "Cinq fichiers au plus.")
		case "choisir":
			s.Title = "Choisir dans mes documents"
			page = kitPick(s, samplePicker(), fragment)
		case "choisir-refus":
			s.Title = "Choisir dans mes documents"
			page = kitPick(s, refusedPicker(), fragment)
		case "retouche":
			s.Title, s.Scripts, s.Styles = "Retoucher une image", []string{Asset("picture.js")}, []string{Asset("page-picture.css")}
			page = kitRetouch(s, PictureProps{Action: "#", Back: "/kit", Src: Asset("scenes/phoques.svg"), Width: 400, Height: 300, Alt: "Trois phoques sur un banc de sable"})
		case "retouche-refus":
			s.Title, s.Scripts, s.Styles = "Retoucher une image", []string{Asset("picture.js")}, []string{Asset("page-picture.css")}
			page = kitRetouch(s, PictureProps{Action: "#", Back: "/kit", Src: Asset("scenes/phoques.svg"), Width: 400, Height: 300, Done: []string{"turn 1"}, Error: "L’image a changé entre-temps : refaites vos gestes.", AltError: "300 signes au plus.", Keep: true, Kept: true})
		case "direct":
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "event: arrive\ndata: {\"plus\":2,\"services\":{\"carnet\":3,\"messages\":1,\"blog\":1}}\n\nevent: fin\ndata:\n\n")
			return
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

func sampleBoards() []Link {
	return []Link{
		{Label: "Accueil", Href: "/kit/accueil"}, {Label: "Accueil, neuf cases", Href: "/kit/neuf"}, {Label: "Accueil d’un élève", Href: "/kit/eleve"},
		{Label: "Service", Href: "/kit/service"}, {Label: "Service, élève", Href: "/kit/service-eleve"},
		{Label: "Connexion", Href: "/kit/connexion"}, {Label: "Activation", Href: "/kit/activation"},
		{Label: "Partage", Href: "/kit/partage"}, {Label: "Partage refusé", Href: "/kit/partage-refus"},
		{Label: "Fichiers", Href: "/kit/fichiers"}, {Label: "Fichiers refusés", Href: "/kit/fichiers-refus"},
		{Label: "Choisir un document", Href: "/kit/choisir"}, {Label: "Choisir, refusé", Href: "/kit/choisir-refus"},
		{Label: "Retouche", Href: "/kit/retouche"}, {Label: "Retouche refusée", Href: "/kit/retouche-refus"},
		{Label: "Page introuvable", Href: "/kit/erreur"}, {Label: "Texte rendu", Href: "/kit/refus"}, {Label: "Texte rendu à un élève", Href: "/kit/refus-eleve"}, {Label: "Trop de monde", Href: "/kit/panne"}, {Label: "Page à imprimer", Href: "/kit/nue"},
	}
}

func sampleProposals() []ShareChoice {
	return []ShareChoice{
		{Value: "class:ce1b", Label: "Familles de CE1 B", Icon: "users"},
		{Value: "person:thomas", Label: "Thomas Lerouge", Help: "Enseignant de moyenne section", Person: &Person{Initials: "TL", Paint: "turquoise", Size: "p"}, Starred: true},
	}
}

func sampleRoles() FieldProps {
	return FieldProps{Name: "role", Label: "Ce qu’ils peuvent faire", Value: "lire", Options: []Option{{Value: "lire", Label: "Lire", Help: "Ouvrir et télécharger"}, {Value: "ecrire", Label: "Modifier", Help: "Ajouter, renommer, ranger"}}}
}

func sampleShare() ShareProps {
	return ShareProps{
		Action: "#", Propose: "/kit/partage?qui=1", Words: "ler", Searched: true, Roles: sampleRoles(), Tell: true,
		Found:  []ShareChoice{{Value: "person:thomas", Label: "Thomas Lerouge", Help: "Enseignant de moyenne section", Person: &Person{Initials: "TL", Paint: "turquoise", Size: "p"}, Checked: true}},
		Stars:  []ShareChoice{{Value: "person:odile", Label: "Odile Marchand", Help: "Enseignante de CM2", Person: &Person{Initials: "OM", Paint: "lilas", Size: "p"}, Starred: true}},
		Mine:   []ShareChoice{{Value: "class:ce1b", Label: "Familles de CE1 B", Icon: "users"}, {Value: "pupils:ce1b", Label: "Élèves de CE1 B", Icon: "student"}},
		Others: []ShareChoice{{Value: "school", Label: "Toute l’école", Help: "Familles, élèves et équipe", Icon: "users"}},
		Rows: []ShareRow{
			{Label: "Familles de CE1 B", Icon: "users", Role: "Lire", Action: "#", Value: "class:ce1b"},
			{Label: "Thomas Lerouge", Person: &Person{Initials: "TL", Paint: "turquoise"}, Role: "Modifier", From: "par le dossier Lecture", FromHref: "#"},
		},
	}
}

// refusedShare is a thing that nobody else has, asked for nobody.
func refusedShare() ShareProps {
	roles := sampleRoles()
	roles.Value, roles.Error = "", "Choisissez ce qu’ils peuvent faire."
	return ShareProps{Action: "#", Propose: "/kit/partage?qui=1", Words: "zzzz", Searched: true, Error: "Choisissez au moins une personne ou un groupe.", Roles: roles}
}

func samplePicker() PickerProps {
	return PickerProps{
		Action: "#", Search: "/kit/choisir", Fixed: url.Values{"pour": {"mot"}}, Most: 5, Next: "/kit/choisir?page=2", Back: "/kit/fichiers",
		Places: []Tab{{Label: "Mes documents", Href: "/kit/choisir", Current: true}, {Label: "Partagés avec moi", Href: "/kit/choisir-refus"}},
		Way:    []Crumb{{Label: "Lecture", Href: "/kit/choisir"}}, Here: "Le loup",
		Files: []PickerFile{
			{Name: "Dessins", Caption: "8 documents", Icon: "folder-open", Paint: "orange", Href: "/kit/choisir"},
			{ID: "1", Name: "Autorisation-baie-de-somme.pdf", Caption: "240 Ko", Icon: "file-pdf", Paint: "orange", Chosen: true},
			{ID: "2", Name: "Trois-phoques.jpg", Caption: "1,4 Mo", Thumb: Asset("scenes/phoques.svg")},
			{ID: "3", Name: "Logiciel.exe", Icon: "file-text", Paint: "ciel", Unfit: true},
		},
	}
}

// refusedPicker is a search that found nothing, sent without anything chosen.
func refusedPicker() PickerProps {
	return PickerProps{Action: "#", Search: "/kit/choisir", Words: "zzzz", Most: 5, Error: "Choisissez au moins un document.", Places: []Tab{{Label: "Mes documents", Href: "/kit/choisir"}, {Label: "Partagés avec moi", Href: "/kit/choisir-refus", Current: true}}}
}

func sampleVignettes() []File {
	return []File{
		{ID: "4", Name: "Trois-phoques.jpg", Href: "#", Icon: "image", Paint: "rose", Thumb: Asset("scenes/phoques.svg"), Who: "Familles de CE1 B", Chosen: true},
		{ID: "5", Name: "Autorisation-baie-de-somme.pdf", Href: "#", Icon: "file-pdf", Paint: "orange", Who: "Vous seule"},
		{ID: "6", Name: "Chanson-des-phoques.mp3", Href: "#", Icon: "file-audio", Paint: "lilas", Who: "Élèves de CE1 B"},
		{ID: "7", Name: "Le-petit-train-de-la-baie.png", Href: "#", Icon: "image", Paint: "rose", Thumb: Asset("scenes/train.svg"), Who: "Vous seule"},
	}
}

// sampleEditor is a text with a form.
func sampleEditor() EditorProps {
	rich := richtext.Clean("<p>Bonjour à <strong>tous</strong>,</p><ul><li><p>des bottes</p></li><li><p>un manteau chaud</p></li></ul>")
	return EditorProps{FieldProps: FieldProps{Name: "message-forme", Label: "Message mis en forme", Value: richtext.Text(rich)}, Rich: rich}
}
