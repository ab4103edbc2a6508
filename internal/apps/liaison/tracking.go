package liaison

import (
	"context"
	"fmt"
	"slices"
	"strconv"

	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
)

// Relative is one adult of a family, and what they did.
type Relative struct {
	ID     string
	Name   string
	Active bool
	Opened *int64
	Read   *int64
	// Version is the one that they had before them when they said so.
	Version int
	Reply   *Given
	// Reminded is when the word was last recalled to them.
	Reminded *int64
	// Hidden is the other parent of a child of who looks, a teacher or delegate
	// for all that: nothing is known of what they did.
	Hidden bool
}

// Family is one pupil's relatives.
type Family struct {
	Pupil     string
	First     string
	Last      string
	Avatar    string
	Class     string
	ReachedAt *int64
	Relatives []Relative
	Paper     *Paper // what came back on paper
	Own       bool   // who looks is of it, and does not learn what the paper says
}

// Reached says whether one relative confirmed, be they a relative still or not.
func (f Family) Reached() bool { return f.ReachedAt != nil }

// Differ says whether different answers came from it.
func (f Family) Differ() bool {
	var first *int64
	differs := func(g *Given) bool {
		if g == nil || g.Choice == nil {
			return false
		}
		if first == nil {
			first = g.Choice
		}
		return *first != *g.Choice
	}
	return f.Paper != nil && differs(&f.Paper.Given) || slices.ContainsFunc(f.Relatives, func(r Relative) bool { return differs(r.Reply) })
}

// Hidden says whether something of it is not shown to who looks.
func (f Family) Hidden() bool {
	return slices.ContainsFunc(f.Relatives, func(r Relative) bool { return r.Hidden })
}

// Active says whether somebody could have read it here.
func (f Family) Active() bool {
	return slices.ContainsFunc(f.Relatives, func(r Relative) bool { return r.Active })
}

// Opened says whether somebody opened it without confirming.
func (f Family) Opened() bool {
	return slices.ContainsFunc(f.Relatives, func(r Relative) bool { return r.Opened != nil })
}

// Name is "Malo Perrault".
func (f Family) Name() string { return f.First + " " + f.Last }

// Filter chooses families of a word by what is known of them.
type Filter string

// The filters, as their address says them.
const (
	Everyone  Filter = ""
	Missing   Filter = "manquants"
	HaveRead  Filter = "lus"
	Answered  Filter = "repondus"
	Differing Filter = "differentes"
	Without   Filter = "sans-compte"
)

// coparent writes the condition that a person, named by a column, is another
// relative of a child of who looks, another column or argument: what they give is
// never shown to them, be they a teacher of the class. Who was one stays one.
func coparent(person, viewer string) string {
	return `EXISTS (SELECT 1 FROM family_link v JOIN family_link o ON o.pupil = v.pupil AND o.relative <> v.relative WHERE v.relative = ` + viewer + ` AND o.relative = ` + person + `)`
}

// own is the condition that viewer $3 is a relative of a pupil, named by a column.
func own(pupil string) string {
	return `EXISTS (SELECT 1 FROM family_link v WHERE v.pupil = ` + pupil + ` AND v.relative = $3)`
}

// What is known of the family of a pupil of a word: wp is its row, w the word,
// $2 now, $3 who looks. A list filters by it and a summary counts it.
var (
	replies = func(what string) string {
		return `(SELECT ` + what + ` FROM (SELECT rp.choice FROM family_link x JOIN reply rp ON rp.word = wp.word AND rp.person = x.relative AND rp.asked = w.asked
			WHERE x.pupil = wp.pupil AND ` + people.LinkHolds("x", "$2") + ` AND NOT ` + coparent("x.relative", "$3") + `
			UNION ALL SELECT pa.choice FROM word_paper pa WHERE pa.word = wp.word AND pa.pupil = wp.pupil AND pa.asked = w.asked AND NOT ` + own("wp.pupil") + `) y)`
	}
	known = map[Filter]string{
		Missing: `wp.reached_at IS NULL`,
		HaveRead: `(wp.reached_at IS NOT NULL OR EXISTS (SELECT 1 FROM family_link x JOIN receipt rc ON rc.word = wp.word AND rc.person = x.relative
			WHERE x.pupil = wp.pupil AND ` + people.LinkHolds("x", "$2") + ` AND rc.read_at IS NOT NULL AND rc.version >= w.asked AND NOT ` + coparent("x.relative", "$3") + `))`,
		Answered:  replies("count(*)") + ` > 0`,
		Differing: replies("count(DISTINCT y.choice)") + ` > 1`,
		Without: `NOT EXISTS (SELECT 1 FROM family_link x JOIN person a ON a.id = x.relative
			WHERE x.pupil = wp.pupil AND ` + people.LinkHolds("x", "$2") + ` AND a.activated_at IS NOT NULL)`,
	}
)

