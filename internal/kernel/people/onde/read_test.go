package onde

import (
	"bytes"
	"fmt"
	"os"
	"reflect"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/text/encoding/charmap"
	uni "golang.org/x/text/encoding/unicode"
	"golang.org/x/text/unicode/norm"

	"marelle/internal/platform/errs"
)

const (
	recentPupils = "Nom élève;Nom d'usage élève;Prénom élève;Date naissance;Sexe;INE;Adresse1;Cp1;Commune1;Pays1;Adresse2;Cp2;Commune2;Pays2; Cycle;Niveau;Libellé classe;Identifiant classe;Attestation fournie;Autorisation associations;Autorisation photo;Décision de passage\r\n"
	olderPupils  = `"Nom Elève";"Nom d'usage Elève";"Prénom Elève";"Date naissance";"Sexe";"Adresse1";"Cp1";"Commune1";"Pays1";"Adresse2";"Cp2";"Commune2";"Pays2";" Cycle";"Niveau";"Classe";"Attestation fournie";"Autorisations associations";"Autorisations photos";"Décision de passage"` + "\r\n"
	recentAdults = "Civilité Responsable;Nom usage responsable;Nom responsable;Prénom responsable;Adresse responsable;CP responsable;Commune responsable;Pays;Courriel;Téléphone domicile;Téléphone travail;Téléphone portable;Nom d'usage enfant;Nom de famille enfant;Prénom enfant;Classes enfants\r\n"
	teachersHead = "Civilité;Nom usage;Nom;Prénom;Adresse;CP;Commune;Pays;Courriel;Téléphone domicile;Téléphone portable;Directeur;Classe;Classe\r\n"
	helene       = "LEFÈVRE;;Hélène;16/08/2017;F;325774624CB;3 rue de l'Église;80200;PÉRONNE;FRANCE;;;;; CYCLE III;CM1;CM1 Mme Boulanger;1000222;Oui;Non;Oui;\r\n"
)

// isHelene checks the one pupil of recentPupils+helene.
func isHelene(t *testing.T, f File) {
	t.Helper()
	if len(f.Pupils) != 1 || len(f.Rejected) != 0 {
		t.Fatalf("%+v", f)
	}
	p := f.Pupils[0]
	got := []string{p.Family, p.First, p.Birth, p.Sex, p.INE, p.Level, p.Cycle, p.Class, p.ClassID, p.Photo, p.Addresses[0].City}
	want := []string{"Lefèvre", "Hélène", "2017-08-16", "F", "325774624CB", "CM1", "3", "CM1 Mme Boulanger", "1000222", "yes", "PÉRONNE"}
	if !reflect.DeepEqual(got, want) || f.Kind != Pupils || !f.Complete {
		t.Fatalf("%q %v", got, f.Complete)
	}
}

