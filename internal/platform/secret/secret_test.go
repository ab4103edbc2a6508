package secret

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

func TestLoad(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys", "secret")
	if _, err := Load(path, false); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("absent and not allowed: %v", err)
	}
	var wg sync.WaitGroup
	macs := make([][]byte, 8)
	for i := range macs {
		wg.Go(func() {
			k, err := Load(path, true)
			if err != nil {
				t.Error(err)
				return
			}
			macs[i] = k.MAC("x", []byte("y"))
		})
	}
	wg.Wait()
	for _, m := range macs {
		if !bytes.Equal(m, macs[0]) || len(m) != 32 {
			t.Fatal("processes that start together got different keys")
		}
	}
	st, err := os.Stat(path)
	if err != nil || st.Mode().Perm() != 0o600 {
		t.Fatalf("mode %v, %v", st.Mode(), err)
	}
	left, _ := os.ReadDir(filepath.Dir(path))
	if len(left) != 1 {
		t.Errorf("temporary files left: %v", left)
	}
	os.WriteFile(path, []byte("abc\n"), 0o600)
	if _, err := Load(path, true); err == nil {
		t.Error("a damaged secret file was accepted or replaced")
	}
}

func TestSeal(t *testing.T) {
	k := NewKeys([32]byte{1})
	s := k.Seal("code", []byte("K7M4RPXWD42"), []byte("row 1"))
	if bytes.Equal(s, k.Seal("code", []byte("K7M4RPXWD42"), []byte("row 1"))) {
		t.Error("sealing twice gives the same bytes")
	}
	if p, err := k.Open("code", s, []byte("row 1")); err != nil || string(p) != "K7M4RPXWD42" {
		t.Fatalf("%q, %v", p, err)
	}
	for i := range s {
		bad := bytes.Clone(s)
		bad[i] ^= 1
		if _, err := k.Open("code", bad, []byte("row 1")); err == nil {
			t.Fatalf("byte %d altered and accepted", i)
		}
	}
	if _, err := k.Open("code", s, []byte("row 2")); err == nil {
		t.Error("moved to another row and accepted")
	}
	if _, err := k.Open("totp", s, []byte("row 1")); err == nil {
		t.Error("opened under another label")
	}
	if _, err := NewKeys([32]byte{2}).Open("code", s, []byte("row 1")); err == nil {
		t.Error("opened under another secret")
	}
	if bytes.Equal(k.MAC("a", []byte("x")), k.MAC("b", []byte("x"))) {
		t.Error("labels share a key")
	}
	if a, b := Token(128), Token(128); a == b || len(a) != 22 || len(Hash(a)) != 64 || Hash(a) == Hash(b) {
		t.Errorf("tokens %q %q", a, b)
	}
}

func TestCodesAreEven(t *testing.T) {
	const n = 200_000
	var count [codeLen][128]int
	seen := make(map[string]bool, n)
	for range n {
		c := NewCode()
		if seen[c] {
			t.Fatalf("%s twice in %d draws of 2^55", c, n)
		}
		seen[c] = true
		for i := range codeLen {
			count[i][c[i]]++
		}
	}
	want := float64(n) / 32
	for i := range codeLen {
		chi, symbols := 0.0, 0
		for s, k := range count[i] {
			if k > 0 {
				symbols++
			}
			if strings.IndexByte(alphabet, byte(s)) >= 0 {
				chi += (float64(k) - want) * (float64(k) - want) / want
			}
		}
		// 31 degrees of freedom: over 82 once in a million draws.
		if chi > 82 || symbols != 32 {
			t.Errorf("place %d: chi-square %.1f, %d symbols", i, chi, symbols)
		}
	}
}

