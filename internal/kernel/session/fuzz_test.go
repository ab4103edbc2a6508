package session

import (
	"net/url"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzSignIn feeds the decoder of the one form that everybody meets: whatever
// comes, the path that follows is one of this site and nothing panics.
func FuzzSignIn(f *testing.F) {
	for _, s := range []string{"identifiant=a.b&secret=c&suite=/x", "suite=//evil", `suite=/\evil`, "suite=/%09/evil", "identifiant=%FF&secret=%00", "suite=/a%2F..%2F..", "identifiant=é-É"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, body string) {
		v, err := url.ParseQuery(body)
		if err != nil {
			return
		}
		form, faults := decodeSignIn(v)
		if !strings.HasPrefix(form.Next, "/") || strings.HasPrefix(form.Next, "//") || strings.ContainsAny(form.Next, "\\\r\n\t\x00") {
			t.Errorf("leads to %q", form.Next)
		}
		here, _ := url.Parse("https://ecole.example/connexion")
		if there, err := here.Parse(form.Next); err != nil || there.Host != "ecole.example" || there.Scheme != "https" {
			t.Errorf("%q leads to another site", form.Next)
		}
		if len(form.Login) > most {
			t.Errorf("a name of %d bytes is kept", len(form.Login))
		}
		if len(faults) == 0 && (form.Login == "" || form.Secret == "") {
			t.Error("an empty field without a fault")
		}
		key := loginKey(form.Login)
		if utf8.ValidString(form.Login) && loginKey(key) != key {
			t.Errorf("%q becomes %q, then %q", form.Login, key, loginKey(key))
		}
		plain(form.Secret)
	})
}

// FuzzSixDigits feeds the decoder of codes received by mail or by telephone.
func FuzzSixDigits(f *testing.F) {
	for _, s := range []string{"123456", "123 456", "12-34-56", "１２３４５６", "", "1234567", "12345a"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, typed string) {
		digits, ok := readDigits(typed)
		if ok && (len(digits) != 6 || strings.Trim(digits, "0123456789") != "") {
			t.Errorf("%q was read as %q", typed, digits)
		}
		if again, still := readDigits(digits); ok && (!still || again != digits) {
			t.Errorf("%q is not read twice alike", digits)
		}
	})
}

// FuzzLink feeds the decoder of what a QR code carries.
func FuzzLink(f *testing.F) {
	f.Add("nadia.kermadec/K7PM-4TXQ-2AB")
	f.Add("#a/b")
	f.Add("%zz/%")
	f.Fuzz(func(t *testing.T, s string) {
		if login, code, ok := readLink(s); ok && (login == "" || code == "") {
			t.Errorf("%q was read with nothing in it", s)
		}
	})
}

func TestCodeLinkIsReadBack(t *testing.T) {
	for _, login := range []string{"nadia.kermadec", "jean-paul.durand-2", "compte"} {
		link := CodeLink("https://ecole.example/", login, "K7PM-4TXQ-2AB")
		u, err := url.Parse(link)
		if err != nil || u.Path != EntryPath || u.RawQuery != "" {
			t.Fatalf("%q: %v", link, err)
		}
		if l, c, ok := readLink(u.EscapedFragment()); !ok || l != login || c != "K7PM-4TXQ-2AB" {
			t.Errorf("%q is read back as %q, %q", link, l, c)
		}
	}
}

func TestAgents(t *testing.T) {
	for ua, want := range map[string]string{
		"Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Mobile Safari/537.36":     "Chrome, Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/604.1": "Safari, iPhone",
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:127.0) Gecko/20100101 Firefox/127.0":                                          "Firefox, Windows",
		"": "",
	} {
		if got := agent(ua); got != want {
			t.Errorf("%q: %q, expected %q", ua, got, want)
		}
	}
}
