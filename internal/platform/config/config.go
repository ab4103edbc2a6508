// Package config reads and checks the operator's settings. A wrong value stops
// the start with one sentence that says what was expected; it starts nothing
// itself.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"marelle/internal/platform/mail"
	"marelle/internal/platform/push"
)

// Settings are what the environment or the command line says, as text.
type Settings struct {
	Addr           string `env:"MARELLE_ADDR" default:"127.0.0.1:8080" help:"Address to listen on."`
	BaseURL        string `env:"MARELLE_BASE_URL" help:"Address that people type, such as https://ecole.example (default: http:// and --addr)."`
	Data           string `env:"MARELLE_DATA" default:"data" help:"Folder of the database, the files and the secret."`
	Database       string `env:"MARELLE_DATABASE" help:"postgres://… (default: a SQLite file in the data folder)."`
	Blobs          string `env:"MARELLE_BLOBS" help:"s3://bucket?endpoint=…&region=… (default: a folder in the data folder)."`
	SMTP           string `env:"MARELLE_SMTP" help:"smtp[s]://user:password@host:port?from=… for outgoing mail."`
	SecretFile     string `env:"MARELLE_SECRET_FILE" help:"File of the server's secret (default: secret in the data folder)."`
	TrustedProxies string `env:"MARELLE_TRUSTED_PROXIES" help:"Addresses or networks whose X-Forwarded-For is believed, separated by commas."`
	PushHosts      string `env:"MARELLE_PUSH_HOSTS" help:"Push services allowed besides the browsers' own, separated by commas."`
	MetricsAddr    string `env:"MARELLE_METRICS_ADDR" help:"Address for Prometheus metrics, such as 127.0.0.1:9090 (default: none)."`
	UploadMax      string `env:"MARELLE_UPLOAD_MAX" default:"500M" help:"Largest file, such as 500M or 2G."`
	TLSCert        string `env:"MARELLE_TLS_CERT" help:"Certificate file, for TLS without a proxy."`
	TLSKey         string `env:"MARELLE_TLS_KEY" help:"Key file of the certificate."`
	Clamd          string `env:"MARELLE_CLAMD" help:"Address of a ClamAV daemon that scans files."`
}

// names lists every variable, so that a misspelt one is not ignored in silence.
var names = []string{"ADDR", "BASE_URL", "DATA", "DATABASE", "BLOBS", "SMTP", "SECRET_FILE", "TRUSTED_PROXIES", "PUSH_HOSTS", "METRICS_ADDR", "UPLOAD_MAX", "TLS_CERT", "TLS_KEY", "CLAMD"}

// Config is a checked configuration.
type Config struct {
	Settings
	Base      *url.URL
	DSN       string // postgres://… or the path of the SQLite file
	Secret    string
	Proxies   []netip.Prefix
	UploadMax int64
	PushHosts push.Hosts

	// Demo and Now are the demonstration's: nothing real is at stake.
	Demo bool
	Now  time.Time
}

// Load checks settings and the environment's variables; all faults are told.
func Load(s Settings, environ []string) (*Config, error) {
	return load(&Config{Settings: s}, environ)
}

// LoadDemo is Load for the demonstration, which the environment does not reach
// and which may be shown over plain http.
func LoadDemo(s Settings) (*Config, error) {
	return load(&Config{Settings: s, Demo: true}, nil)
}

