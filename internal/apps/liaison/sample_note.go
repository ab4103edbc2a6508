package liaison

import (
	"context"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
)

// sampleNotes has some families of a class write to its teacher, and one of
// them answered.
func sampleNotes(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time) error {
	families, err := db.All[struct{ Relative, Pupil, Teacher, Login string }](ctx, tx, `SELECT f.relative, f.pupil, (SELECT min(t.person) FROM class_member t WHERE t.class = cm.class AND t.profile = 'teacher') AS teacher, p.login
		FROM class_member cm JOIN class c ON c.id = cm.class JOIN family_link f ON f.pupil = cm.person JOIN person p ON p.id = f.relative
		WHERE c.school = $1 AND c.label = 'CE1 B' AND cm.profile = 'pupil' AND p.activated_at IS NOT NULL ORDER BY CASE WHEN p.login = 'nadia.kermadec' THEN 0 ELSE 1 END, p.login LIMIT 3`, g.School())
	if err != nil {
		return err
	}
	said := []struct {
		days       int
		text, then string
	}{
		{6, "Bonjour,\n\nInès a perdu une dent ce matin, elle sera peut-être un peu triste. Pouvez-vous garder un œil sur elle à la récréation ?", "Bonjour,\n\nMerci de m’avoir prévenue. Tout s’est bien passé, elle a montré sa dent à toute la classe."},
		{1, "Bonjour, je cherche le pull rouge que mon enfant a laissé à l’école vendredi. L’avez-vous vu ?", ""},
		{0, "Bonjour, serait-il possible de se voir un soir de la semaine pour parler de la lecture ?", ""},
	}
	for i, f := range families {
		at := now.AddDate(0, 0, -said[i].days).Add(-time.Duration(3+i) * time.Hour)
		parent := &rights.Viewer{Person: f.Relative, Now: at, Memberships: []rights.Membership{{School: g.School(), Profile: rights.Relative}}}
		note, err := begin(ctx, tx, core, g, parent, at, NoteDraft{ID: id.New(), Pupil: f.Pupil, Text: said[i].text})
		if err != nil {
			return err
		}
		if said[i].then == "" {
			continue
		}
		at = at.Add(2 * time.Hour)
		if err := seen(ctx, tx, note, f.Teacher, 1, at); err != nil {
			return err
		}
		if err := say(ctx, tx, core, g, &rights.Viewer{Person: f.Teacher, Now: at}, at, note, NoteDraft{ID: id.New(), Text: said[i].then}); err != nil {
			return err
		}
		if err := seen(ctx, tx, note, f.Relative, 2, at.Add(time.Hour)); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `UPDATE feed SET read_at = $2 WHERE resource = $1`, note, at.Add(time.Hour).UnixMilli()); err != nil {
			return err
		}
	}
	return nil
}
