package documents

import (
	"archive/zip"
	"context"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"marelle/internal/kernel/file"
	"marelle/internal/platform/blob"
	"marelle/internal/platform/i18n"
	"marelle/internal/platform/web"
)

// paths gives each entry its place in a ZIP, without two of the same name in a
// folder, whatever their capitals and accents. What lies in a folder that the
// reader may not open is left out; what has no bytes yet keeps its name.
func paths(list []Entry) []string {
	children := map[string][]int{}
	for n, e := range list {
		children[e.Parent] = append(children[e.Parent], n)
	}
	out := make([]string, len(list))
	var walk func(at, before string)
	walk = func(at, before string) {
		taken := map[string]int{} // by name, the suffix that comes next
		for _, n := range children[at] {
			e := list[n]
			name := file.ZipName(file.Named(e.Name, e.Type))
			stem, ext := name, ""
			if dot := strings.LastIndexByte(name, '.'); dot > 0 && !e.Folder {
				stem, ext = name[:dot], name[dot:]
			}
			same := i18n.Fold(name)
			for k := max(2, taken[same]); taken[i18n.Fold(name)] > 0; k++ {
				name = stem + " (" + strconv.Itoa(k) + ")" + ext
				taken[same] = k + 1
			}
			taken[i18n.Fold(name)] = max(2, taken[i18n.Fold(name)])
			out[n] = before + name
			if e.Folder {
				out[n] += "/"
				walk(e.ID, out[n])
			}
		}
	}
	walk("", "")
	return out
}

// packed says whether a type of file gains nothing by being packed again.
func packed(kind string) bool {
	for _, p := range []string{"image/", "audio/", "video/", "application/pdf", "application/zip", "application/vnd."} {
		if strings.HasPrefix(kind, p) {
			return true
		}
	}
	return false
}

// archive streams entries as a ZIP without a copy on the disk. The list was
// read before: no transaction is open meanwhile. Once bytes have left nothing
// can be said any more, so a fault cuts the line, and the browser tells that
// the download failed.
func archive(store blob.Store, name string, list []Entry, left leftOut, now time.Time) web.Response {
	return web.Func(func(w http.ResponseWriter, r *http.Request) error {
		web.Attach(w, name, "application/zip")
		if err := write(r.Context(), store, zip.NewWriter(w), list, left, now); err != nil {
			panic(http.ErrAbortHandler)
		}
		return nil
	})
}

// leftOut is the text that a ZIP holds when it lacks something: a person sees
// then that it is not all there, and what to do.
type leftOut struct {
	name string
	head string
	line func(e Entry, at string) string
}

func write(ctx context.Context, store blob.Store, z *zip.Writer, list []Entry, left leftOut, now time.Time) error {
	names := paths(append(list[:len(list):len(list)], Entry{Name: left.name}))
	var missing []string
	for n, e := range list {
		at := names[n]
		switch {
		case at == "":
			continue
		case !e.Folder && e.Blob == "":
			missing = append(missing, left.line(e, at))
			continue
		}
		h := &zip.FileHeader{Name: at, Modified: time.UnixMilli(e.ChangedAt).In(now.Location()), Method: zip.Deflate}
		if e.Folder || packed(e.Type) {
			h.Method = zip.Store
		}
		to, err := z.CreateHeader(h)
		if err != nil {
			return fmt.Errorf("zip: %w", err)
		}
		if e.Folder {
			continue
		}
		if err := file.Pour(ctx, store, to, e.Blob); err != nil {
			return fmt.Errorf("zip: %w", err)
		}
	}
	if len(missing) > 0 {
		to, err := z.CreateHeader(&zip.FileHeader{Name: names[len(list)], Modified: now, Method: zip.Deflate})
		if err != nil {
			return fmt.Errorf("zip: %w", err)
		}
		if _, err := io.WriteString(to, left.head+"\r\n\r\n"+strings.Join(missing, "\r\n")+"\r\n"); err != nil {
			return fmt.Errorf("zip: %w", err)
		}
	}
	return z.Close()
}
