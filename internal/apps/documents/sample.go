package documents

import (
	"bytes"
	"context"
	"strings"
	"time"

	"codeberg.org/go-pdf/fpdf"

	"marelle/internal/kernel/app"
	"marelle/internal/kernel/file"
	"marelle/internal/kernel/people"
	"marelle/internal/kernel/rights"
	"marelle/internal/platform/db"
	"marelle/internal/platform/id"
)

// sampleFolder is a folder that any teacher could have, with short texts in it.
type sampleFolder struct {
	name   string
	shared []string // with whom of the class
	files  []sampleFile
}

type sampleFile struct{ name, text string }

var sampleFolders = []sampleFolder{
	{"Lecture", []string{"pupil"}, []sampleFile{
		{"Le loup, épisode 3.txt", "Le loup gratta à la porte.\n\n« Qui est là ? » demanda le plus petit.\n\nPersonne ne répondit. Dehors, la neige tombait sans bruit."},
		{"Mots de la semaine.txt", "lundi : le phare, la marée, le sable\nmardi : un phoque, une mouette, un galet\njeudi : il nage, elle plonge, nous regardons"},
	}},
	{"Calcul et mesures", nil, []sampleFile{
		{"Tables de 2 à 5.txt", "2 × 3 = 6\n3 × 4 = 12\n4 × 5 = 20\n5 × 5 = 25"},
	}},
	{"Baie de Somme", []string{"relative", "pupil"}, []sampleFile{
		{"Ce qu'il faut emporter.pdf", "Des bottes, un coupe-vent, un bonnet.\nUn pique-nique froid et une gourde.\nUn petit sac à dos que l'enfant porte seul."},
		{"Programme de la journée.txt", "8 h 15 : rendez-vous devant l'école\n10 h : marche avec la guide\n12 h : pique-nique au phare\n14 h : les phoques, à la longue-vue\n17 h : retour"},
	}},
	{"École dehors", []string{"teacher"}, nil},
}

// sample gives the teachers of CE1 B some folders. The demonstration has files
// in them; a test brings its own, whose bytes lie with its copy of the database.
func sample(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time) error {
	if err := g.Confirm(ctx, tx); err != nil {
		return err
	}
	classes, err := people.Classes(ctx, tx, g.School(), people.Year(now))
	if err != nil {
		return err
	}
	for _, c := range classes {
		if c.Label != "CE1 B" {
			continue
		}
		teacher, err := db.Value[string](ctx, tx, `SELECT min(person) FROM class_member WHERE class = $1 AND profile = 'teacher'`, c.ID)
		if err != nil {
			return err
		}
		for n, f := range sampleFolders {
			if err := f.make(ctx, tx, core, g, now.AddDate(0, 0, n-8), teacher, c.ID); err != nil {
				return err
			}
		}
	}
	return nil
}

func (f sampleFolder) make(ctx context.Context, tx *db.Tx, core *app.Core, g rights.Grant, now time.Time, owner, class string) error {
	top := node{School: g.School(), Owner: owner}
	made := Item{ID: id.New(), Author: owner, Folder: true, Name: f.name}
	if err := put(ctx, tx, core, g, now, top, []Item{made}); err != nil {
		return err
	}
	var rows [][]any
	for _, whom := range f.shared {
		rows = append(rows, []any{made.ID, "class:" + class + ":" + whom, int(rights.Read), now.UnixMilli()})
	}
	if _, err := db.Insert(ctx, tx, `INSERT INTO document_share (node, principal, role, at) VALUES `, "", rows); err != nil {
		return err
	}
	var items []Item
	for _, s := range f.files {
		if !core.Demo {
			break
		}
		b, err := s.bytes()
		if err != nil {
			return err
		}
		got, err := file.ReceiveAny(ctx, core, g.School(), owner, s.name, bytes.NewReader(b))
		if err != nil {
			return err
		}
		if err := file.Record(ctx, tx, g, now, got); err != nil {
			return err
		}
		items = append(items, Item{ID: id.New(), Author: owner, Parent: made.ID, Name: got.Name, File: got.ID})
	}
	if err := put(ctx, tx, core, g, now, top, items); err != nil {
		return err
	}
	return regrant(ctx, tx, g, made.ID)
}

func (s sampleFile) bytes() ([]byte, error) {
	if !strings.HasSuffix(s.name, ".pdf") {
		return []byte(s.text), nil
	}
	p := fpdf.New("P", "mm", "A5", "")
	p.AddPage()
	p.SetFont("Helvetica", "", 14)
	latin := p.UnicodeTranslatorFromDescriptor("")
	p.MultiCell(0, 9, latin(s.text), "", "", false)
	var b bytes.Buffer
	err := p.Output(&b)
	return b.Bytes(), err
}
