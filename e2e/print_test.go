package e2e

import (
	"bytes"
	"image"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"marelle/internal/testkit/browser"
	"marelle/internal/testkit/testapp"
)

// TestPaper prints the pages that people pin up, hand out and file: what they
// say is all there, the navigation is not, black on white, nothing runs over
// the edge of the sheet.
func TestPaper(t *testing.T) {
	t.Parallel()
	s := testapp.Serve(t)
	b := browser.Start(t)
	word := "/carnet/" + s.One(`SELECT id FROM word WHERE title LIKE 'Sortie en baie%' ORDER BY published_at DESC LIMIT 1`)
	class := "/classe/" + s.One(`SELECT c.id FROM class c JOIN school s ON s.id = c.school WHERE c.label = 'CE1 B' AND s.uai = '0809876A'`)
	for _, p := range []struct {
		name, login, path string
		theme             string
		sheets            int // at most
		says              []string
	}{
		{"mot", "nadia.kermadec", word, "sombre", 1, []string{"Sortie en baie de Somme", "un pique-nique froid", "Hélène Duvivier"}},
		{"suivi", "helene.duvivier", word, "", 2, []string{"Sortie en baie de Somme", "/27", "familles ont lu", "Pas encore lu", "Capucine Ziane"}},
		{"suivi-detail", "helene.duvivier", word + "/suivi", "sombre", 4, []string{"Suivi de lecture", "Sortie en baie de Somme", "/27", "familles ont lu", "Famille d’Inès Kermadec", "Nadia Kermadec", "Famille de Capucine Ziane"}},
		{"mots", "nadia.kermadec", "/carnet", "", 3, []string{"Sortie en baie de Somme", "Réunion de rentrée"}},
		{"absences", "claire.fontaine", "/carnet/absences", "sombre", 1, []string{"lundi 23 novembre", "CM2", "Emma Aubry", "Maladie"}},
		{"classe", "helene.duvivier", class, "contraste", 3, []string{"Ma classe", "27 élèves", "Inès Kermadec", "Capucine Ziane", "Compte actif", "2 sur 2"}},
		{"familles", "helene.duvivier", class + "/familles", "", 4, []string{"Nadia Kermadec", "Youssef Kermadec", "À signer"}},
		{"fiches", "helene.duvivier", class + "/fiches", "", 8, []string{"Identifiant", "Héloïse Cousin", "heloise.cousin", "agathe.fauvel"}},
		{"affiche", "", "/charte/affiche", "", 3, []string{"Notre charte", "Mon mot de passe et mon code sont à moi", "226-8-1", "J’ai le droit de demander"}},
		{"charte", "", "/charte", "dyslexie", 4, []string{"226-8-1", "Version 1"}},
		{"accueil", "nadia.kermadec", "/", "sombre", 3, []string{"Sortie en baie de Somme"}},
		{"ecole", "claire.fontaine", "/ecole", "", 2, []string{"École des Marronniers"}},
	} {
		t.Run(p.name, func(t *testing.T) {
			tab := b.Tab(t, browser.Desktop)
			if p.login != "" {
				name, value := s.Cookie(p.login)
				tab.SetCookie(s.URL, name, value)
			}
			tab.Go(s.URL + p.path)
			if p.name == "fiches" {
				tab.Click("Voir à l'écran")
			}
			for _, theme := range browser.Themes {
				if theme.Name == p.theme {
					tab.SetTheme(theme)
				}
			}
			sheets := paper(t, p.name, tab.Print())
			if len(sheets.pages) == 0 || len(sheets.pages) > p.sheets {
				t.Errorf("%d sheets, want %d at most", len(sheets.pages), p.sheets)
			}
			for _, w := range p.says {
				if !strings.Contains(sheets.text, w) {
					t.Errorf("the paper does not say %q:\n%s", w, sheets.text)
				}
			}
			for _, w := range []string{"Aller au contenu", "Chercher un mot", "Se déconnecter", "Mentions légales\n", "Réglages", "Annuler"} {
				if strings.Contains(sheets.text, w) {
					t.Errorf("the paper shows the navigation: %q", w)
				}
			}
			for i, m := range sheets.pages {
				dark, edge := ink(m)
				if dark > 0.35 {
					t.Errorf("sheet %d is covered with ink: %.0f %%", i+1, dark*100)
				}
				if edge {
					t.Errorf("sheet %d: something runs over the edge", i+1)
				}
			}
		})
	}
}

type printed struct {
	text  string
	pages []image.Image
}

// paper reads a PDF back: its words, and each sheet as a picture.
func paper(t *testing.T, name string, pdf []byte) (p printed) {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "page.pdf")
	if err := os.WriteFile(file, pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	text, err := exec.Command("pdftotext", "-layout", file, "-").Output()
	if err != nil {
		t.Fatalf("pdftotext (package poppler-utils): %v", err)
	}
	p.text = strings.NewReplacer("\u00a0", " ", "\u202f", " ").Replace(string(text))
	if out, err := exec.Command("pdftoppm", "-r", "60", "-png", file, filepath.Join(dir, "sheet")).CombinedOutput(); err != nil {
		t.Fatalf("pdftoppm (package poppler-utils): %v %s", err, out)
	}
	files, err := filepath.Glob(filepath.Join(dir, "sheet*.png"))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		data, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		m, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		p.pages = append(p.pages, m)
	}
	if to := os.Getenv(browser.ScreenshotsEnv); to != "" {
		if err := os.MkdirAll(to, 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(to, "papier-"+name+".pdf"), pdf, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// ink is the part of a sheet that is not white, and whether any of it lies
// within 5 mm of the edge, where no printer prints.
func ink(m image.Image) (part float64, edge bool) {
	b := m.Bounds()
	margin := b.Dx() * 5 / 210
	marked := 0
	for y := b.Min.Y; y < b.Max.Y; y++ {
		for x := b.Min.X; x < b.Max.X; x++ {
			r, g, bl, _ := m.At(x, y).RGBA()
			if min(r, g, bl) > 0xe000 {
				continue
			}
			marked++
			if x < b.Min.X+margin || y < b.Min.Y+margin || x >= b.Max.X-margin || y >= b.Max.Y-margin {
				edge = true
			}
		}
	}
	return float64(marked) / float64(b.Dx()*b.Dy()), edge
}