// present are the pupils of word $1 who are in the school at $2.
const present = `word w CROSS JOIN word_pupil wp CROSS JOIN membership m JOIN person k ON k.id = wp.pupil LEFT JOIN class c ON c.id = wp.class
		WHERE w.id = $1 AND wp.word = w.id AND m.person = wp.pupil AND m.school = w.school AND m.profile = 'pupil' AND m.valid_to > $2`

// Count is how far a word went in one class, or in all.
type Count struct {
	Class, Label string
	Families     int
	Reached      int
	Read         int
	Answered     int
	Without      int
	Differing    int
	Offline      int // without an account, and not reached by paper yet
}

func (c Count) of(f Filter) int {
	switch f {
	case Missing:
		return c.Families - c.Reached
	case HaveRead:
		return c.Read
	case Answered:
		return c.Answered
	case Differing:
		return c.Differing
	case Without:
		return c.Without
	}
	return c.Families
}

func (c *Count) add(o Count) {
	c.Families += o.Families
	c.Reached += o.Reached
	c.Read += o.Read
	c.Answered += o.Answered
	c.Without += o.Without
	c.Differing += o.Differing
	c.Offline += o.Offline
}

// Summary is how far a word went: in all, by class, and how many families gave
// each answer. A family of different answers gave none of them.
type Summary struct {
	Count
	Classes []Count
	Answers map[int64]int
}

// differ is the answer of a family whose relatives chose differently, in a
// summary.
const differ = -1

// Summarize counts the families of a word, in one statement however many.
func Summarize(ctx context.Context, q db.Querier, g rights.Grant, now int64) (Summary, error) {
	is := func(f Filter) string { return "CASE WHEN " + known[f] + " THEN 1 ELSE 0 END" }
	rows, err := db.All[struct {
		Count
		Choice int64
	}](ctx, q, `WITH state AS MATERIALIZED (SELECT wp.class, coalesce(c.label, '') AS label, coalesce(c.label_key, '') AS label_key, wp.reached_at,
			`+is(HaveRead)+` AS has_read, `+is(Answered)+` AS answered, `+is(Without)+` AS without_account,
			CASE WHEN `+known[Differing]+` THEN `+strconv.Itoa(differ)+` ELSE coalesce(`+replies("min(y.choice)")+`, 0) END AS choice
			FROM `+present+`)
		SELECT class, label, choice, count(*) AS families, count(reached_at) AS reached, CAST(sum(has_read) AS BIGINT) AS read,
			CAST(sum(answered) AS BIGINT) AS answered, CAST(sum(without_account) AS BIGINT) AS without,
			CAST(sum(CASE WHEN reached_at IS NULL THEN without_account ELSE 0 END) AS BIGINT) AS offline,
			CAST(sum(CASE WHEN choice < 0 THEN 1 ELSE 0 END) AS BIGINT) AS differing
		FROM state GROUP BY class, label, label_key, choice ORDER BY label_key, class`, g.ID(), now, g.Viewer().Person)
	if err != nil {
		return Summary{}, fmt.Errorf("tracking: %w", err)
	}
	s := Summary{Answers: map[int64]int{}}
	for _, r := range rows {
		s.add(r.Count)
		s.Answers[r.Choice] += r.Families
		if n := len(s.Classes); n == 0 || s.Classes[n-1].Class != r.Class {
			s.Classes = append(s.Classes, Count{Class: r.Class, Label: r.Label})
		}
		s.Classes[len(s.Classes)-1].add(r.Count)
	}
	return s, nil
}

// noClass stands for those who were in no class when the word was sent.
const noClass = "aucune"

// Part chooses a page of the families of a word.
type Part struct {
	Filter Filter
	Class  string   // id, noClass, or "" for all
	Pupils []string // these alone, when not empty
	After  string   // the pupil of the last family already seen
	Limit  int      // none when 0
}

