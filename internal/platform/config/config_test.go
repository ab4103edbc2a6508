package config

import (
	"testing"

	"marelle/internal/platform/errs"
)

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
