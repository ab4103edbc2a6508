// Command view serves the kit on the loopback, under the policy of production,
// for whoever works on the look: go run ./internal/ui/build/view -addr :8099
package main

import (
	"flag"
	"log"
	"net/http"

	"marelle/internal/platform/i18n"
	"marelle/internal/ui"
)

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; font-src 'self'; connect-src 'self'; media-src 'self' blob:; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

func main() {
	addr := flag.String("addr", "127.0.0.1:8099", "address to listen on")
	flag.Parse()
	c, err := i18n.New(ui.Messages)
	if err != nil {
		log.Fatal(err)
	}
	mux := http.NewServeMux()
	mux.Handle(ui.Prefix, ui.Assets())
	mux.Handle("/kit", ui.KitHandler())
	mux.Handle("/kit/", ui.KitHandler())
	log.Fatal(http.ListenAndServe(*addr, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", policy)
		mux.ServeHTTP(w, r.WithContext(i18n.With(r.Context(), c)))
	})))
}