func TestCodes(t *testing.T) {
	if len(alphabet) != 32 || strings.ContainsAny(alphabet, "0O1I") {
		t.Fatal(alphabet)
	}
	for in, want := range map[string]string{
		"K7M4-RPXW-D42":              "K7M4RPXWD42",
		"k7m4 rpxw d42":              "K7M4RPXWD42",
		" k7m4\u2013rpxw\u2011d42\t": "K7M4RPXWD42",
		"K7M4\u00a0RPXW\u2212D42":    "K7M4RPXWD42",
		"K7M4-RPXW-D4":               "",
		"K7M4-RPXW-D422":             "",
		"K7M4-RPXW-D40":              "",
		"K7M4-RPXW-DO1":              "",
		"K7M4-RPXW-D4é":              "",
	} {
		got, ok := NormalizeCode(in)
		if ok != (want != "") || ok && got != want {
			t.Errorf("%q: %q, %v", in, got, ok)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		c := NewCode()
		if back, ok := NormalizeCode(strings.ToLower(FormatCode(c))); !ok || back != c {
			t.Fatalf("%q became %q", c, back)
		}
		NormalizeCode(rapid.String().Draw(t, "any"))
	})
}

func TestPassphrases(t *testing.T) {
	seen := map[string]bool{}
	for _, w := range words() {
		if len(w) < 3 || len(w) > 7 || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" || seen[w] {
			t.Errorf("word %q", w)
		}
		seen[w] = true
	}
	if bits := passphraseWords * math.Log2(float64(len(seen))); len(seen) != 1024 || bits < MinBits {
		t.Errorf("%d words, %.1f bits", len(seen), bits)
	}
	drawn, total := map[string]bool{}, 0
	for range 2000 {
		p := Passphrase()
		total += len(p)
		for _, w := range strings.Split(p, "-") {
			if !seen[w] {
				t.Fatalf("%q holds %q", p, w)
			}
			drawn[w] = true
		}
		typed := strings.ToUpper(strings.ReplaceAll(p, "-", "  "))
		if NormalizePassphrase(typed) != p {
			t.Fatalf("%q became %q", typed, NormalizePassphrase(typed))
		}
	}
	if len(drawn) < 1015 {
		t.Errorf("only %d words ever drawn", len(drawn))
	}
	if mean := total / 2000; mean > 32 {
		t.Errorf("phrases of %d characters", mean)
	}
	if s := "Un autre mot de passe"; NormalizePassphrase(s) != s {
		t.Error("a chosen password was altered")
	}
}

func TestHasher(t *testing.T) {
	ctx := context.Background()
	h := NewHasher(1, 1)
	hash, err := h.Hash(ctx, "cinq petits chats verts")
	if err != nil || !strings.HasPrefix(hash, "$argon2id$v=19$m=19456,t=2,p=1$") || NeedsRehash(hash) {
		t.Fatalf("%s, %v", hash, err)
	}
	if ok, err := h.Verify(ctx, hash, "cinq petits chats verts"); !ok || err != nil {
		t.Error("the right password was refused", err)
	}
	if ok, _ := h.Verify(ctx, hash, "cinq petits chats vert"); ok {
		t.Error("a wrong password was accepted")
	}
	start := time.Now()
	if ok, err := h.Verify(ctx, "", "cinq petits chats verts"); ok || err != nil {
		t.Error("an unknown account was let in", err)
	}
	if d := time.Since(start); d < time.Millisecond {
		t.Errorf("an unknown account is answered in %v", d)
	}
	if !NeedsRehash(strings.Replace(hash, "t=2", "t=1", 1)) || !NeedsRehash("x") {
		t.Error("old parameters are kept")
	}
	for _, bad := range []string{"x", "$argon2id$v=19$m=99999999,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA", "$argon2i$v=19$m=8,t=1,p=1$AAAA$AAAA"} {
		if _, err := h.Verify(ctx, bad, "x"); err == nil {
			t.Errorf("%q accepted", bad)
		}
	}
}