func TestEncodings(t *testing.T) {
	plain := recentPupils + helene
	enc := func(cm *charmap.Charmap, s string) string {
		out, err := cm.NewEncoder().String(s)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	twice, _ := charmap.Windows1252.NewDecoder().String(plain)
	iso, _ := charmap.ISO8859_1.NewDecoder().String(plain)
	thrice, _ := charmap.Windows1252.NewDecoder().String(twice)
	u16le, _ := uni.UTF16(uni.LittleEndian, uni.UseBOM).NewEncoder().String(plain)
	u16be, _ := uni.UTF16(uni.BigEndian, uni.UseBOM).NewEncoder().String(plain)
	const bom = "\xEF\xBB\xBF"
	for name, b := range map[string]string{
		"Windows-1252":              enc(charmap.Windows1252, plain),
		"ISO-8859-1":                enc(charmap.ISO8859_1, plain),
		"UTF-8":                     plain,
		"UTF-8 with BOM":            bom + plain,
		"double BOM":                bom + bom + plain,
		"double-encoded":            twice,
		"double-encoded, BOM":       bom + twice,
		"double-encoded BOM":        "ï»¿" + twice,
		"double-encoded ISO-8859-1": iso,
		"encoded three times":       thrice,
		"half double-encoded":       recentPupils + twice[strings.Index(twice, "\r\n")+2:],
		"UTF-16 LE":                 u16le,
		"UTF-16 BE":                 u16be,
		"CP 850":                    enc(charmap.CodePage850, plain),
		"Mac Roman":                 enc(charmap.Macintosh, plain),
		"decomposed accents":        norm.NFD.String(plain),
		"LF":                        strings.ReplaceAll(plain, "\r\n", "\n"),
		"CR":                        strings.ReplaceAll(plain, "\r\n", "\r"),
		"no end of line":            strings.TrimSuffix(plain, "\r\n"),
		"comma":                     strings.ReplaceAll(plain, ";", ","),
		"tab":                       strings.ReplaceAll(plain, ";", "\t"),
		"quoted":                    `"` + strings.ReplaceAll(strings.ReplaceAll(strings.TrimSuffix(plain, "\r\n"), ";", `";"`), "\r\n", "\"\r\n\"") + `"`,
		"typographic apostrophe":    strings.ReplaceAll(plain, "'", "’"),
		"upper-case header":         strings.ToUpper(recentPupils) + helene,
		"plurals":                   strings.NewReplacer("Autorisation", "Autorisations", "photo", "photos", "classe", "classes", "élève", "Élèves").Replace(recentPupils) + helene,
		"title above":               "Extraction des élèves\r\n\r\n" + plain,
		"leading spaces":            recentPupils + strings.ReplaceAll(helene, ";", " ; "),
		"NUL and controls":          recentPupils + strings.ReplaceAll(helene, "Hélène", "Hé\x00l\u200bène\x07"),
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Read("CSVExtraction.csv", strings.NewReader(b))
			if err != nil {
				t.Fatal(err)
			}
			isHelene(t, f)
		})
	}
}