// Families reads who received a word and what each did, present pupils only, in
// the order of names, for whoever follows it.
func Families(ctx context.Context, q db.Querier, g rights.Grant, now int64, o Part) ([]Family, error) {
	args := []any{g.ID(), now, g.Viewer().Person}
	arg := func(v any) string {
		args = append(args, v)
		return "$" + strconv.Itoa(len(args))
	}
	more := ""
	if c := known[o.Filter]; c != "" {
		more += " AND " + c
	}
	switch o.Class {
	case "":
	case noClass:
		more += " AND wp.class = ''"
	default:
		more += " AND wp.class = " + arg(o.Class)
	}
	if len(o.Pupils) > 0 {
		var in string
		in, args = db.In(args, o.Pupils)
		more += " AND wp.pupil IN (" + in + ")"
	}
	if o.After != "" {
		more += " AND (k.name_key, k.id) > (SELECT z.name_key, z.id FROM person z WHERE z.id = " + arg(o.After) + ")"
	}
	more += " ORDER BY k.name_key, k.id"
	if o.Limit > 0 {
		more += " LIMIT " + arg(o.Limit)
	}
	rows, err := db.All[struct {
		Pupil, First, Last, Avatar, Class string
		Own, Hidden                       bool
		Relative                          *string
		RelFirst                          *string `db:"rel_first"`
		RelLast                           *string `db:"rel_last"`
		Activated                         *int64
		OpenedAt                          *int64 `db:"opened_at"`
		ReadAt                            *int64 `db:"read_at"`
		ReadVersion                       *int   `db:"read_version"`
		ReachedAt                         *int64 `db:"reached_at"`
		RepliedAt                         *int64 `db:"replied_at"`
		RemindedAt                        *int64 `db:"reminded_at"`
		Version                           *int
		Choice                            *int64
		Answer                            *string
		NotedAt                           *int64  `db:"noted_at"`
		NotedBy                           *string `db:"noted_by"`
		PaperVersion                      *int    `db:"paper_version"`
		PaperChoice                       *int64  `db:"paper_choice"`
		PaperText                         *string `db:"paper_text"`
	}](ctx, q, `WITH page AS MATERIALIZED (SELECT wp.pupil, k.first, CASE WHEN k.use_name <> '' THEN k.use_name ELSE k.last END AS last, k.avatar, k.name_key,
			coalesce(c.label, '') AS class, wp.reached_at, w.asked FROM `+present+more+`)
		SELECT page.pupil, page.first, page.last, page.avatar, page.class, page.reached_at, `+own("page.pupil")+` AS own, `+coparent("p.id", "$3")+` AS hidden,
			p.id AS relative, p.first AS rel_first, CASE WHEN p.use_name <> '' THEN p.use_name ELSE p.last END AS rel_last, p.activated_at AS activated,
			rc.opened_at, CASE WHEN rc.version >= page.asked THEN rc.read_at ELSE NULL END AS read_at, rc.version AS read_version,
			(SELECT max(rm.at) FROM reminder rm WHERE rm.word = $1 AND rm.person = p.id) AS reminded_at,
			rp.at AS replied_at, rp.version, rp.choice, rp.body AS answer,
			pa.noted_at, n.first || ' ' || CASE WHEN n.use_name <> '' THEN n.use_name ELSE n.last END AS noted_by,
			pa.version AS paper_version, pa.choice AS paper_choice, pa.body AS paper_text
		FROM page LEFT JOIN word_paper pa ON pa.word = $1 AND pa.pupil = page.pupil AND pa.asked = page.asked
		LEFT JOIN person n ON n.id = pa.noted_by
		LEFT JOIN family_link f ON f.pupil = page.pupil AND `+people.LinkHolds("f", "$2")+`
		LEFT JOIN person p ON p.id = f.relative
		LEFT JOIN receipt rc ON rc.word = $1 AND rc.person = p.id
		LEFT JOIN reply rp ON rp.word = $1 AND rp.person = p.id AND rp.asked = page.asked
		ORDER BY page.name_key, page.pupil, p.name_key`, args...)
	if err != nil {
		return nil, fmt.Errorf("tracking: %w", err)
	}
	var out []Family
	for _, r := range rows {
		if n := len(out); n == 0 || out[n-1].Pupil != r.Pupil {
			out = append(out, Family{Pupil: r.Pupil, First: r.First, Last: r.Last, Avatar: r.Avatar, Class: r.Class, ReachedAt: r.ReachedAt, Own: r.Own})
			if r.NotedAt != nil {
				out[n].Paper = &Paper{Given{Version: *r.PaperVersion, At: *r.NotedAt}, *r.NotedBy}
				if !r.Own {
					out[n].Paper.Choice, out[n].Paper.Body = r.PaperChoice, *r.PaperText
				}
			}
		}
		if r.Relative != nil {
			f := &out[len(out)-1]
			if r.Hidden {
				f.Relatives = append(f.Relatives, Relative{ID: *r.Relative, Name: *r.RelFirst + " " + *r.RelLast, Active: r.Activated != nil, Hidden: true})
				continue
			}
			who := Relative{ID: *r.Relative, Name: *r.RelFirst + " " + *r.RelLast, Active: r.Activated != nil, Opened: r.OpenedAt, Read: r.ReadAt, Reminded: r.RemindedAt}
			if r.ReadVersion != nil {
				who.Version = *r.ReadVersion
			}
			if r.RepliedAt != nil {
				who.Reply = &Given{*r.Version, *r.RepliedAt, r.Choice, *r.Answer}
			}
			f.Relatives = append(f.Relatives, who)
		}
	}
	return out, nil
}
