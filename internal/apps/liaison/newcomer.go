package liaison

import (
	"context"
	"fmt"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/resource"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/web"
)

// Newcomers are the pupils who entered a class of the word since it was sent
// and did not receive it, by name. A word that went to a part of a class only
// has none there.
func Newcomers(ctx context.Context, q db.Querier, g rights.Grant, now time.Time) ([]people.Pupil, error) {
	list, err := db.All[people.Pupil](ctx, q, `SELECT p.id, p.first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS last, p.avatar, cm.class, cm.level
		FROM word w CROSS JOIN word_class wc CROSS JOIN class_member cm JOIN person p ON p.id = cm.person
		WHERE w.id = $1 AND wc.word = w.id AND cm.class = wc.class AND cm.profile = 'pupil' AND cm.valid_from > w.published_at AND cm.valid_from <= $2 AND cm.valid_to > $2
		AND NOT EXISTS (SELECT 1 FROM word_pupil wp WHERE wp.word = w.id AND wp.pupil = cm.person)
		AND NOT EXISTS (SELECT 1 FROM class_member x WHERE x.class = wc.class AND x.profile = 'pupil' AND x.valid_from <= w.published_at AND x.valid_to > w.published_at
			AND NOT EXISTS (SELECT 1 FROM word_pupil y WHERE y.word = w.id AND y.pupil = x.person))
		ORDER BY p.name_key, p.id`, g.ID(), now.UnixMilli())
	if err != nil {
		return nil, fmt.Errorf("newcomers: %w", err)
	}
	return list, nil
}

// AddNewcomers gives a word to those who joined its classes since, and says how
// many they are: their families read it, are told of it, and count. Who already
// did what it asks, for another child, is not told again.
func AddNewcomers(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time) (int, error) {
	if err := g.Must(ctx, tx, Follow); err != nil {
		return 0, err
	}
	a, err := hold(ctx, tx, g)
	if err != nil {
		return 0, err
	}
	list, err := Newcomers(ctx, tx, g, now)
	if err != nil || len(list) == 0 {
		return 0, err
	}
	at, err := db.Value[int64](ctx, tx, `SELECT published_at FROM word WHERE id = $1`, g.ID())
	if err != nil {
		return 0, fmt.Errorf("newcomers: %w", err)
	}
	var rows [][]any
	var readers, pupils []string
	for _, p := range list {
		rows = append(rows, []any{g.ID(), p.ID, p.Class, at})
		readers = append(readers, "family:"+p.ID, "person:"+p.ID)
		pupils = append(pupils, p.ID)
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO word_pupil (word, pupil, class, published_at) VALUES `, `ON CONFLICT DO NOTHING`, rows); err != nil {
		return 0, fmt.Errorf("newcomers: %w", err)
	}
	if err := resource.Share(ctx, tx, g.ID(), rights.Read, readers...); err != nil {
		return 0, err
	}
	if err := a.reachOf(ctx, tx, g, now, time.Time{}, `SELECT z.pupil FROM word_pupil z WHERE z.word = $2 AND z.reached_at IS NULL`, g.ID()); err != nil {
		return 0, err
	}
	if err := recount(ctx, tx, g, now, g.ID()); err != nil {
		return 0, err
	}
	did := ""
	if a.Ask == AskRead {
		did = ` AND NOT EXISTS (SELECT 1 FROM receipt rc WHERE rc.word = $1 AND rc.person = f.relative AND rc.read_at IS NOT NULL AND rc.version >= $3)`
	}
	in, args := db.In([]any{g.ID(), now.UnixMilli(), a.Asked}, pupils)
	persons, err := db.All[string](ctx, tx, `SELECT f.relative FROM family_link f WHERE f.pupil IN (`+in+`) AND `+people.LinkHolds("f", "$2")+`
		AND NOT EXISTS (SELECT 1 FROM reply rp WHERE rp.word = $1 AND rp.person = f.relative AND rp.asked = $3)`+did, args...)
	if err != nil {
		return 0, fmt.Errorf("newcomers: %w", err)
	}
	_, err = notify.Publish(ctx, tx, core.Jobs, notify.Event{School: g.School(), Kind: string(Word), Resource: g.ID(), Actor: g.Viewer().Person,
		Pupils: pupils, Awaits: true, Only: append(persons, pupils...), At: now})
	return len(list), err
}

// welcome adds the newcomers, and goes back to the tracking.
func (h handler) welcome(r *app.Request) (web.Response, error) {
	n := 0
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) (err error) {
		n, err = AddNewcomers(r.Context(), tx, h.core, r.Grant, h.core.Clock.Now())
		return err
	}); err != nil {
		return nil, err
	}
	if n == 0 {
		return web.Redirect(path(r.Grant.ID()) + "/suivi"), nil
	}
	return web.Redirect(path(r.Grant.ID()) + "/suivi?fait=ajoutes"), nil
}

// joined are the names of the newcomers, a few of them.
func (t tracking) joined() string {
	const most = 4
	var names []string
	for i, p := range t.newcomers {
		if i == most-1 && len(t.newcomers) > most {
			names = append(names, t.r.T("liaison.more_audience", "n", len(t.newcomers)-i))
			break
		}
		names = append(names, p.Name())
	}
	return i18n.List(names...)
}
