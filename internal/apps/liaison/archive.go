package liaison

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/ui"
)

// span is a school year in milliseconds, as the clocks of a school have it.
func span(year int, zone *time.Location) (from, to int64) {
	turn := func(y int) int64 { return people.YearBegins(y, zone).UnixMilli() }
	return turn(year), turn(year + 1)
}

// Oldest is when the first of a viewer's words was published, 0 without any: of
// one index for each child, or for the author, the classes and the delegate.
func Oldest(ctx context.Context, q db.Querier, s rights.Scope, o Query) (int64, error) {
	args := []any{}
	text := ""
	switch {
	case o.Follow:
		args = append(args, s.Person(), s.At())
		text = `SELECT min(published_at) AS at FROM word WHERE author = $1 UNION ALL
			SELECT (SELECT min(wc.published_at) FROM word_class wc WHERE wc.class = cm.class) FROM class_member cm
			WHERE cm.person = $1 AND cm.profile = 'teacher' AND cm.valid_from <= $2 AND cm.valid_to > $2
			UNION ALL SELECT min(published_at) FROM word_delegate WHERE person = $1`
	case len(o.Pupils) == 0:
		return 0, nil
	default:
		for i, p := range o.Pupils {
			if i > 0 {
				text += " UNION ALL "
			}
			args = append(args, p)
			text += `SELECT min(published_at) AS at FROM word_pupil WHERE pupil = $` + strconv.Itoa(len(args))
		}
	}
	at, err := db.Value[int64](ctx, q, `SELECT coalesce(min(x.at), 0) FROM (`+text+`) x`, args...)
	if err != nil {
		return 0, fmt.Errorf("archive: %w", err)
	}
	return at, nil
}

// chosenYear is the school year that an address names, or that of today.
func chosenYear(said string, today int) int {
	y, err := strconv.Atoi(said)
	if err != nil || y < 2000 || y > today {
		return today
	}
	return y
}

// today is the school year of today.
func (v view) today() int { return people.Year(v.now()) }

// years is the choice of a school year, where there are several.
func (v view) years() ui.FieldProps {
	f := ui.FieldProps{Name: "annee", Label: v.r.T("liaison.year"), Value: strconv.Itoa(v.year)}
	for y := v.today(); y >= min(v.first, v.year); y-- {
		f.Options = append(f.Options, ui.Option{Value: strconv.Itoa(y), Label: v.r.T("liaison.year_of", "from", y, "to", y+1)})
	}
	return f
}

// archived says whether a year before this one is shown, or can be.
func (v view) archived() bool { return min(v.first, v.year) < v.today() }

// past says whether a year before this one is shown.
func (v view) past() bool { return v.year < v.today() }
