package file

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"marelle/internal/kernel/app"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/web"
)

// Bounds of a form: the values beside the files, and how many parts there are.
const (
	valuesMax = 256 << 10
	partsMax  = 2000
)

// Form reads a multipart form that brings files, most of them at most, each kept
// in the school as it comes: none waits for the others in memory or on disk.
// Whatever of ReceiveAny is taken, in any field. A file that is refused does not
// stop the others: the error beside what came is then the form's, under "piece".
func Form(r *app.Request, school string, most int) (url.Values, []Received, error) {
	if !strings.HasPrefix(r.Header.Get("Content-Type"), "multipart/form-data") {
		values, err := r.Values()
		return values, nil, err
	}
	r.Body = http.MaxBytesReader(r.W, web.Steady(r.W, r.Request), int64(most)*r.Core.UploadMax+valuesMax)
	parts, err := r.MultipartReader()
	if err != nil {
		return nil, nil, errs.Wrap(errs.Invalid, err, "error.form")
	}
	values, faults := url.Values{}, errs.Fields{}
	// What came is given back by whoever refuses the form.
	r.PostForm, r.MultipartForm = values, &multipart.Form{File: map[string][]*multipart.FileHeader{}}
	var got []Received
	room, came := int64(valuesMax), int64(0)
	for range partsMax {
		part, err := parts.NextPart()
		if err == io.EOF {
			return values, got, faults.Err()
		}
		if err != nil {
			return values, got, broken(err)
		}
		if part.FileName() != "" {
			r.MultipartForm.File[part.FormName()] = nil
		}
		switch {
		case part.FileName() != "" && len(got) == most:
			faults.Add("piece", "file.many", "n", most)
		case part.FileName() != "":
			// Whoever has no room left does not fill the store with what is swept a day
			// later.
			var one Received
			err := Room(r.Context(), r.Core.DB, r.Core.Clock.Now(), school, r.Viewer.Person, came+1)
			if err == nil {
				one, err = ReceiveAny(r.Context(), r.Core, school, r.Viewer.Person, part.FileName(), sent{part})
			}
			if err := note(r, faults, part, err); err != nil {
				return values, got, err
			}
			if err == nil {
				got, came = append(got, one), came+one.Size
			}
		case part.Header.Get("Content-Type") == "application/octet-stream": // a field of files left empty
		default:
			b, err := io.ReadAll(io.LimitReader(part, room+1))
			if err != nil {
				return values, got, broken(err)
			}
			if room -= int64(len(b)); room < 0 {
				return values, got, errs.New(errs.TooLarge, "error.too_large")
			}
			values.Add(part.FormName(), strings.ReplaceAll(strings.ToValidUTF8(string(b), ""), "\x00", ""))
		}
	}
	return values, got, errs.New(errs.Invalid, "error.form")
}

// note keeps the fault of one file, by its name, and gives back what ends the form.
func note(r *app.Request, faults errs.Fields, part *multipart.Part, err error) error {
	e := errs.As(err)
	if e == nil || e.Kind != errs.Invalid || len(e.Fields) == 0 {
		return err
	}
	for field, m := range e.Fields {
		faults.Add(field, "file.of", "name", clean(part.FileName()), "fault", r.Say(m))
	}
	return nil
}

// sent reads a part, and marks what goes wrong with it as the sender's.
type sent struct{ *multipart.Part }

func (s sent) Read(p []byte) (int, error) {
	n, err := s.Part.Read(p)
	if err != nil && err != io.EOF {
		err = broken(err)
	}
	return n, err
}

// broken is a body that is too long, ends early, lingers or is no form.
func broken(err error) error {
	var big *http.MaxBytesError
	if errors.As(err, &big) {
		return errs.Wrap(errs.TooLarge, err, "error.too_large")
	}
	return errs.Wrap(errs.Invalid, err, "error.form")
}
