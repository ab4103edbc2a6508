package app

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"marelle/internal/kernel/notify"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/web"
)

// Handler answers a request whose need was granted.
type Handler func(r *Request) (web.Response, error)

// Route is a route as declared, for the matrix of rights.
type Route struct {
	Method  string
	Pattern string
	Need    rights.Need
}

// Router takes routes, each with the right it needs.
type Router struct {
	core   *Core
	mux    *http.ServeMux
	doors  Doors
	routes []Route
}

// Doors are what the router asks of the rest of the kernel.
type Doors struct {
	// Viewer finds who asks; nil for a stranger.
	Viewer func(w http.ResponseWriter, r *http.Request) (*rights.Viewer, error)
	// Password finds who shows an application password, where a need asks for one;
	// Challenge refuses there, in a few words and asking for it.
	Password  func(w http.ResponseWriter, r *http.Request) (*rights.Viewer, error)
	Challenge func(w http.ResponseWriter, r *http.Request, v *rights.Viewer, err error)
	// Refuse shows an error.
	Refuse func(w http.ResponseWriter, r *http.Request, v *rights.Viewer, err error)
	// Entry is where somebody is sent who has not accepted the charter yet.
	Entry string
}

// NewRouter makes an empty router.
func NewRouter(core *Core, doors Doors) *Router {
	rt := &Router{core: core, mux: http.NewServeMux(), doors: doors}
	rt.mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		r = r.WithContext(i18n.With(r.Context(), core.Catalog))
		v, err := doors.Viewer(w, r)
		if err == nil {
			err = errs.ErrNotFound
		}
		doors.Refuse(w, r, v, err)
	})
	return rt
}

// GET declares a page.
func (rt *Router) GET(pattern string, need rights.Need, h Handler) {
	rt.handle(http.MethodGet, pattern, need, h)
}

// POST declares an action.
func (rt *Router) POST(pattern string, need rights.Need, h Handler) {
	rt.handle(http.MethodPost, pattern, need, h)
}

// HEAD declares what a script alone asks, as do PATCH and DELETE.
func (rt *Router) HEAD(pattern string, need rights.Need, h Handler) {
	rt.handle(http.MethodHead, pattern, need, h)
}

// PATCH declares a change of a part.
func (rt *Router) PATCH(pattern string, need rights.Need, h Handler) {
	rt.handle(http.MethodPatch, pattern, need, h)
}

// DELETE declares a removal.
func (rt *Router) DELETE(pattern string, need rights.Need, h Handler) {
	rt.handle(http.MethodDelete, pattern, need, h)
}

// Drive declares a tree of files that programs open over WebDAV: the address
// itself and all below it.
func (rt *Router) Drive(path string, need rights.Need, h Handler) {
	for _, method := range []string{"OPTIONS", "PROPFIND"} {
		rt.handle(method, path, need, h)
	}
	for _, method := range []string{"OPTIONS", "GET", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "PROPFIND", "PROPPATCH"} {
		rt.handle(method, path+"/{path...}", need, h)
	}
}

// Routes lists what was declared, sorted.
func (rt *Router) Routes() []Route {
	list := slices.Clone(rt.routes)
	slices.SortFunc(list, func(a, b Route) int {
		return strings.Compare(a.Pattern+" "+a.Method, b.Pattern+" "+b.Method)
	})
	return list
}

// ServeHTTP answers.
func (rt *Router) ServeHTTP(w http.ResponseWriter, r *http.Request) { rt.mux.ServeHTTP(w, r) }

func (rt *Router) handle(method, pattern string, need rights.Need, h Handler) {
	if !need.Valid() {
		panic(fmt.Sprintf("route %s %s names no need", method, pattern))
	}
	rt.routes = append(rt.routes, Route{method, pattern, need})
	rt.mux.HandleFunc(method+" "+pattern, func(w http.ResponseWriter, hr *http.Request) {
		hr = hr.WithContext(i18n.With(hr.Context(), rt.core.Catalog))
		find, refuse := rt.doors.Viewer, rt.doors.Refuse
		if need.NeedsPassword() {
			find, refuse = rt.doors.Password, rt.doors.Challenge
		}
		viewer, err := find(w, hr)
		if err != nil {
			refuse(w, hr, nil, err)
			return
		}
		r := &Request{Request: hr, W: w, Viewer: viewer, Core: rt.core}
		// The server removes what a form left on disk from its own request only,
		// of which this one is a copy.
		defer func() {
			if r.MultipartForm != nil {
				_ = r.MultipartForm.RemoveAll() // files of the system's temporary folder
			}
		}()
		if err := rt.serve(r, need, h); err != nil {
			refuse(w, hr, viewer, err)
		}
	})
}

func (rt *Router) serve(r *Request, need rights.Need, h Handler) error {
	if r.Viewer.SignedIn() && r.Viewer.Pending && need.NeedsSession() && need.String() != rights.Entering.String() {
		return web.Redirect(rt.doors.Entry).Write(r.W, r.Request)
	}
	object := r.PathValue(need.Param())
	if need.Param() == "" {
		object = r.URL.Query().Get("ecole")
	}
	var err error
	if r.Grant, err = need.Resolve(r.Context(), r.Core.DB, r.Viewer, object); err != nil {
		return err
	}
	res, err := h(r)
	if err != nil {
		return err
	}
	if res == nil {
		r.W.WriteHeader(http.StatusNoContent)
		return nil
	}
	return res.Write(r.W, r.Request)
}

// Request is a request with who asks and what was granted.
type Request struct {
	*http.Request
	W      http.ResponseWriter
	Viewer *rights.Viewer
	Grant  rights.Grant
	Core   *Core
	// Counts are the viewer's unread news, once Unread or Shell has read them.
	Counts notify.Counts

	form url.Values
}

// Values reads the posted form once, of at most 256 kB; routes that take files
// read theirs with web.Form and a limit of their own.
func (r *Request) Values() (url.Values, error) {
	if r.form == nil {
		f, err := web.Form(r.W, r.Request, 256<<10)
		if err != nil {
			return nil, err
		}
		r.form = f
	}
	return r.form, nil
}

// Phone says whether a telephone asks, as browsers tell of themselves: by the
// client hint Sec-CH-UA-Mobile, or by "Mobile" in their name, which tablets and
// computers leave out. What a page lays beside its content on wide screens alone
// need not be made for it.
func (r *Request) Phone() bool {
	if hint := r.Header.Get("Sec-CH-UA-Mobile"); hint != "" {
		return hint == "?1"
	}
	agent := r.UserAgent()
	return strings.Contains(agent, "Mobile") && !strings.Contains(agent, "iPad")
}

// T is a sentence of the catalogue.
func (r *Request) T(key string, pairs ...any) string { return r.Core.Catalog.T(key, pairs...) }

// Say is the sentence of an error's message.
func (r *Request) Say(m errs.Message) string { return r.Core.Catalog.Render(m.Key, m.Args) }

// Faults turns the faulty fields of an Invalid error into sentences; ok is
// false for any other error.
func (r *Request) Faults(err error) (map[string]string, bool) {
	e := errs.As(err)
	if e == nil || e.Kind != errs.Invalid || len(e.Fields) == 0 {
		return nil, false
	}
	out := make(map[string]string, len(e.Fields))
	for f, m := range e.Fields {
		out[f] = r.Say(m)
	}
	return out, true
}
