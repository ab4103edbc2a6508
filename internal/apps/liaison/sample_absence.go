package liaison

import (
	"context"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
)

// sampleAbsences has some families announce an absence of today, and one an
// appointment of later.
func sampleAbsences(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time) error {
	families, err := db.All[struct{ Relative, Pupil, Zone string }](ctx, tx, `SELECT min(f.relative) AS relative, f.pupil, s.timezone AS zone FROM class_member cm JOIN class c ON c.id = cm.class JOIN school s ON s.id = c.school
		JOIN family_link f ON f.pupil = cm.person JOIN person p ON p.id = f.relative JOIN person k ON k.id = f.pupil
		WHERE c.school = $1 AND c.label IN ('CE1 B', 'CM2') AND cm.profile = 'pupil' AND p.activated_at IS NOT NULL AND (k.login = 'ines.kermadec' OR p.login NOT LIKE '%.kermadec')
		AND (k.login <> 'ines.kermadec' OR p.login = 'nadia.kermadec')
		GROUP BY f.pupil, k.login, k.name_key, s.timezone ORDER BY CASE WHEN k.login = 'ines.kermadec' THEN 0 ELSE 1 END, k.name_key LIMIT 4`, g.School())
	if err != nil {
		return err
	}
	for i, f := range families {
		parent := &rights.Viewer{Person: f.Relative, Now: now, Memberships: []rights.Membership{{School: g.School(), Zone: f.Zone, Profile: rights.Relative}}}
		local := now.In(memberZone(parent, g.School()))
		today := time.Date(local.Year(), local.Month(), local.Day(), 0, 0, 0, 0, local.Location())
		if !schooled(today, true) {
			today = next(today)
		}
		d := AbsenceDraft{ID: id.New(), Pupil: f.Pupil, From: today.Format(time.DateOnly)}
		switch i {
		case 0:
			day := next(today.AddDate(0, 0, 16)).Format(time.DateOnly)
			d.From, d.FromNoon, d.Reason, d.Words = day, true, "appointment", "Orthodontiste à 14 h"
		case 1:
			d.Reason = "sick"
		case 2:
			d.To, d.Reason = next(today).Format(time.DateOnly), "family"
		}
		if _, err := announce(ctx, tx, core, g, parent, now.Add(-time.Duration(20+i)*time.Minute), d); err != nil {
			return err
		}
	}
	return nil
}
