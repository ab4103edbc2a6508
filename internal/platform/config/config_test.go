package config

import (
	"strings"
	"testing"
)

func TestAWrongPushHostStopsTheStartWithOneSentence(t *testing.T) {
	s := Settings{Addr: "127.0.0.1:8080", Data: t.TempDir(), UploadMax: "1M"}
	s.PushHosts = "ntfy.example.org, *.push.example.org:8443 127.0.0.1:9000"
	if _, err := Load(s, nil); err != nil {
		t.Errorf("good hosts: %v", err)
	}
	s.PushHosts = "ntfy.example.org,https://push.example.org/"
	_, err := Load(s, nil)
	want := `MARELLE_PUSH_HOSTS: "https://push.example.org/" is no host such as push.example.org, push.example.org:8443 or *.push.example.org`
	if err == nil || strings.TrimSpace(err.Error()) != want {
		t.Errorf("said %v, want %s", err, want)
	}
}
