package tell

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/notify"
	"marelle/internal/platform/web"
)

const (
	// beat is how often an open page hears something, so that nothing on the way
	// takes the line for dead.
	beat = 25 * time.Second
	// stay is how long one stream lasts: the page comes back through the door.
	stay = 30 * time.Minute
)

// live is the stream of an open page: how much came since the instant that the
// page says, then what arrives. Who asks for no stream is told the first and sent
// away.
func (h handler) live(r *app.Request) (web.Response, error) {
	first, err := h.since(r)
	if err != nil {
		return nil, err
	}
	var seat *notify.Seat
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		if seat, err = h.core.Live.Sit(r.Viewer); err != nil {
			return nil, err
		}
	}
	live := h.core.Live
	return web.Func(func(w http.ResponseWriter, req *http.Request) error {
		if seat != nil {
			defer live.Leave(seat)
		}
		return stream(w, req, seat, first)
	}), nil
}

// since is what came after the page was drawn, nil when nothing did.
func (h handler) since(r *app.Request) (*notify.Arrived, error) {
	after, err := strconv.ParseInt(r.URL.Query().Get("depuis"), 10, 64)
	if err != nil || after <= 0 {
		return nil, nil // absent, or not one of our addresses
	}
	n, err := notify.Since(r.Context(), h.core.DB, r.Viewer, after)
	if err != nil || n == 0 {
		return nil, err
	}
	counts, err := notify.Unread(r.Context(), h.core.DB, r.Viewer)
	return &notify.Arrived{Plus: n, Services: counts.Services}, err
}

func stream(w http.ResponseWriter, r *http.Request, seat *notify.Seat, first *notify.Arrived) error {
	out := web.Events(w)
	tell := func(a notify.Arrived) bool {
		data, err := json.Marshal(a)
		return err == nil && out.Say("event: arrive\ndata: "+string(data)+"\n\n")
	}
	if !out.Say("retry: 10000\n\n") || first != nil && !tell(*first) || seat == nil {
		return nil
	}
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	end := time.NewTimer(stay)
	defer end.Stop()
	for ok := true; ok; {
		select {
		case <-r.Context().Done():
			return nil
		case <-end.C:
			return nil
		case <-seat.Gone:
			if seat.Over {
				out.Say("event: fin\ndata: {}\n\n")
			}
			return nil
		case a := <-seat.Arrived:
			ok = tell(a)
		case <-ticker.C:
			ok = out.Say(":\n\n")
		}
	}
	return nil
}
