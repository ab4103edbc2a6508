package liaison

import (
	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/ui"
)

// The places of the carnet.
const (
	tabSent     = "sent"
	tabDrafts   = "drafts"
	tabReceived = "received"
	tabNotes    = "notes"
	tabAbsences = "absences"
)

// tabs part what the school writes from what families write; counts are what
// the viewer has not seen. Pupils have one place alone. The pile of drafts is read
// unless the page has it already.
func (h handler) tabs(r *app.Request, current string, pile *Pile) ([]ui.Tab, error) {
	follows, parent := follower(r.Viewer), r.Viewer.Is(rights.Relative)
	if !follows && !parent {
		return nil, nil
	}
	counts, err := r.Unread()
	if err != nil {
		return nil, err
	}
	var out []ui.Tab
	add := func(tab, label, href string, n int) {
		out = append(out, ui.Tab{Label: r.T(label), Href: href, Count: n, Current: tab == current})
	}
	received := "/carnet"
	if follows {
		add(tabSent, "liaison.tab_sent", "/carnet", 0)
		received += "?vue=recus"
	}
	if parent {
		add(tabReceived, "liaison.tab_received", received, counts.Kinds[string(Word)])
	}
	if follows {
		if pile == nil {
			read, err := PileOf(r.Context(), h.core.DB, r.Viewer.Scope())
			if err != nil {
				return nil, err
			}
			pile = &read
		}
		if pile.Total > 0 || current == tabDrafts {
			out = append(out, ui.Tab{Label: r.T("liaison.tab_drafts", "n", pile.Total), Href: atDrafts, Current: current == tabDrafts})
		}
	}
	notes := counts.Kinds[string(Note)] + counts.Kinds[NoteAnswer]
	if follows {
		add(tabNotes, "liaison.tab_families", "/carnet/echanges", notes)
	} else {
		add(tabNotes, "liaison.tab_mine", "/carnet/echanges", notes)
	}
	add(tabAbsences, "liaison.tab_absences", "/carnet/absences", counts.Kinds[string(Absence)])
	return out, nil
}
