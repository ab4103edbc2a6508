package documents

import (
	"marelle/internal/kernel/file"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/web"
)

// played says whether the item is heard or seen in its page.
func (v view) played() bool { return v.item.Is("audio/") || v.item.Is("video/") }

// pdf says whether the item is read in a tab of its own.
func (v view) pdf() bool { return v.item.Type == "application/pdf" }

// film is the item as it is played: to its owner what they sent, until there is
// what everybody plays.
func (v view) film() file.File {
	return file.File{ID: v.item.File, Name: v.item.Name, Type: v.item.Type, Width: v.look.Width, Height: v.look.Height, Covered: v.look.Cover}
}

// playing is the part of a page that changes when a file can be played.
func (h handler) playing(v view) (web.Response, error) {
	if !v.played() {
		return nil, errs.ErrNotFound
	}
	var err error
	if v.look, err = file.LookAt(v.r.Context(), h.core.DB, v.r.Viewer.Person, v.item.File); err != nil {
		return nil, err
	}
	v.alone = true
	return web.Page(playing(v)), nil
}

func (v view) preparing() string {
	if v.look.Own {
		return "documents.preparing_own"
	}
	return "documents.preparing"
}

func (v view) unplayed() string {
	if v.look.Own {
		return "documents.unplayed_own"
	}
	return "documents.unplayed"
}
