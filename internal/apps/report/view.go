package report

import (
	"github.com/a-h/templ"

	"marelle/internal/ui"
)

func (v formView) reasons() ui.FieldProps {
	f := ui.FieldProps{Name: "motif", Label: v.say("report.reason"), Value: v.draft.Reason, Error: v.faults["motif"]}
	for _, r := range Reasons {
		f.Options = append(f.Options, ui.Option{Value: r, Label: v.r.T("report.reason." + r)})
	}
	return f
}

func (v formView) said() ui.FieldProps {
	return ui.FieldProps{Name: "texte", Label: v.say("report.said"), Value: v.draft.Said, Error: v.faults["texte"], Optional: true, Rows: 4, Attrs: templ.Attributes{"maxlength": "1000"}}
}

func (v listView) field() ui.FieldProps {
	return ui.FieldProps{Name: "note", Label: v.r.T("report.note"), Help: v.r.T("report.note_help"), Value: v.note, Error: v.bad, Rows: 3, Attrs: templ.Attributes{"maxlength": "1000"}}
}

// row is a report as a line of the list.
func (v listView) row(p Report) ui.News {
	n := ui.News{Icon: "flag", Paint: "turquoise", Title: p.Title, Href: v.here(atList + "/" + p.ID), Child: v.r.T("report.reason." + p.Reason), Text: v.made(p), Unread: p.ClosedAt == nil}
	if p.ClosedAt != nil {
		n.Lead, n.Text = v.r.T("report.closed"), v.closed(p)
	}
	return n
}

func (v listView) made(p Report) string {
	if p.Reporter == "" {
		return v.when(p.At)
	}
	return v.r.T("report.from", "name", p.Reporter, "when", v.when(p.At))
}

func (v listView) closed(p Report) string {
	if p.By == "" {
		return v.when(*p.ClosedAt)
	}
	return v.r.T("report.from", "name", p.By, "when", v.when(*p.ClosedAt))
}
