package school

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/a-h/templ"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/ui"
)

// reachView is who reaches whom.
type reachView struct {
	r    *app.Request
	list []people.Pair
}

// reachers and reached are the order of the page.
var (
	reachers = []rights.Profile{rights.Relative, rights.Pupil, rights.Teacher, rights.Staff, rights.Guest}
	reached  = []rights.Profile{rights.Teacher, rights.Head, rights.Staff, rights.Relative, rights.Pupil, rights.Guest}
)

func pairName(p people.Pair) string { return string(p.Who) + ":" + string(p.Whom) }

func (v reachView) switches(ctx context.Context, who rights.Profile) []ui.SwitchProps {
	var out []ui.SwitchProps
	for _, whom := range reached {
		for _, p := range v.list {
			if p.Who != who || p.Whom != whom {
				continue
			}
			s := ui.SwitchProps{Name: "joint", ID: "joint-" + string(who) + "-" + string(whom), Value: pairName(p), On: p.Allowed, Label: i18n.T(ctx, "school.reach.whom."+string(whom)+"_"+p.Extent)}
			if p.Allowed != p.Usual {
				s.Help = i18n.T(ctx, "school.reach.changed")
			}
			out = append(out, s)
		}
	}
	return out
}

func (v reachView) changed() bool {
	return slices.ContainsFunc(v.list, func(p people.Pair) bool { return p.Allowed != p.Usual })
}

// kinshipView is a family link and the form that suspends it.
type kinshipView struct {
	r              *app.Request
	k              people.Kinship
	from, to, note string
	faults         map[string]string
}

// fill shows what stands, or begins today.
func (v *kinshipView) fill() {
	if v.k.Ahead(v.r.Viewer.Now) {
		v.from, v.to, v.note = day(v.r, v.k.From), day(v.r, v.k.To-1), v.k.Note
		return
	}
	v.from = day(v.r, v.r.Viewer.Now.UnixMilli())
}

func (v kinshipView) at(ms int64) string {
	return i18n.LongDate(time.UnixMilli(ms).In(v.r.Viewer.Zone()))
}

// sentence says what stands.
func (v kinshipView) sentence() string {
	key := "school.access.open"
	switch now := v.r.Viewer.Now; {
	case v.k.Restricted(now):
		key = "school.access.closed"
	case v.k.Ahead(now):
		key = "school.access.will_close"
	case v.k.To > 0:
		key = "school.access.was_closed"
	}
	return v.r.T(key, "adult", v.k.Adult, "child", v.k.Child, "from", v.at(v.k.From), "to", v.at(v.k.To-1))
}

func (v kinshipView) back() string {
	if v.k.Class == "" {
		return here(v.r)
	}
	return "/classe/" + v.k.Class + "/eleve/" + v.k.Pupil
}

func (v kinshipView) fields() (from, to, note ui.FieldProps) {
	t := v.r.T
	return ui.FieldProps{Name: "from", Label: t("school.access.from"), Type: "date", Value: v.from, Error: v.faults["from"], Required: true},
		ui.FieldProps{Name: "to", Label: t("school.access.to"), Help: t("school.access.to_help"), Type: "date", Value: v.to, Error: v.faults["to"], Required: true},
		ui.FieldProps{Name: "note", Label: t("school.access.note"), Help: t("school.access.note_help"), Value: v.note, Error: v.faults["note"], Required: true, Rows: 4, Attrs: templ.Attributes{"maxlength": "1000"}}
}

// twinsView is two records that may become one.
type twinsView struct {
	r          *app.Request
	keep, gone people.Record
	refused    error
}

func (v twinsView) why() string { return v.r.Say(errs.As(v.refused).Message) }

// fact is a line of a record.
type fact struct{ label, value string }

func (v twinsView) facts(p people.Record) []fact {
	t := v.r.T
	var profiles []string
	for _, x := range p.Profiles {
		profiles = append(profiles, t("school.merge.profile."+x))
	}
	account, seen := t("school.merge.asleep"), ""
	if p.ActivatedAt != nil {
		account = t("school.merge.active")
	}
	if p.SeenAt != nil {
		seen = i18n.Ago(time.UnixMilli(*p.SeenAt).In(v.r.Viewer.Zone()), v.r.Viewer.Now.In(v.r.Viewer.Zone()))
	}
	kin := "school.merge.children"
	if slices.Contains(p.Profiles, string(rights.Pupil)) {
		kin = "school.merge.relatives"
	}
	name := p.First + " " + p.Last
	if p.UseName != "" {
		name = p.First + " " + p.UseName + " (" + p.Last + ")"
	}
	none := t("school.merge.nothing")
	var out []fact
	for _, f := range []fact{
		{"school.merge.name", name}, {"school.merge.is", strings.Join(profiles, ", ")}, {"school.merge.login", p.Login}, {"school.merge.account", account}, {"school.merge.seen", seen},
		{"school.merge.birth", frenchDay(p.Birth)}, {"school.merge.class", i18n.List(p.Classes...)}, {kin, i18n.List(p.Kin...)}, {"school.merge.email", p.ContactEmail}, {"school.merge.phone", p.Phone},
		{"school.merge.since", day(v.r, p.CreatedAt)},
	} {
		if f.label == "school.merge.since" {
			f.value = frenchDay(f.value)
		}
		if f.value == "" {
			f.value = none
		}
		out = append(out, fact{t(f.label), f.value})
	}
	return out
}

// seekView is where two records are looked for.
type seekView struct {
	r     *app.Request
	words string
	few   bool // not two were chosen
	pairs []suspect
	found []record
}

func (v seekView) option(p record) ui.FieldProps {
	return ui.FieldProps{Name: "fiche", ID: "fiche-" + p.ID, Value: p.ID, Label: p.Name + " · " + p.Login + " · " + p.Caption.Whole(v.r.T)}
}
