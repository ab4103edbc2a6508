package documents

import (
	"net/http"
	"strconv"
	"strings"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/web"
	"marelle/internal/ui"
)

// holding is how much room the viewer has in the grant's school, and what takes
// most of it.
func (h handler) holding(r *app.Request) (web.Response, error) {
	v := view{r: r, tab: "mine", role: rights.Manage}
	held, err := file.Usage(r.Context(), h.core.DB, r.Viewer.Now, r.Grant.School(), r.Viewer.Person)
	if err != nil {
		return nil, err
	}
	v.rooms = []holding{{Space: held}}
	if v.items, err = Heaviest(r.Context(), h.core.DB, r.Viewer.Scope(), r.Grant.School()); err != nil {
		return nil, err
	}
	if err := h.core.DB.Write(r.Context(), func(tx *db.Tx) error {
		return notify.Seen(r.Context(), tx, r.Viewer.Person, r.Grant.ID(), h.core.Clock.Now())
	}); err != nil {
		return nil, err
	}
	return r.Page(r.T("documents.place"), "documents", placePage(v))
}

// ruled are the profiles of which a head says what they may hold.
var ruled = []rights.Profile{rights.Pupil, rights.Relative, rights.Teacher, rights.Staff, rights.Head}

// quotas is what each profile of the school may hold, and who holds most.
func (h handler) quotas(r *app.Request) (web.Response, error) {
	return h.ruling(r, http.StatusOK, nil, nil)
}

func (h handler) ruling(r *app.Request, status int, faults map[string]string, typed map[string]string) (web.Response, error) {
	s, err := Rooms(r.Context(), h.core.DB, r.Grant)
	if err != nil {
		return nil, err
	}
	q := quotaView{view: view{r: r, faults: faults}, shelves: s}
	for _, p := range ruled {
		value, ok := typed[string(p)]
		if !ok {
			value = megabytes(s.Quotas[p])
		}
		q.fields = append(q.fields, ui.FieldProps{Name: string(p), Label: r.T("documents.quota." + string(p)), Value: value, Error: faults[string(p)],
			Attrs: map[string]any{"inputmode": "numeric", "autocomplete": "off", "maxlength": "9"}})
	}
	var toast *ui.Toast
	if r.URL.Query().Get("fait") == "quotas" {
		toast = &ui.Toast{Text: r.T("documents.quota.done")}
	}
	return r.PageWith(status, r.T("documents.quotas"), "documents", toast, quotaPage(q))
}

// saveQuotas writes them; a field left empty is the usual of the portal.
func (h handler) saveQuotas(r *app.Request) (web.Response, error) {
	f, err := r.Values()
	if err != nil {
		return nil, err
	}
	typed, bytes, faults := map[string]string{}, map[rights.Profile]int64{}, errs.Fields{}
	for _, p := range ruled {
		text := strings.Join(strings.Fields(f.Get(string(p))), "")
		typed[string(p)] = f.Get(string(p))
		if text == "" {
			bytes[p] = 0
			continue
		}
		n, err := strconv.ParseInt(text, 10, 32)
		if n *= megabyte; err != nil || n < quotaLeast || n > quotaMost {
			faults.Add(string(p), "documents.quota.bad")
			continue
		}
		bytes[p] = n
	}
	if err = faults.Err(); err == nil {
		err = h.core.DB.Write(r.Context(), func(tx *db.Tx) error { return SetRooms(r.Context(), tx, r.Grant, h.core.Clock.Now(), bytes) })
	}
	if said, ok := r.Faults(err); ok {
		return h.ruling(r, http.StatusUnprocessableEntity, said, typed)
	}
	if err != nil {
		return nil, err
	}
	return web.Redirect("/documents/quotas?fait=quotas"), nil
}

// quotaView is the page of what profiles may hold.
type quotaView struct {
	view
	shelves Shelves
	fields  []ui.FieldProps
}

const megabyte = 1_000_000

func megabytes(n int64) string { return strconv.FormatInt(n/megabyte, 10) }