func TestShapes(t *testing.T) {
	type want struct {
		kind                                Kind
		people, children, rejected, ignored int
		complete                            bool
	}
	for name, x := range map[string]struct {
		text string
		want want
	}{
		"older pupils":              {olderPupils + `"HENRY";"";"Gabin";"24/04/2017";"M";"3 rue A, bât. C";"80200";"PÉRONNE";"FRANCE";"";"";"";"";"CYCLE III";"CM1";"CM1 Mme Boulanger";"Oui";"Oui";"Oui";""`, want{Pupils, 1, 0, 0, 0, true}},
		"blank rows":                {recentPupils + ";;;\r\n" + helene + ";;;;;;;\r\n\r\n;;;", want{Pupils, 1, 0, 0, 0, true}},
		"short row":                 {recentPupils + "HENRY;;Gabin;24/04/2017\r\n", want{Pupils, 1, 0, 0, 0, true}},
		"footer":                    {recentPupils + helene + "Total : 1 élève\r\n", want{Pupils, 1, 0, 0, 1, true}},
		"cut off in the middle":     {recentPupils + helene + "MARTIN", want{Pupils, 1, 0, 1, 0, true}},
		"two files in one":          {recentPupils + helene + recentPupils + strings.Replace(helene, "325774624CB", "325774625CB", 1), want{Pupils, 2, 0, 0, 1, true}},
		"struck off":                {"Nom;Prénom;Date de naissance;Classe;Etat\nA;B;1/2/2018;CP;Radié\nC;D;1/2/2018;CP;Admis définitif\n", want{Pupils, 1, 0, 0, 1, false}},
		"by group":                  {"Nom élève;Nom d'usage élève;Prénom élève;Date naissance;Sexe;Niveau\nA;;B;1/2/2018;F;CP\n", want{Pupils, 1, 0, 0, 0, false}},
		"chosen columns, any order": {"Libellé classe;INE;Prénom élève;Nom élève\nCP A;325774624CB;Léa;MARTIN\n", want{Pupils, 1, 0, 0, 0, true}},
		"template":                  {"Prénom*;Nom*;Date de naissance*;Classes*\nLéa;MARTIN;16/08/2018;CP A\n", want{Pupils, 1, 0, 0, 0, false}},
		"template with its typo":    {"PrPrénom*;Nom*;Date de naissance*;Classes*\nLéa;MARTIN;16/08/2018;CP A\n", want{Pupils, 1, 0, 0, 0, false}},
		"né(e) le":                  {"Nom de famille;Prénom;Né(e) le;Classe ou regroupement\nMARTIN;Léa;16/08/2018;CP A\n", want{Pupils, 1, 0, 0, 0, false}},
		"glued headers":             {"nomdefamille;prenom;datedenaissance;libelleclasse\nMARTIN;Léa;16/08/2018;CP A\n", want{Pupils, 1, 0, 0, 0, false}},
		"bad date":                  {recentPupils + "A;;B;31/02/2018;F\r\nC;;D;hier;F\r\n" + helene, want{Pupils, 1, 0, 2, 0, true}},
		"no first name":             {recentPupils + "A;;;1/2/2018;F;\r\n;;B;1/2/2018;F\r\n", want{Pupils, 0, 0, 2, 0, true}},
		"not a name":                {recentPupils + "1234;;B;1/2/2018;F;\r\n", want{Pupils, 0, 0, 1, 0, true}},
		"endless cell":              {recentPupils + "A;;" + strings.Repeat("x", 5000) + ";1/2/2018\r\n" + helene, want{Pupils, 1, 0, 1, 0, true}},
		"long name":                 {recentPupils + "A;;" + strings.Repeat("x", 200) + ";1/2/2018\r\n" + helene, want{Pupils, 1, 0, 1, 0, true}},
		"too many cells":            {recentPupils + strings.Repeat("a;", 500) + "\r\n" + helene, want{Pupils, 1, 0, 1, 0, true}},
		"quote never closed":        {recentPupils + strings.Replace(helene, "LEF", `"LEF`, 1) + helene, want{Pupils, 2, 0, 0, 0, true}},
		"quote inside":              {recentPupils + strings.Replace(helene, "3 rue de", `"3 rue "de`, 1) + helene, want{Pupils, 2, 0, 0, 0, true}},
		"cell on two lines":         {recentPupils + strings.Replace(helene, "3 rue de l'Église", "\"3 rue\r\nde l'Église\"", 1) + helene, want{Pupils, 2, 0, 0, 0, true}},
		"parents, 12+4n":            {strings.TrimSpace(recentAdults) + ";Nom d'usage enfant;Nom de famille enfant;Prénom enfant;Classes enfants\r\nM.;;A;B;;;;;;;;;;A;C;CP;;A;D;CE1\r\n", want{Relatives, 1, 2, 0, 0, false}},
		"parents, 13+4n":            {strings.Replace(recentAdults, "Téléphone portable", "Numéro de poste;Téléphone portable", 1) + "M.;;A;B;;;;;;;;12;;;A;C;CP\r\n", want{Relatives, 1, 1, 0, 0, false}},
		"more blocks than headers":  {recentAdults + "M.;;A;B;;;;;;;;;;A;C;CP;;A;D;CE1;;A;E;CM1\r\n", want{Relatives, 1, 3, 0, 0, false}},
		"parents, élève":            {"Civilité Responsable;Nom responsable;Prénom responsable;Courriel;Nom de famille élève;Prénom élève;Date de naissance élève;Classes élèves;Nom de famille élève;Prénom élève;Date de naissance élève;Classes élèves\nM.;A;B;;A;C;1/2/2019;CP;A;D;;CE1\n", want{Relatives, 1, 2, 0, 0, false}},
		"no first name of parents":  {"Civilité responsable;Nom responsable;Courriel;Nom de famille enfant;Prénom enfant;Classes enfants\nMME;A;;A;C;CP\n", want{Relatives, 1, 1, 0, 0, false}},
		"parents template":          {"Nom*;Prénom*;Adresse;Code postal;Ville;Pays;Courriel;Téléphone;Nom de l'élève;Prénom de l'élève;Classes de l'élève\nA;B;;;;;a@b.fr;;A;C;CP\n", want{Relatives, 1, 1, 0, 0, false}},
		"organismes d'accueil":      {recentAdults + "M.;;A;B;;;;;;;;;;A;C;CP\r\nORGANISME D'ACCUEIL;;ACCUEIL DE LOISIRS;;2 place;80200;P;F;;03 22 00 00 00;;\r\n", want{Relatives, 1, 1, 0, 1, false}},
		"organismes under a title":  {recentAdults + "M.;;A;B;;;;;;;;;;A;C;CP\r\nOrganismes d’accueil\r\n;;Mairie;;2 place;80200;P;F;;;;\r\n;;Centre;;;;;;;;;\r\n", want{Relatives, 1, 1, 0, 3, false}},
		"child without first name":  {recentAdults + "M.;;A;B;;;;;;;;;;A;;CP;;A;D;CE1\r\n", want{Relatives, 1, 1, 1, 0, false}},
		"a column twice":            {"Nom;Prénom;Classe;Date de naissance;Classe;Nom\nMARTIN;Léa;CP A;16/08/2018;;\n", want{Pupils, 1, 0, 0, 0, false}},
		"ONE's other headers":       {"nomdefamille;prenom;deuxiemeprenom;troisiemeprenom;datedenaissance;communenaissance;deptnaissance;paysnaissance;classeouregroupement;regroupements;dateinscription;etat;intervenant;dispositifs;pcs;multietab\nMARTIN;Léa;Rose;;16/08/2018;PÉRONNE;80;FRANCE;CP A;;01/09/2024;;;ULIS;;Non\n", want{Pupils, 1, 0, 0, 0, false}},
		"ONE's names of children":   {"Civilité;nomresponsable;prenomresponsable;communicationadresses;courriel;nomdeleleve;prenomdeleleve;datedenaissanceeleve;classesdeleleve\nM.;A;B;Oui;;A;C;1/2/2019;CP\n", want{Relatives, 1, 1, 0, 0, false}},
		"teachers":                  {teachersHead + "MME;;WATTEL;Anne;;;;;a@b.fr;;;Oui;CM2;CM1;CE2\r\n", want{Teachers, 1, 3, 0, 0, false}},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := Read("x.csv", strings.NewReader(x.text))
			if err != nil {
				t.Fatal(err)
			}
			got := want{f.Kind, len(f.Pupils) + len(f.Relatives) + len(f.Teachers), 0, len(f.Rejected), f.Ignored, f.Complete}
			for _, r := range f.Relatives {
				got.children += len(r.Children)
			}
			for _, r := range f.Teachers {
				got.children += len(r.Classes)
			}
			if got != x.want {
				t.Errorf("got %+v, want %+v\n%+v", got, x.want, f)
			}
			for _, r := range f.Rejected {
				if s := say(r.Message.Key, r.Message.Args); !strings.Contains(s, "x.csv, ligne") || strings.Contains(s, "no value") {
					t.Errorf("message: %s", s)
				}
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	for name, x := range map[string]struct {
		b    string
		kind errs.Kind
		says string
	}{
		"a letter":          {"Bonjour,\nvoici la liste.\n", errs.Invalid, "Nom élève"},
		"another list":      {"produit;prix\npomme;2\n", errs.Invalid, "n’est pas une extraction d’ONDE"},
		"empty":             {" \r\n ", errs.Invalid, "vide"},
		"xlsx":              {"PK\x03\x04rest", errs.Invalid, "Enregistrer sous"},
		"xls":               {"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", errs.Invalid, "Enregistrer sous"},
		"pdf":               {"%PDF-1.7", errs.Invalid, "CSV"},
		"lost accents":      {"Nom �l�ve;Pr�nom �l�ve;Date naissance\n", errs.Invalid, "accents"},
		"parents of nobody": {"Civilité Responsable;Nom responsable;Prénom responsable;Courriel\nM.;A;B;\n", errs.Invalid, "quels enfants"},
		"too many bytes":    {strings.Repeat("x", MaxBytes+1), errs.TooLarge, "trop gros"},
		"too many rows":     {"Nom;Prénom;Classe\n" + strings.Repeat("a;b;c\n", MaxRows+1), errs.TooLarge, "lignes"},
		"a binary":          {"\x00\x01\x02\x03\xff\xfe", errs.Invalid, "n’est pas"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Read("../etc/C:\\x\x00.csv", strings.NewReader(x.b))
			e := errs.As(err)
			if e == nil || e.Kind != x.kind {
				t.Fatalf("%v", err)
			}
			if s := say(e.Message.Key, e.Message.Args); !strings.Contains(s, x.says) || !strings.Contains(s, "«\u00a0x.csv\u00a0»") {
				t.Errorf("%q", s)
			}
		})
	}
	if f := csv(t, "full.csv", "Nom;Prénom;Classe\n"+strings.Repeat("a;b;c\n", MaxRows)); len(f.Pupils) != MaxRows {
		t.Errorf("%d rows read of %d allowed", len(f.Pupils), MaxRows)
	}
}

func TestValues(t *testing.T) {
	for in, want := range map[string]string{
		"16/08/2020": "2020-08-16", "2020-08-16": "2020-08-16", "6/8/20": "2020-08-06", "2020-08-16 00:00:00": "2020-08-16", "16-08-2020": "2020-08-16",
		"44059": "2020-08-16", "": "", "31/02/2020": "!", "16/08/1920": "!", "demain": "!", "16/08": "!",
	} {
		if got, ok := readDate(in); ok != (want != "!") || ok && got != want {
			t.Errorf("date %q: %q %v", in, got, ok)
		}
	}
	for in, want := range map[string]string{
		"D'HAUTEFEUILLE": "D’Hautefeuille", "L'HOSTIS": "L’Hostis", "SAINT-MARTIN": "Saint-Martin", "LEFÈVRE": "Lefèvre", "DE LA TOUR": "De La Tour",
		"MARTIN DE LA TOUR": "Martin de La Tour", "MARTIN D'ARC": "Martin d’Arc", "MCDONALD": "McDonald", "McDonald": "McDonald", "N'DIAYE": "N’Diaye",
		"jean-françois": "Jean-François", "Jean-François": "Jean-François", "ÉLODIE": "Élodie", "VAN DER BERG": "Van der Berg", "LE": "Le", "": "",
	} {
		if got := Proper(in); got != want {
			t.Errorf("Proper(%q) = %q, want %q", in, got, want)
		}
	}
	for in, want := range map[string]string{"PETITE SECTION": "PS", "ce1": "CE1", "CE 1": "CE1", "Cours moyen 2ème année": "CM2", "Toute petite section": "TPS", "ULIS": "", "GS": "GS", "Grande section maternelle": "GS"} {
		if got := Level(in); got != want {
			t.Errorf("Level(%q) = %q", in, got)
		}
	}
	for in, want := range map[string]string{"325774624cb": "325774624CB", "0123456789A": "0123456789A", " 325774624 CB ": "325774624CB", "123": "", "00000000000": "", "ABCDEFGHIJK": ""} {
		if got := readINE(in); got != want {
			t.Errorf("INE %q = %q", in, got)
		}
	}
	for in, want := range map[string]string{"+33 6 20 27 41 71": "06 20 27 41 71", "0620274171": "06 20 27 41 71", "06.20.27.41.71": "06 20 27 41 71", "620274171": "06 20 27 41 71", "12": "", "+33 (0)6 20 27 41 71": "06 20 27 41 71", "+32 2 123 45 67": "+32 2 123 45 67"} {
		if got := readPhone(in); got != want {
			t.Errorf("phone %q = %q", in, got)
		}
	}
	for in, want := range map[string]string{"A.B@Poste.Example": "a.b@poste.example", "a@b.fr;c@d.fr": "a@b.fr", "néant": "", "a@b": "", "<a@b.fr>": "a@b.fr", "a b@c.fr": "b@c.fr"} {
		if got := readEmail(in); got != want {
			t.Errorf("e-mail %q = %q", in, got)
		}
	}
	for in, want := range map[string]string{"a@gmial.com": "a@gmail.com", "a@gmail.fr": "a@gmail.com", "a@orage.fr": "a@orange.fr", "a@laposte.fr": "a@laposte.net", "a@hotmail.be": "", "a@gmail.com": "", "a@exemple.fr": "", "a@ymail.com": "", "a@ecole.example": "", "a@wanado.fr": "a@wanadoo.fr"} {
		if got := mailHint(in); got != want {
			t.Errorf("hint %q = %q", in, got)
		}
	}
	for in, want := range map[string]string{"M.": "M.", "MME": "Mme", "MLLE": "Mme", "Monsieur": "M.", "": ""} {
		if got := readCivility(in); got != want {
			t.Errorf("civility %q = %q", in, got)
		}
	}
	for in, want := range map[string]string{"CYCLE II": "2", "Cycle 3": "3", " CYCLE I": "1", "": ""} {
		if got := readCycle(in); got != want {
			t.Errorf("cycle %q = %q", in, got)
		}
	}
}

func TestMessages(t *testing.T) {
	say("", nil)
	for _, k := range []string{Homonym, Duplicate, Unmatched, Similar, INEConflict, Elsewhere, StaffParent, UnknownClass, TwoClasses, NoClass, SharedEmail, EmailTypo, EmailInvalid, LinkAbsent, NoChild} {
		if !catalogue.Has("onde.kind." + k) {
			t.Errorf("no words for kind %s", k)
		}
	}
	for _, k := range []string{Attach, New, Ignore, Accept, Fix, Remove} {
		if !catalogue.Has("onde.choice." + k) {
			t.Errorf("no words for choice %s", k)
		}
	}
	// Every key in the sources is in the catalogue.
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), ".go") || strings.HasSuffix(e.Name(), "_test.go") {
			continue
		}
		b, err := os.ReadFile(e.Name())
		if err != nil {
			t.Fatal(err)
		}
		for _, part := range bytes.Split(b, []byte(`"onde.`))[1:] {
			key := "onde." + string(part[:bytes.IndexByte(part, '"')])
			if !strings.HasSuffix(key, ".") && !catalogue.Has(key) {
				t.Errorf("%s: no message %s", e.Name(), key)
			}
		}
	}
	if s := fmt.Sprint(say("onde.kind.homonym", nil)); s != "Homonymes" {
		t.Errorf("%q", s)
	}
}

