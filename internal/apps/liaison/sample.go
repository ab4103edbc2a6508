package liaison

import (
	"context"
	"math/rand/v2"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
)

// sampleWord is a word that any teacher could have written.
type sampleWord struct{ theme, title, text string }

var sampleWords = []sampleWord{
	{"event", "Réunion de rentrée", "Bonjour,\n\nLa réunion de rentrée aura lieu dans la classe, mardi à 17 h 30. Nous parlerons du programme, des devoirs et de la sortie de printemps.\n\nUn adulte par famille suffit. Les enfants peuvent rester à la garderie."},
	{"misc", "Bibliothèque : livres à rendre", "Pensez à glisser le livre de bibliothèque dans le cartable vendredi. Sans livre rendu, pas de nouveau livre !"},
	{"event", "Photo de classe mardi", "Le photographe passe mardi matin. Merci d’arriver à l’heure. Pas besoin de tenue particulière."},
	{"trip", "Piscine : le matériel", "La piscine commence jeudi. Dans le sac : maillot, bonnet, serviette, lunettes si votre enfant en a besoin. Tout doit être marqué à son nom."},
	{"event", "Gâteau pour la fête", "Nous cherchons des gâteaux sans fruits à coque pour vendredi. Dites-nous ce que vous pouvez apporter."},
	{"misc", "Poux : merci de vérifier les têtes", "Des poux ont été signalés dans la classe. Merci de vérifier les cheveux ce soir et de traiter si besoin. C’est l’affaire de tous."},
	{"misc", "Évaluation de lecture", "Les élèves ont lu un texte à voix haute cette semaine. Vous trouverez leur feuille dans le cahier rouge, à signer."},
	{"canteen", "Menu de la cantine", "Le menu des deux prochaines semaines est affiché à l’entrée. Jeudi : repas végétarien pour tous."},
	{"urgent", "Grève de mardi", "Une partie des enseignants sera en grève mardi. Un accueil est organisé par la mairie pour les familles qui n’ont pas d’autre solution."},
	{"trip", "Sortie au musée", "Nous irons au musée de Picardie en car. Départ à 8 h 45, retour à 16 h 15. Un pique-nique froid, une gourde, des chaussures confortables."},
	{"misc", "Vêtements oubliés", "Trois manteaux et une écharpe attendent sous le préau. Merci de passer voir s’ils sont à vous."},
	{"trip", "Rencontre sportive", "La classe participe à la rencontre d’athlétisme du secteur. Une tenue de sport et deux chaussettes de rechange."},
	{"misc", "Cahier de vie", "Le cahier de vie revient à la maison ce week-end. Racontez ensemble un moment de la semaine, un dessin suffit."},
	{"leisure", "Atelier cuisine", "Nous cuisinons une soupe de potiron jeudi. Merci d’apporter un légume de saison par enfant."},
	{"misc", "Rappel : pas de téléphone", "Un rappel : les téléphones et montres connectées restent à la maison, ou éteints dans le cartable."},
	{"leisure", "Spectacle de marionnettes", "Une compagnie vient jouer à l’école lundi matin. La coopérative offre la place à chaque élève."},
}

var sampleSchoolWords = []sampleWord{
	{"event", "Fête de l’école", "La fête de l’école aura lieu samedi à partir de 10 h. Les stands cherchent encore des bras : écrivez à l’enseignant de votre enfant."},
	{"event", "Élections des représentants de parents", "Vous pouvez voter à l’école vendredi de 8 h à 12 h, ou par correspondance avec l’enveloppe remise aux enfants."},
	{"misc", "Exercice d’évacuation", "L’exercice d’évacuation s’est bien passé : l’école a été vide en deux minutes et dix secondes. Bravo aux enfants."},
	{"urgent", "Travaux devant l’école", "La rue des Écoles sera fermée aux voitures la semaine prochaine. L’entrée se fait par le portail du parc."},
	{"urgent", "Vacances : fermeture de l’école", "L’école ferme vendredi à 16 h 30. La garderie fonctionne jusqu’à 18 h. Bonnes vacances à toutes et à tous !"},
}