func TestHasherIsBounded(t *testing.T) {
	h := NewHasher(1, 1)
	h.slots <- struct{}{} // somebody is at work
	ctx, cancel := context.WithCancel(context.Background())
	waited := make(chan error)
	go func() { _, err := h.Hash(ctx, "x"); waited <- err }()
	for h.waiting.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	if err := h.Full(); errs.KindOf(err) != errs.Unavailable || h.Room() != 2 {
		t.Errorf("full with room for %d: %v", h.Room(), err)
	}
	_, err := h.Hash(context.Background(), "x")
	if e := errs.As(err); e == nil || e.Kind != errs.Unavailable || e.Retry <= 0 {
		t.Errorf("queue full: %v", err)
	}
	cancel()
	if err := <-waited; !errors.Is(err, context.Canceled) {
		t.Errorf("who left while waiting: %v", err)
	}
	if <-h.slots; h.waiting.Load() != 0 {
		t.Error("the queue leaks")
	}
	if err := h.Full(); err != nil {
		t.Error(err)
	}
	if _, err := h.Hash(context.Background(), "x"); err != nil {
		t.Error(err)
	}
}

func TestStrength(t *testing.T) {
	for pw, want := range map[string]string{
		"court":                    "secret.password_short",
		strings.Repeat("aB3$", 40): "secret.password_long",
		"motdepasse":               "secret.password_common",
		"Mot de passe":             "secret.password_common",
		"azerty123":                "secret.password_common",
		"azertyuiop2026":           "secret.password_common",
		"marie.dupont":             "secret.password_personal",
		"MarieDupont62":            "secret.password_personal",
		"k7m4-rpxw-d42":            "secret.password_personal",
		"Soleil2024!":              "secret.password_common",
		"Camille12072015":          "secret.password_common", "Sardou12072015": "secret.password_weak", "Chaussettes2024!": "secret.password_weak",
		"Chaussure2024!":                     "secret.password_common",
		"aaaaaaaaaaaaaaaaaaaaaaaa":           "secret.password_weak",
		"marellemarellemarelle":              "secret.password_weak",
		"12345678901234567890":               "secret.password_weak",
		"qsdfghjklmwxcvbn":                   "secret.password_weak",
		"Les Marronniers 59":                 "secret.password_weak",
		"vT4%kq9Lz#wP":                       "",
		"girafe-lune-carton-velours":         "",
		"un phare sous la pluie de novembre": "",
		"éléphant çà où ïle trombone":        "",
	} {
		bits, key := Strength(pw, "Marie", "Dupont", "marie.dupont", "K7M4-RPXW-D42", "École Les Marronniers")
		if key != want {
			t.Errorf("%q: %.1f bits, %q, want %q", pw, bits, key, want)
		}
	}
	for _, awkward := range []string{strings.Repeat("aaaab1!", 18), strings.Repeat("a", 128), strings.Repeat("ab", 64), strings.Repeat("1|7", 40)} {
		start := time.Now()
		Strength(awkward, "Marie")
		if d := time.Since(start); d > time.Second {
			t.Errorf("%.12s…: an awkward password takes %v", awkward, d)
		}
	}
	c, err := i18n.New(Messages)
	if err != nil {
		t.Fatal(err)
	}
	for _, k := range []string{"short", "long", "common", "personal", "weak"} {
		if !c.Has("secret.password_" + k) {
			t.Errorf("no sentence for %s", k)
		}
	}
}

