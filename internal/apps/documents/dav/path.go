package dav

import (
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

// step is one name of a way, in the forms in which it may have been kept: as it
// came, composed as we write it and decomposed as Macs do; and, for one of
// several of the same name, that name and the end of its id.
type step struct {
	raw, composed, decomposed string
	key, rawKey               string // as names are found: folded
	base, baseKey, tail       string
}

// nameMax is the longest name that a way may hold, in bytes: 120 characters of
// documents, all of them of four bytes and decomposed.
const nameMax = 1000

// longest is how many names a way has: twelve folders within folders, a file,
// and the roots above them.
const longest = 16

// split cuts the path of a request into names. What no document can be called is
// refused; what climbs is, too.
func split(name string) ([]string, error) {
	name = strings.Trim(name, "/")
	if name == "" {
		return nil, nil
	}
	parts := strings.Split(name, "/")
	if len(parts) > longest {
		return nil, errs.New(errs.Invalid, "dav.name")
	}
	for _, p := range parts {
		if p == "" || p == "." || p == ".." || len(p) > nameMax || !utf8.ValidString(p) || strings.ContainsFunc(p, func(r rune) bool {
			return r < ' ' || r == 0x7f || r == '\\' || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069
		}) {
			return nil, errs.New(errs.Invalid, "dav.name")
		}
	}
	return parts, nil
}

func stepOf(name string) step {
	s := step{raw: name, composed: clean(name), decomposed: norm.NFD.String(name)}
	s.key, s.rawKey = i18n.Fold(s.composed), i18n.Fold(name)
	// "plan [3f9c2b].pdf"
	stem, ext := stemOf(name)
	if i := len(stem) - len(" [000000]"); i > 0 && strings.HasPrefix(stem[i:], " [") && strings.HasSuffix(stem, "]") {
		s.base, s.tail = stem[:i]+ext, stem[i+2:len(stem)-1]
		s.baseKey = i18n.Fold(s.base)
	}
	return s
}

// clean is a name as we write it: composed, with single spaces.
func clean(name string) string { return strings.Join(strings.Fields(norm.NFC.String(name)), " ") }

func stemOf(name string) (stem, ext string) {
	ext = path.Ext(name)
	return strings.TrimSuffix(name, ext), ext
}

// called gives the nodes of one folder names that differ: documents may have two
// of one name, a disk may not. The first that was made keeps it, the others show
// the end of their ids.
func called(nodes []node) []string {
	taken := map[string]bool{}
	out := make([]string, len(nodes))
	for n, i := range nodes { // by id: in the order in which they were made
		name := i.Name
		if taken[name] {
			stem, ext := stemOf(name)
			name = stem + " [" + i.ID[30:] + "]" + ext
		}
		taken[name] = true
		out[n] = name
	}
	return out
}

// junk says that a name is what a system or a program leaves for itself: kept, it
// would lie between the documents of everybody who shares the folder.
func junk(name string) bool {
	switch strings.ToLower(name) {
	case ".ds_store", "thumbs.db", "desktop.ini", "ehthumbs.db", ".localized", ".hidden", "autorun.inf", "$recycle.bin", "system volume information":
		return true
	}
	for _, begin := range []string{"._", ".spotlight-", ".trash", ".fseventsd", ".temporaryitems", ".metadata_never_index", ".apdisk", ".documentrevisions-", "~$", ".~lock.", ".directory", ".nfs", ".fuse_hidden"} {
		if strings.HasPrefix(strings.ToLower(name), begin) {
			return true
		}
	}
	return false
}
