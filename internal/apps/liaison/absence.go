package liaison

import (
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"marelle/internal/kernel/rights"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/id"
)

// Absence is the kind of an absence that a relative announces. The teachers of
// the child and the head read all of it, the staff that the child is absent and
// not why; another relative of the child, and neither why nor by whom.
const Absence rights.Kind = "liaison.absence"

// The needs of absences. The relative who announced one manages it; who may know
// why contributes, the staff comment.
var (
	Announce        = rights.Can("liaison.absence", rights.Relative)
	ListAbsences    = rights.Can("liaison.absences", rights.Relative, rights.Teacher, rights.Staff, rights.Head)
	AbsenceReading  = rights.On(Absence, rights.Read, "id")
	AbsenceNoting   = rights.On(Absence, rights.Comment, "id")
	AbsenceChanging = rights.On(Absence, rights.Manage, "id")
)

// Reasons are those that may be chosen, as absence_reason has them.
var Reasons = []string{"sick", "appointment", "family", "other"}

const (
	wordsMax    = 200
	absenceDays = 31 // from the first day to the last
	absenceFar  = 90 // days ahead
)

// Half is a half-day at school.
type Half struct {
	Day       string
	Afternoon bool
}

func (h Half) n() int {
	if h.Afternoon {
		return 1
	}
	return 0
}

// begins is when it begins: what has begun is not changed any more.
func (h Half) begins(zone *time.Location) time.Time {
	day, err := time.ParseInLocation(time.DateOnly, h.Day, zone)
	if err != nil {
		return time.Time{} // it was checked before it was written
	}
	hour := 8
	if h.Afternoon {
		hour = 13
	}
	return time.Date(day.Year(), day.Month(), day.Day(), hour, 30, 0, 0, zone)
}

// schooled says whether there can be school: never at the week-end, nor on
// Wednesday afternoons. Some schools are open on Wednesday mornings.
func schooled(day time.Time, afternoon bool) bool {
	switch day.Weekday() {
	case time.Saturday, time.Sunday:
		return false
	case time.Wednesday:
		return !afternoon
	}
	return true
}

// AbsenceDraft is an absence as a relative types it.
type AbsenceDraft struct {
	ID       string // made with the form, so that sending twice sends once
	Pupil    string
	From     string // the first day
	FromNoon bool   // from its afternoon
	To       string // the last day; "" is the first
	ToNoon   bool   // until its morning only
	Reason   string // one of Reasons, or ""
	Words    string

	Halves []Half // found by Check
}

// Check says all that is wrong with it on the day of now, in the school's zone.
func (d *AbsenceDraft) Check(now time.Time) error {
	f := errs.Fields{}
	d.Words = strings.TrimSpace(strings.ReplaceAll(d.Words, "\r\n", "\n"))
	if utf8.RuneCountInString(d.Words) > wordsMax {
		f.Add("precision", "liaison.absence_words_long", "n", wordsMax)
	}
	if !slices.Contains(Reasons, d.Reason) {
		d.Reason = ""
	}
	if !id.Valid(d.ID) {
		d.ID = id.New()
	}
	if d.To == "" {
		d.To = d.From
	}
	from, err := time.ParseInLocation(time.DateOnly, d.From, now.Location())
	if err != nil {
		f.Add("du", "liaison.due_wrong")
	}
	to, err := time.ParseInLocation(time.DateOnly, d.To, now.Location())
	if err != nil {
		f.Add("au", "liaison.due_wrong")
	}
	if f["du"].Key+f["au"].Key != "" {
		return f.Err()
	}
	today := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	switch {
	case from.Before(today):
		f.Add("du", "liaison.absence_past")
	case to.Before(from) || to.Equal(from) && d.FromNoon && d.ToNoon:
		f.Add("au", "liaison.absence_order")
	case to.After(from.AddDate(0, 0, absenceDays)) || from.After(today.AddDate(0, 0, absenceFar)):
		f.Add("au", "liaison.absence_far", "n", absenceDays)
	default:
		d.Halves = nil
		for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
			for _, afternoon := range []bool{false, true} {
				if day.Equal(from) && d.FromNoon && !afternoon || day.Equal(to) && d.ToNoon && afternoon || !schooled(day, afternoon) {
					continue
				}
				d.Halves = append(d.Halves, Half{day.Format(time.DateOnly), afternoon})
			}
		}
		if len(d.Halves) == 0 {
			f.Add("du", "liaison.absence_closed")
		}
	}
	return f.Err()
}

// next is the first day after one when there is school all day.
func next(day time.Time) time.Time {
	for day = day.AddDate(0, 0, 1); !schooled(day, true); day = day.AddDate(0, 0, 1) {
	}
	return day
}

// period says half-days in words: "lundi 23 novembre, toute la journée".
func period(t func(string, ...any) string, halves []Half, now time.Time) string {
	if len(halves) == 0 {
		return ""
	}
	first, last := halves[0], halves[len(halves)-1]
	from, to := first.begins(now.Location()), last.begins(now.Location())
	switch {
	case first.Day == last.Day && len(halves) == 2:
		return t("liaison.absence_day", "day", i18n.Date(from, now))
	case first.Day == last.Day && first.Afternoon:
		return t("liaison.absence_afternoon", "day", i18n.Date(from, now))
	case first.Day == last.Day:
		return t("liaison.absence_morning", "day", i18n.Date(from, now))
	}
	a, b := i18n.Date(from, now), i18n.Date(to, now)
	if first.Afternoon {
		a = t("liaison.absence_noon", "day", a)
	}
	if !last.Afternoon {
		b = t("liaison.absence_until_noon", "day", b)
	}
	return t("liaison.absence_days", "from", a, "to", b)
}

// Away is an absence as a page shows it.
type Away struct {
	ID        string
	School    string
	Pupil     string
	First     string
	Last      string
	Avatar    string
	Class     string
	Label     string // of the class
	Author    string // "" where who reads is not to know
	By        string `db:"said_by"` // the author's name
	Reason    string
	Words     string
	Created   int64
	Withdrawn *int64
	SeenAt    *int64 `db:"seen_at"`
	SeenBy    string `db:"seen_by"`
	Halves    []Half
	Fresh     bool // still news to who reads
}

// Name is the pupil's.
func (a Away) Name() string { return a.First + " " + a.Last }

// Ahead are the half-days that have not begun.
func (a Away) Ahead(now time.Time) []Half {
	return slices.DeleteFunc(slices.Clone(a.Halves), func(h Half) bool { return !h.begins(now.Location()).After(now) })
}