// sample writes a year of words, with families that read most of them: those
// of the last days are still being read.
func sample(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time) error {
	rnd := rand.New(rand.NewPCG(7, 1789))
	classes, err := people.Classes(ctx, tx, g.School(), people.Year(now))
	if err != nil {
		return err
	}
	teachers, err := db.All[struct{ Class, Person string }](ctx, tx, `SELECT cm.class, min(cm.person) AS person FROM class_member cm JOIN class c ON c.id = cm.class
		WHERE c.school = $1 AND cm.profile = 'teacher' GROUP BY cm.class`, g.School())
	if err != nil {
		return err
	}
	of := map[string]string{}
	for _, t := range teachers {
		of[t.Class] = t.Person
	}
	head, err := db.Value[string](ctx, tx, `SELECT min(person) FROM membership WHERE school = $1 AND head`, g.School())
	if err != nil {
		return err
	}
	send := func(author string, profile rights.Profile, at time.Time, w sampleWord, to string) error {
		d := Draft{ID: id.New(), Theme: w.theme, Title: w.title, Text: w.text, To: []string{to}}
		switch w.title {
		case "Évaluation de lecture":
			d.Ask = SignOne
		case "Sortie au musée":
			d.Ask, d.Question = AskYesNo, "Pouvez-vous accompagner la classe ?"
		}
		_, err := Send(ctx, tx, core, g, author, profile, at, d)
		return err
	}
	// A school's day, at an hour when teachers write.
	hour := func(days int) time.Time {
		d := now.AddDate(0, 0, -days)
		for d.Weekday() == time.Saturday || d.Weekday() == time.Sunday {
			d = d.AddDate(0, 0, -1)
		}
		return time.Date(d.Year(), d.Month(), d.Day(), 7+rnd.IntN(9), rnd.IntN(60), 0, 0, time.UTC)
	}
	for n, w := range sampleSchoolWords {
		if err := send(head, rights.Teacher, hour(12+n*68), w, "school"); err != nil {
			return err
		}
	}
	for ci, c := range classes {
		order := rnd.Perm(len(sampleWords) - 1)
		for n := range 26 {
			w := sampleWords[1+order[n%len(order)]]
			if n == 5 { // ten weeks ago: September
				w = sampleWords[0]
			}
			at := hour(5 + n*13 + ci)
			if at.Month() == time.August || at.Month() == time.July && at.Day() > 4 {
				continue // nobody is at school
			}
			if err := send(of[c.ID], rights.Teacher, at, w, "class:"+c.ID); err != nil {
				return err
			}
		}
		w := sampleWord{"trip", "Sortie en baie de Somme, jeudi 3 décembre", "Nous partons observer les phoques jeudi 3 décembre. Départ du car à 8 h 15 devant l’école, retour à 17 h.\n\nDans le sac : un pique-nique froid, une gourde, des bottes et un manteau chaud. Merci de marquer le nom de votre enfant partout."}
		if c.Levels != "CE1" {
			w = sampleWords[1+order[(26+ci)%len(order)]]
		}
		if err := send(of[c.ID], rights.Teacher, hour(3), w, "class:"+c.ID); err != nil {
			return err
		}
		if ci%2 == 0 {
			if err := send(of[c.ID], rights.Teacher, now.Add(-time.Duration(70+ci*7)*time.Minute), sampleWords[1+order[(28+ci)%len(order)]], "class:"+c.ID); err != nil {
				return err
			}
		}
	}
	if err := sampleReceipts(ctx, tx, g, now, rnd); err != nil {
		return err
	}
	if err := sampleNotes(ctx, tx, core, g, now); err != nil {
		return err
	}
	return sampleAbsences(ctx, tx, core, g, now)
}

// sampleReceipts has active relatives read: nearly all what is old, three in
// four what is some days old, one in four what came today.
func sampleReceipts(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, rnd *rand.Rand) error {
	list, err := db.All[struct {
		Word        string
		Person      string
		Login       string
		PublishedAt int64 `db:"published_at"`
	}](ctx, tx, `SELECT DISTINCT w.id AS word, f.relative AS person, p.login, w.published_at FROM word w JOIN word_pupil wp ON wp.word = w.id
		JOIN family_link f ON f.pupil = wp.pupil JOIN person p ON p.id = f.relative
		WHERE w.school = $1 AND p.activated_at IS NOT NULL ORDER BY w.published_at, w.id, f.relative`, g.School())
	if err != nil {
		return err
	}
	var rows [][]any
	for _, r := range list {
		age := now.Sub(time.UnixMilli(r.PublishedAt))
		chance := 90
		switch {
		case age < 24*time.Hour:
			chance = 25
		case age < 7*24*time.Hour:
			chance = 66
		}
		opened := r.PublishedAt + rnd.Int64N(max(1, min(age.Milliseconds(), (30*time.Hour).Milliseconds())))
		// The family that the documentation follows has yet to read the latest.
		read := rnd.IntN(100) < chance && (r.Login != "nadia.kermadec" || age > 7*24*time.Hour)
		switch {
		case read:
			rows = append(rows, []any{r.Word, r.Person, 1, opened, opened + 60_000})
		case rnd.IntN(4) == 0 && r.Login != "nadia.kermadec":
			rows = append(rows, []any{r.Word, r.Person, 1, opened, nil})
		}
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO receipt (word, person, version, opened_at, read_at) VALUES `, "", rows); err != nil {
		return err
	}
	// One in three can come along.
	if _, err := tx.Exec(ctx, `INSERT INTO reply (word, person, asked, version, at, choice) SELECT rc.word, rc.person, 1, 1, rc.read_at,
			CASE WHEN w.ask = 'sign_one' THEN NULL WHEN rc.opened_at % 3 = 0 THEN 1 ELSE 2 END
		FROM receipt rc JOIN word w ON w.id = rc.word WHERE w.school = $1 AND w.ask <> 'read' AND rc.read_at IS NOT NULL`, g.School()); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE word_pupil SET reached_at = (SELECT min(rc.read_at) FROM receipt rc JOIN family_link f ON f.relative = rc.person
		WHERE rc.word = word_pupil.word AND f.pupil = word_pupil.pupil) WHERE word IN (SELECT id FROM word WHERE school = $1)`, g.School()); err != nil {
		return err
	}
	words, err := db.All[Item](ctx, tx, `SELECT id, school, TRUE AS stale FROM word WHERE school = $1`, g.School())
	if err != nil {
		return err
	}
	if err := Recount(ctx, tx, now, words); err != nil {
		return err
	}
	_, err = tx.Exec(ctx, `UPDATE feed SET awaits = CASE WHEN EXISTS (SELECT 1 FROM event e JOIN receipt r ON r.word = e.resource
			WHERE e.id = feed.event AND r.person = feed.person AND r.read_at IS NOT NULL) THEN FALSE ELSE awaits END,
		read_at = coalesce((SELECT r.opened_at FROM event e JOIN receipt r ON r.word = e.resource WHERE e.id = feed.event AND r.person = feed.person),
			CASE WHEN feed.at < $2 THEN feed.at ELSE NULL END)
		WHERE event IN (SELECT id FROM event WHERE school = $1)`, g.School(), now.AddDate(0, 0, -20).UnixMilli())
	return err
}