func load(c *Config, environ []string) (*Config, error) {
	s := c.Settings
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }

	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		if rest, ok := strings.CutPrefix(name, "MARELLE_"); ok && !known(rest) && !strings.HasPrefix(rest, "TEST_") {
			fault("%s is no setting of Marelle; see marelle serve --help", name)
		}
	}
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		fault("MARELLE_ADDR %q: expected host:port, such as 127.0.0.1:8080", s.Addr)
	} else if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		fault("MARELLE_ADDR %q: the port must be a number up to 65535", s.Addr)
	}
	scheme := "http"
	if s.TLSCert != "" || s.TLSKey != "" {
		scheme = "https"
		if s.TLSCert == "" || s.TLSKey == "" {
			fault("MARELLE_TLS_CERT and MARELLE_TLS_KEY go together")
		}
	}
	base := s.BaseURL
	if base == "" {
		if host == "" || host == "0.0.0.0" || host == "::" {
			host = "localhost"
		}
		base = scheme + "://" + net.JoinHostPort(host, port)
	}
	if c.Base, err = url.Parse(base); err != nil || c.Base.Host == "" || (c.Base.Scheme != "http" && c.Base.Scheme != "https") {
		fault("MARELLE_BASE_URL %q: expected an address such as https://ecole.example", base)
		c.Base = &url.URL{Scheme: "http", Host: "localhost"}
	} else {
		if strings.Trim(c.Base.Path, "/") != "" || c.Base.RawQuery != "" || c.Base.Fragment != "" || c.Base.User != nil {
			fault("MARELLE_BASE_URL %q: only a scheme and a host, no path", base)
		}
		c.Base.Path = ""
		if c.Base.Scheme == "http" && !Loopback(c.Base.Hostname()) && !c.Demo {
			fault("MARELLE_BASE_URL %q: off this machine it must be https, or sign-in cookies are lost", base)
		}
	}
	if s.Data == "" {
		fault("MARELLE_DATA is empty: name a folder")
	}
	c.DSN = s.Database
	if c.DSN == "" {
		c.DSN = filepath.Join(s.Data, "marelle.db")
	} else if !strings.HasPrefix(c.DSN, "postgres://") && !strings.HasPrefix(c.DSN, "postgresql://") {
		fault("MARELLE_DATABASE: expected postgres://user@host/name, or nothing for SQLite")
	}
	c.Secret = s.SecretFile
	if c.Secret == "" {
		c.Secret = filepath.Join(s.Data, "secret")
	}
	for _, p := range split(s.TrustedProxies) {
		if prefix, err := netip.ParsePrefix(p); err == nil {
			c.Proxies = append(c.Proxies, prefix.Masked())
		} else if a, err := netip.ParseAddr(p); err == nil {
			c.Proxies = append(c.Proxies, netip.PrefixFrom(a, a.BitLen()))
		} else {
			fault("MARELLE_TRUSTED_PROXIES: %q is neither an address nor a network such as 10.0.0.0/8", p)
		}
	}
	if s.Clamd != "" {
		fault("MARELLE_CLAMD: this version does not scan files yet; leave it unset rather than trust it")
	}
	if s.SMTP != "" {
		if _, err := mail.ParseURL(s.SMTP); err != nil {
			fault("MARELLE_SMTP: %w", err)
		}
	}
	if c.PushHosts, err = push.ParseHosts(split(s.PushHosts)); err != nil {
		fault("MARELLE_PUSH_HOSTS: %w", err)
	}
	if c.UploadMax, err = Bytes(s.UploadMax); err != nil {
		fault("MARELLE_UPLOAD_MAX %q: expected a size such as 500M or 2G", s.UploadMax)
	}
	if s.MetricsAddr != "" {
		if _, _, err := net.SplitHostPort(s.MetricsAddr); err != nil {
			fault("MARELLE_METRICS_ADDR %q: expected host:port", s.MetricsAddr)
		}
	}
	for name, f := range map[string]string{"MARELLE_TLS_CERT": s.TLSCert, "MARELLE_TLS_KEY": s.TLSKey} {
		if f != "" {
			if _, err := os.Stat(f); err != nil {
				fault("%s: %v", name, err)
			}
		}
	}
	return c, errors.Join(faults...)
}

func known(name string) bool {
	for _, n := range names {
		if n == name {
			return true
		}
	}
	return false
}

func split(s string) []string {
	return strings.FieldsFunc(s, func(r rune) bool { return r == ',' || r == ' ' })
}

// Loopback says whether a host name is this machine.
func Loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(strings.Trim(host, "[]"))
	return err == nil && a.IsLoopback()
}

// Bytes reads a size: 500M, 2G, 1048576.
func Bytes(s string) (int64, error) {
	s = strings.TrimSuffix(strings.ToUpper(strings.TrimSpace(s)), "B")
	unit := int64(1)
	for suffix, u := range map[string]int64{"K": 1 << 10, "M": 1 << 20, "G": 1 << 30} {
		if n, ok := strings.CutSuffix(s, suffix); ok {
			s, unit = n, u
			break
		}
	}
	n, err := strconv.ParseInt(strings.TrimSpace(s), 10, 64)
	if err != nil || n <= 0 || n > 1<<40/unit {
		return 0, fmt.Errorf("not a size: %q", s)
	}
	return n * unit, nil
}
