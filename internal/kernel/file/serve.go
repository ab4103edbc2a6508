package file

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/id"
	"marelle/internal/platform/media"
	"marelle/internal/platform/web"
)

// readable holds of a file f that a person may have: their own while they belong
// to its school, and what an item shows that they may read. It takes the
// parameters of the person and of the moment, and the scope of a resource r.
const readable = `((f.owner = %[1]s AND f.school IN (SELECT m.school FROM membership m
	WHERE m.person = %[1]s AND m.valid_from <= %[2]s AND m.valid_to > %[2]s)) OR EXISTS (SELECT 1 FROM file_use u JOIN resource r ON r.id = u.resource
	WHERE u.file = f.id AND %[3]s))`

const pdf = "application/pdf"

// readPolicy is the policy of a PDF that is read in a tab of its own. Safari and
// older Chromium show none in a sandbox: the reader is a program of the browser's,
// with what scripts a PDF has shut in it. What is let through is what readers need,
// a style and the object itself; the bytes are a PDF to every browser, whatever they
// hold (nosniff), and no page puts it in a frame.
const readPolicy = "default-src 'none'; style-src 'unsafe-inline'; object-src 'self'; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"

// serve streams one form of a file to whoever may read an item that shows it,
// checked at each request. The source of sound and video, which tells more than
// what is heard and seen, is its owner's, and the original for them alone until
// there is one. A PDF is read in its tab when the address asks for it; anything else
// that is opened alone is saved. From a folder the bytes go from disk to socket
// without passing through the program.
func serve(r *app.Request) (web.Response, error) {
	file, name := r.PathValue("id"), r.PathValue("variant")
	if !id.Valid(file) {
		return nil, errs.ErrNotFound
	}
	may := r.Viewer.Scope()
	scope, args := may.Where("r", rights.Read, []any{may.Person(), may.At(), file, name})
	v, ok, err := db.One[struct {
		Name, Blob, Type string
		Size             int64
		Modified         int64
	}](r.Context(), r.Core.DB, fmt.Sprintf(`SELECT f.name, v.blob, v.type, v.size, CASE WHEN f.retouched_at > 0 THEN f.retouched_at ELSE f.created_at END AS modified FROM file_variant v JOIN file f ON f.id = v.file
		WHERE v.file = $3 AND (v.name = $4 OR $4 = 'original' AND v.name = 'source') AND (v.name <> 'source' OR f.owner = $1) AND `+readable+` ORDER BY CASE WHEN v.name = $4 THEN 0 ELSE 1 END LIMIT 1`, "$1", "$2", scope), args...)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, errs.ErrNotFound
	}
	return web.Func(func(w http.ResponseWriter, hr *http.Request) error {
		in, err := r.Core.Blobs.OpenRange(hr.Context(), v.Blob, 0, -1)
		if err != nil {
			return fmt.Errorf("file: %w", err)
		}
		defer in.Close()
		h := w.Header()
		h.Set("Content-Type", media.Served(v.Type))
		// Alone in a tab it is a download without any power.
		h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
		disposition := "attachment"
		family, _, _ := strings.Cut(v.Type, "/")
		if dest := hr.Header.Get("Sec-Fetch-Dest"); dest == family && (dest == "image" || dest == "audio" || dest == "video") {
			disposition = "inline"
		}
		if v.Type == pdf && hr.URL.Query().Has("ouvrir") {
			disposition = "inline"
			h.Set("Content-Security-Policy", readPolicy)
		}
		h.Set("Content-Disposition", web.Disposition(disposition, Named(v.Name, v.Type)))
		h.Set("Cache-Control", "private, no-cache")
		h.Set("ETag", `"`+v.Blob[strings.LastIndexByte(v.Blob, '/')+1:]+`"`)
		seek, ok := in.(io.ReadSeeker)
		if !ok {
			return fmt.Errorf("file: the store gave no seekable reader")
		}
		http.ServeContent(w, hr, "", time.UnixMilli(v.Modified), seek)
		return nil
	}), nil
}
