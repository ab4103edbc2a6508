package push

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
)

// Of RFC 8291, appendix A.
const (
	rfcPoint = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
	rfcAuth  = "BTBZMqHH6r4Tts7J_aSIgg"
)

func hostsOf(t testing.TB, entries ...string) Hosts {
	t.Helper()
	h, err := ParseHosts(entries)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func posted(endpoint, point, auth string) string {
	b, _ := json.Marshal(map[string]any{"endpoint": endpoint, "expirationTime": nil, "keys": map[string]string{"p256dh": point, "auth": auth}})
	return string(b)
}

func TestOnlyWholeSubscriptionsAreTaken(t *testing.T) {
	const google = "https://fcm.googleapis.com/fcm/send/abc:def"
	for name, c := range map[string]struct {
		text string
		good bool
	}{
		"as Chrome posts it":        {posted(google, rfcPoint, rfcAuth), true},
		"with what nobody knows":    {strings.Replace(posted(google, rfcPoint, rfcAuth), "{", `{"new":[1],`, 1), true},
		"nothing":                   {"", false},
		"null":                      {"null", false},
		"a list":                    {"[]", false},
		"two":                       {posted(google, rfcPoint, rfcAuth) + posted(google, rfcPoint, rfcAuth), false},
		"no keys":                   {`{"endpoint":"` + google + `"}`, false},
		"a short key":               {posted(google, rfcPoint[:86], rfcAuth), false},
		"a key off the curve":       {posted(google, rfcPoint[:40]+"AAAA"+rfcPoint[44:], rfcAuth), false},
		"a compressed key":          {posted(google, "A"+rfcPoint[1:], rfcAuth), false},
		"a key with a line end":     {posted(google, rfcPoint[:40]+"\n"+rfcPoint[41:], rfcAuth), false},
		"a key of the old base64":   {posted(google, strings.Replace(rfcPoint, "_", "/", 1), rfcAuth), false},
		"a padded secret":           {posted(google, rfcPoint, rfcAuth+"=="), false},
		"a secret in two spellings": {posted(google, rfcPoint, rfcAuth[:21]+"h"), false},
		"a short secret":            {posted(google, rfcPoint, rfcAuth[:20]), false},
		"an endless address":        {posted(google+strings.Repeat("a", 2048), rfcPoint, rfcAuth), false},
		"too much":                  {posted(google, rfcPoint, rfcAuth) + strings.Repeat(" ", 4096), false},
	} {
		s, err := ReadSubscription([]byte(c.text), Hosts{})
		if (err == nil) != c.good {
			t.Errorf("%s: taken should be %v: %v", name, c.good, err)
		}
		if err != nil && (s != Subscription{} || strings.Contains(err.Error(), "fcm") || strings.Contains(err.Error(), rfcAuth[:8])) {
			t.Errorf("%s: gave %+v, and said %q", name, s, err)
		}
	}
}

func TestOnlyAllowedServicesAreWrittenTo(t *testing.T) {
	added := hostsOf(t, "ntfy.example.org", "push.example.org:8443", "*.far.example.org", "127.0.0.1:9000", "localhost", "[::1]:9001", "10.1.2.3")
	for endpoint, c := range map[string]struct {
		good   bool
		origin string
	}{
		"https://fcm.googleapis.com/fcm/send/x":                  {true, "https://fcm.googleapis.com"},
		"https://fcm.googleapis.com:443/fcm/send/x":              {true, "https://fcm.googleapis.com"},
		"https://updates.push.services.mozilla.com/wpush/v2/x":   {true, "https://updates.push.services.mozilla.com"},
		"https://wns2-par02p.notify.windows.com/w/?token=BQYAAA": {true, "https://wns2-par02p.notify.windows.com"},
		"https://web.push.apple.com/QGuQ":                        {true, "https://web.push.apple.com"},
		"https://api.push.apple.com/x":                           {true, "https://api.push.apple.com"},
		"https://ntfy.example.org/up":                            {true, "https://ntfy.example.org"},
		"https://push.example.org:8443/up":                       {true, "https://push.example.org:8443"},
		"https://a.b.far.example.org/up":                         {true, "https://a.b.far.example.org"},
		"https://10.1.2.3/up":                                    {true, "https://10.1.2.3"},
		"https://127.0.0.1:9000/up":                              {true, "https://127.0.0.1:9000"},
		"http://127.0.0.1:9000/up":                               {true, "http://127.0.0.1:9000"},
		"http://localhost:1234/up":                               {true, "http://localhost:1234"},
		"http://localhost:80/up":                                 {true, "http://localhost"},
		"http://[::1]:9001/up":                                   {true, "http://[::1]:9001"},
		"http://fcm.googleapis.com/fcm/send/x":                   {},
		"http://ntfy.example.org/up":                             {},
		"http://10.1.2.3:443/up":                                 {},
		"https://fcm.googleapis.com:8443/x":                      {},
		"https://ntfy.example.org:8443/up":                       {},
		"https://push.example.org/up":                            {},
		"https://127.0.0.1:9002/up":                              {},
		"https://127.0.0.1/up":                                   {},
		"https://far.example.org/up":                             {},
		"https://notify.windows.com/up":                          {},
		"https://evilnotify.windows.com/up":                      {},
		"https://x_.notify.windows.com/up":                       {},
		"https://..notify.windows.com/up":                        {},
		"https://fcm.googleapis.com.example.org/x":               {},
		"https://fcm.googleapis.com./x":                          {},
		"https://FCM.googleapis.com/x":                           {},
		"https://fcm.googleapis.com:/x":                          {},
		"https://fcm.googleapis.com@example.org/x":               {},
		"https://example.org@fcm.googleapis.com/x":               {},
		"https://fcm.googleapis.com/":                            {},
		"https://fcm.googleapis.com/x#y":                         {},
		"https://fcm.googleapis.com/x\\y":                        {},
		"https://fcm.googleapis.com/é":                           {},
		"https:fcm.googleapis.com/x":                             {},
		"//fcm.googleapis.com/x":                                 {},
		"ftp://fcm.googleapis.com/x":                             {},
		"https://169.254.169.254/latest":                         {},
		"":                                                       {},
	} {
		at, err := added.locate(endpoint)
		if (err == nil) != c.good {
			t.Errorf("%s: allowed should be %v: %v", endpoint, c.good, err)
		} else if c.good && at.origin != c.origin {
			t.Errorf("%s is of %s, want %s", endpoint, at.origin, c.origin)
		}
	}
}

func TestHostsThatAreNone(t *testing.T) {
	for _, bad := range []string{"*", "*.", "*.fr", "https://x.example.org", "x.example.org/y", "x.example.org:0", "x.example.org:99999", "x.example.org:+1", "-x.example.org", "x..example.org", "a@b.example.org", "fe80::1%eth0", "*.*.example.org", ":443", "."} {
		if _, err := ParseHosts([]string{bad}); err == nil {
			t.Errorf("%q passed for a host", bad)
		}
	}
}

func TestPrivateAddressesAreNoPushService(t *testing.T) {
	for a, good := range map[string]bool{
		"142.250.74.106": true, "2a00:1450:4007:80e::200a": true, "64:ff9b::8efa:4a6a": true,
		"127.0.0.1": false, "10.0.0.1": false, "172.16.0.1": false, "192.168.1.1": false, "169.254.169.254": false, "100.64.0.1": false,
		"0.0.0.0": false, "0.1.2.3": false, "224.0.0.1": false, "255.255.255.255": false, "198.18.0.1": false, "192.0.0.8": false,
		"::1": false, "::": false, "fe80::1": false, "fd00::1": false, "fec0::1": false, "ff02::1": false, "::ffff:10.0.0.1": false,
		"::7f00:1": false, "64:ff9b::a00:1": false, "2002:a00:1::": false, "2001:db8::1": false,
	} {
		if public(netip.MustParseAddr(a)) != good {
			t.Errorf("%s: public should be %v", a, good)
		}
	}
}

func FuzzReadSubscription(f *testing.F) {
	f.Add([]byte(posted("https://fcm.googleapis.com/fcm/send/abc:def", rfcPoint, rfcAuth)))
	f.Add([]byte(posted("https://wns2-par02p.notify.windows.com/w/?token=BQYAAA", rfcPoint, rfcAuth)))
	f.Add([]byte(posted("http://127.0.0.1:9000/up", rfcPoint, rfcAuth)))
	f.Add([]byte(`{"endpoint":"https://a@web.push.apple.com/\u0000","keys":{"p256dh":null}}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := ReadSubscription(data, Hosts{})
		if err != nil {
			return
		}
		at, err := s.open(Hosts{})
		if err != nil {
			t.Fatalf("taken, then refused: %v", err)
		}
		if !strings.HasPrefix(s.Endpoint, at.origin) || !strings.HasPrefix(at.origin, "https://") {
			t.Fatalf("%q is not of %q", s.Endpoint, at.origin)
		}
		if _, err := encrypt(at, []byte("x")); err != nil {
			t.Fatalf("taken, but cannot be encrypted to: %v", err)
		}
		again, err := json.Marshal(s)
		if err != nil {
			t.Fatal(err)
		}
		if same, err := ReadSubscription(again, Hosts{}); err != nil || same != s {
			t.Fatalf("written and read again: %+v, %v", same, err)
		}
	})
}
