package config

import (
	"testing"

	"marelle/internal/platform/errs"
	"marelle/internal/platform/i18n"
)

func TestALimitIsSaidAsItWasSet(t *testing.T) {
	for set, said := range map[string]string{"50M": "50\u00a0Mo", "2 g": "2\u00a0Go", "700K": "700\u00a0Ko", "1500000": "1,5\u00a0Mo"} {
		if n, err := Bytes(set); err != nil || i18n.Limit(n) != said {
			t.Errorf("%s is said %q (%v), want %q", set, i18n.Limit(n), err, said)
		}
	}
}

func TestAWrongPushHostStopsTheStartWithOneSentence(t *testing.T) {
	s := Settings{Addr: "127.0.0.1:8080", Data: t.TempDir(), UploadMax: "1M"}
	s.PushHosts = "ntfy.example.org, *.push.example.org:8443 127.0.0.1:9000"
	if _, err := Load(s, nil); err != nil {
		t.Errorf("good hosts: %v", err)
	}
	s.PushHosts = "ntfy.example.org,https://push.example.org/"
	_, err := Load(s, nil)
	if e := errs.As(err); e == nil || e.Message.Key != "config.push_host" || e.Message.Args["value"] != "https://push.example.org/" {
		t.Errorf("said %v", err)
	}
}