// TestHabits holds what people do when asked for a password, and what they can
// do instead.
func TestHabits(t *testing.T) {
	personal := []string{"Hélène", "Duvivier", "helene.duvivier", "École Les Marronniers"}
	for habit, list := range map[string][]string{
		"a word of the lists":          {"motdepasse", "MotDePasse", "m0tdep@sse", "password1234", "chocolat", "anticonstitution", "trustno1trustno1"},
		"a first name and a year":      {"Corentin2015", "corentin2015!", "Léa2018Léa2018", "3milie2012", "Zinedine1998!"},
		"who or where one is":          {"HeleneDuvivier", "reivivud-helene", "Marronniers2026", "duvivier.helene.62", "H3l3n3Duv1v13r"},
		"a day":                        {"12072015", "12/07/2015", "2015-07-12", "12.07.15.12.07.15", "Noel25122026"},
		"a keyboard":                   {"azertyuiop", "AZERTYuiop", "poiuytreza", "qsdfghjklm", "1a2z3e4r", "aqwzsxedc", "1qaz2wsx3edc", "147258369", "wxcvbn,;:!"},
		"a sequence":                   {"abcdefghijkl", "987654321", "AbCdEfGhIj", "2468101214"},
		"something said again":         {"lalalalalalala", "abcabcabcabc", "marelle marelle", "1212121212121212"},
		"a word, a capital and a sign": {"Soleil2024!", "Chaussure2024!", "Trottinette62!", "Printemps-2026", "Elephant&1"},
	} {
		for _, pw := range list {
			if bits, key := Strength(pw, personal...); key == "" {
				t.Errorf("%s: %q accepted with %.1f bits", habit, pw, bits)
			}
		}
	}
	for _, pw := range []string{
		"girafe-lune-carton-velours", "poney tracteur citron nuage", "lampe.renard.cuivre.tambour", "quatre mots choisis au hasard",
		"le chat de tante Odette ronfle", "xK9#mQ2$vL7", "bnvzqtxwplkrjdhs", "Trois petits bateaux verts !",
	} {
		if bits, key := Strength(pw, personal...); key != "" {
			t.Errorf("%q refused (%s, %.1f bits)", pw, key, bits)
		}
	}
}

func TestKnownWords(t *testing.T) {
	lines := strings.Split(strings.TrimSuffix(knownList, "\n"), "\n")
	if len(lines) < 90_000 {
		t.Fatalf("%d words", len(lines))
	}
	for i, l := range lines {
		if i > 0 && lines[i-1][:len(lines[i-1])-1] >= l[:len(l)-1] {
			t.Fatalf("%q stands after %q", l, lines[i-1])
		}
		if bits, ok := known(l[:len(l)-1]); !ok || bits < 0 || bits > 20 {
			t.Fatalf("%q: %v, %v", l, bits, ok)
		}
	}
	for _, w := range []string{"", "!", "zzzzzzzzzzzzzzzz", "azertyQ", "~~~", "\x01"} {
		if _, ok := known(w); ok {
			t.Errorf("%q is known", w)
		}
	}
}

// Every accepted password has 50 computed bits and is neither the code nor the
// sign-in name, however typed.
func TestAcceptedPasswords(t *testing.T) {
	login, code := "jean-rene.lefevre", "K7M4RPXWD42"
	gen := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[a-z]{4,12}[0-9]{0,4}[!?.]?`),
		rapid.StringMatching(`[A-Za-z0-9$%#!]{8,24}`),
		rapid.SampledFrom([]string{login, strings.ToUpper(login), "jean rené.lefèvre", code, FormatCode(code), "k7m4–rpxw–d42"}),
		rapid.Custom(func(t *rapid.T) string {
			return strings.Join(rapid.SliceOfN(rapid.SampledFrom(words()), 2, 6).Draw(t, "w"), " ")
		}),
	)
	rapid.Check(t, func(t *rapid.T) {
		pw := gen.Draw(t, "password")
		bits, key := Strength(pw, login, code)
		if key != "" {
			return
		}
		if bits < MinBits || squeeze(pw) == squeeze(login) || squeeze(pw) == squeeze(code) {
			t.Fatalf("%q accepted with %.1f bits", pw, bits)
		}
	})
}

// A drawn passphrase is rated by its words, near the 50 bits it truly has.
func TestPassphraseRating(t *testing.T) {
	for range 50 {
		p := Passphrase()
		if bits, _ := Strength(p); bits < 35 {
			t.Errorf("%s: %.1f bits", p, bits)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	h := NewHasher(1, 1)
	for b.Loop() {
		h.Hash(context.Background(), "cinq petits chats verts")
	}
}

func BenchmarkStrength(b *testing.B) {
	for b.Loop() {
		Strength("girafe-lune-carton-velours", "Marie", "Dupont")
	}
}
