package liaison

import (
	"context"
	"mime/multipart"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
)

// pieces takes the files that came with a form, after those that an earlier
// try left: what is neither shown there already nor the viewer's own, or is no
// file at all, is not kept.
func (h handler) pieces(r *app.Request, tried []string, shown ...file.File) ([]string, []file.Received, error) {
	kept, err := file.Own(r.Context(), h.core.DB, r.Viewer.Person, tried[:min(len(tried), filesMax)]...)
	if err != nil {
		return nil, nil, err
	}
	var ids []string
	for _, f := range among(append(shown, kept...), tried) {
		ids = append(ids, f.ID)
	}
	var pieces []*multipart.FileHeader
	if r.MultipartForm != nil {
		pieces = r.MultipartForm.File["piece"]
	}
	if len(tried)+len(pieces) > filesMax {
		return ids, nil, errs.Field("piece", "liaison.files_many", "n", filesMax)
	}
	var out []file.Received
	for _, head := range pieces {
		got, err := h.receive(r, head)
		if err != nil {
			return ids, nil, err
		}
		out = append(out, got)
		ids = append(ids, got.ID)
	}
	return ids, out, nil
}

func (h handler) receive(r *app.Request, head *multipart.FileHeader) (file.Received, error) {
	in, err := head.Open()
	if err != nil {
		return file.Received{}, err
	}
	defer in.Close()
	return file.Receive(r.Context(), h.core, r.Grant.School(), r.Viewer.Person, head.Filename, in)
}

func record(ctx context.Context, tx *db.Tx, g rights.Grant, now time.Time, received []file.Received) error {
	for _, f := range received {
		if err := file.Record(ctx, tx, g, now, f); err != nil {
			return err
		}
	}
	return nil
}
