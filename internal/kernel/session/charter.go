package session

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/audit"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

//go:embed charter/*.txt
var charters embed.FS

// Charter is one version of the text that everybody accepts before they enter.
// A text once published is never edited: a change is a new file and a new
// charterVersion, which asks everyone again.
type Charter struct {
	Version   int
	Hash      string    // SHA-256 of the whole file, in hexadecimal
	Published time.Time // midnight, UTC
	Simple    []Rule    // for adults
	Pupil     []Rule    // for children, in their words
	Full      []Block
}

// Rule is a sentence of the simplified charter: what stands out, and the rest.
type Rule struct{ Icon, Paint, Bold, Rest string }

// Block is a piece of the full text: "h1", "h2", "p" with one line, or "ul".
type Block struct {
	Kind  string
	Lines []string
}

// readCharter reads a version of the text. The files are part of the program:
// a fault in one cannot pass any test.
func readCharter(version int) (Charter, error) {
	b, err := charters.ReadFile(fmt.Sprintf("charter/%d.txt", version))
	if err != nil {
		return Charter{}, err
	}
	sum := sha256.Sum256(b)
	c := Charter{Version: version, Hash: hex.EncodeToString(sum[:])}
	part := ""
	for n, line := range strings.Split(string(b), "\n") {
		line = i18n.Spaces(strings.TrimSpace(line))
		switch word, rest, _ := strings.Cut(line, " "); {
		case line == "":
		case word == "@version":
			if rest != fmt.Sprint(version) {
				return Charter{}, fmt.Errorf("charter %d says that it is version %s", version, rest)
			}
		case word == "@published":
			if c.Published, err = time.Parse("2006-01-02", rest); err != nil {
				return Charter{}, fmt.Errorf("charter %d: %w", version, err)
			}
		case strings.HasPrefix(line, "@"):
			part = line
		case part == "@simple" || part == "@pupil":
			cell := strings.Split(line, "|")
			look := strings.Fields(cell[0])
			if len(cell) != 3 || len(look) != 2 {
				return Charter{}, fmt.Errorf("charter %d, line %d: expected icon, paint, bold words and the rest", version, n+1)
			}
			r := Rule{Icon: look[0], Paint: look[1], Bold: strings.TrimSpace(cell[1]), Rest: strings.TrimSpace(cell[2])}
			if part == "@simple" {
				c.Simple = append(c.Simple, r)
			} else {
				c.Pupil = append(c.Pupil, r)
			}
		case part == "@full":
			c.Full = addBlock(c.Full, word, rest, line)
		default:
			return Charter{}, fmt.Errorf("charter %d, line %d: text outside of any part", version, n+1)
		}
	}
	return c, nil
}

func addBlock(list []Block, mark, rest, line string) []Block {
	switch mark {
	case "#":
		return append(list, Block{"h1", []string{rest}})
	case "##":
		return append(list, Block{"h2", []string{rest}})
	case "-":
		if n := len(list); n > 0 && list[n-1].Kind == "ul" {
			list[n-1].Lines = append(list[n-1].Lines, rest)
			return list
		}
		return append(list, Block{"ul", []string{rest}})
	}
	return append(list, Block{"p", []string{line}})
}

// AcceptCharter records that a person accepted the charter in force on screen.
// A second acceptance of the same text changes nothing.
func AcceptCharter(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, person string) error {
	if v := g.Viewer(); v != nil && v.Person != person {
		return errs.ErrDenied // nobody promises for somebody else
	}
	return accept(ctx, tx, core, g, person, "")
}

// NotePaperCharter records that the holder of g saw the charter signed on paper
// by a person, or takes that back. Paper gives nobody access: each person still
// accepts on screen when they first enter.
func NotePaperCharter(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, person string, signed bool) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	if v := g.Viewer(); v != nil && !v.Is(rights.Operator) {
		if _, err := charge.Resolve(ctx, tx, v, person); err != nil {
			return err
		}
	}
	if signed {
		if already, err := PaperCharters(ctx, tx, []string{person}); err != nil || already[person] {
			return err
		}
		return accept(ctx, tx, core, g, person, g.Actor())
	}
	n, err := tx.Exec(ctx, `DELETE FROM charter_acceptance WHERE person = $1 AND version = $2 AND paper_by <> ''`, person, charterVersion)
	if err != nil || n == 0 {
		return err
	}
	return audit.Note(ctx, tx, g, core.Clock.Now(), "charter.paper_undone", person, fmt.Sprint(charterVersion))
}

// PaperCharters says which of the persons signed the charter in force on paper.
func PaperCharters(ctx context.Context, q db.Querier, persons []string) (map[string]bool, error) {
	list, args := db.In([]any{charterVersion}, persons)
	signed, err := db.All[string](ctx, q, `SELECT DISTINCT person FROM charter_acceptance WHERE version >= $1 AND paper_by <> '' AND person IN (`+list+`)`, args...)
	out := make(map[string]bool, len(signed))
	for _, p := range signed {
		out[p] = true
	}
	return out, err
}

func accept(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, person, paperBy string) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	c, err := readCharter(charterVersion)
	if err != nil {
		return err
	}
	now := core.Clock.Now()
	if _, err := tx.Exec(ctx, `INSERT INTO charter_version (version, hash, published_at) VALUES ($1, $2, $3) ON CONFLICT (version) DO NOTHING`,
		c.Version, c.Hash, c.Published.UnixMilli()); err != nil {
		return err
	}
	n, err := tx.Exec(ctx, `INSERT INTO charter_acceptance (person, version, hash, at, paper_by) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (person, version, paper_by) DO NOTHING`,
		person, c.Version, c.Hash, now.UnixMilli(), paperBy)
	if err != nil || n == 0 {
		return err
	}
	action := "charter.accept"
	if paperBy != "" {
		action = "charter.paper"
	}
	return audit.Note(ctx, tx, g, now, action, person, fmt.Sprint(c.Version))
}

// acceptance is when a person accepted the charter in force on screen.
func acceptance(ctx context.Context, q db.Querier, person string) (at int64, ok bool, err error) {
	return db.One[int64](ctx, q, `SELECT max(at) FROM charter_acceptance WHERE person = $1 AND version = $2 AND paper_by = '' HAVING count(*) > 0`, person, charterVersion)
}