// ONDE calls every extraction CSVExtraction.csv: the header tells which is which.
func TestFilesAreKnownByTheirHeader(t *testing.T) {
	var s school
	var files []File
	for _, text := range []string{recentAdults + "MME;;MARTIN;Eva;;;;;;;;;;LEFÈVRE;Hélène;CM1\r\n", recentPupils + helene, teachersHead + "MME;;WATTEL;Anne;;;;;;;;Oui;CM1 Mme Boulanger;\r\n"} {
		files = append(files, csv(t, "CSVExtraction.csv", text))
	}
	p := s.imports(t, Options{}, files...)
	if got := counts(p); got != [4]Counts{{Created: 1}, {Created: 1}, {Created: 1}, {Created: 1}} || len(p.Cases) != 0 {
		t.Errorf("%+v %s", got, dump(p))
	}
}

// A file within the limit of bytes that is one row of nothing but separators
// must not cost a hundred times its size.
func TestARowWithoutEndCostsLittle(t *testing.T) {
	for _, sign := range []string{";", `";`, `"";`, "\t", "a;", ";\n"} {
		text := strings.Repeat(sign, (MaxBytes-10)/len(sign))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, err := Read("a.csv", strings.NewReader(text))
		runtime.ReadMemStats(&after)
		if errs.KindOf(err) != errs.Invalid {
			t.Errorf("%q: %v", sign, err)
		}
		if mib := (after.TotalAlloc - before.TotalAlloc) >> 20; mib > 20*MaxBytes>>20 {
			t.Errorf("%q without end: %d MiB for a file of %d", sign, mib, MaxBytes>>20)
		}
	}
}
