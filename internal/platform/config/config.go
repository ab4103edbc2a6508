// Package config reads and checks the operator's settings. A wrong value stops
// the start with one sentence that says what was expected; it starts nothing
// itself. Help texts stand beside their flag, in French like all that operators
// read.
package config

import (
	"embed"
	"errors"
	"io/fs"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"marelle/internal/platform/clamav"
	"marelle/internal/platform/errs"
	"marelle/internal/platform/mail"
	"marelle/internal/platform/push"
)

//go:embed i18n/fr.json
var catalogue embed.FS

// Messages is the French catalogue of this package.
var Messages, _ = fs.Sub(catalogue, "i18n")

// Settings are what the environment or the command line says, as text.
type Settings struct {
	Addr           string `env:"MARELLE_ADDR" default:"127.0.0.1:8080" help:"Adresse d'écoute."`
	BaseURL        string `env:"MARELLE_BASE_URL" help:"Adresse que l'on tape, comme https://ecole.example (par défaut : http:// et --addr)."`
	Data           string `env:"MARELLE_DATA" default:"data" help:"Dossier de la base, des fichiers et du secret."`
	Database       string `env:"MARELLE_DATABASE" help:"postgres://… (par défaut : un fichier SQLite dans le dossier des données)."`
	Blobs          string `env:"MARELLE_BLOBS" help:"s3://seau?endpoint=…&region=… (par défaut : un dossier dans celui des données)."`
	SMTP           string `env:"MARELLE_SMTP" help:"smtp[s]://compte:motdepasse@hôte:port?from=… pour envoyer les courriels."`
	SecretFile     string `env:"MARELLE_SECRET_FILE" help:"Fichier du secret du serveur (par défaut : secret, dans le dossier des données)."`
	TrustedProxies string `env:"MARELLE_TRUSTED_PROXIES" help:"Adresses ou réseaux dont l'en-tête X-Forwarded-For est cru, séparés par des virgules."`
	PushHosts      string `env:"MARELLE_PUSH_HOSTS" help:"Services de notification admis en plus de ceux des navigateurs, séparés par des virgules."`
	MetricsAddr    string `env:"MARELLE_METRICS_ADDR" help:"Adresse des mesures Prometheus, comme 127.0.0.1:9090 (par défaut : aucune)."`
	UploadMax      string `env:"MARELLE_UPLOAD_MAX" default:"500M" help:"Taille du plus gros fichier, comme 500M ou 2G."`
	TLSCert        string `env:"MARELLE_TLS_CERT" help:"Fichier du certificat, pour TLS sans mandataire."`
	TLSKey         string `env:"MARELLE_TLS_KEY" help:"Fichier de la clé du certificat."`
	Clamd          string `env:"MARELLE_CLAMD" help:"Service ClamAV qui examine les fichiers : hôte:port ou unix:/chemin (par défaut : aucun)."`
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
	Antivirus *clamav.Client

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
	fault := func(key string, pairs ...any) { faults = append(faults, errs.New(errs.Invalid, key, pairs...)) }

	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		if rest, ok := strings.CutPrefix(name, "MARELLE_"); ok && !known(rest) && !strings.HasPrefix(rest, "TEST_") {
			fault("config.unknown", "name", name)
		}
	}
	host, port, err := net.SplitHostPort(s.Addr)
	if err != nil {
		fault("config.addr", "name", "MARELLE_ADDR", "value", s.Addr)
	} else if n, err := strconv.Atoi(port); err != nil || n < 0 || n > 65535 {
		fault("config.port", "value", s.Addr)
	}
	scheme := "http"
	if s.TLSCert != "" || s.TLSKey != "" {
		scheme = "https"
		if s.TLSCert == "" || s.TLSKey == "" {
			fault("config.tls_pair")
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
		fault("config.base", "value", base)
		c.Base = &url.URL{Scheme: "http", Host: "localhost"}
	} else {
		if strings.Trim(c.Base.Path, "/") != "" || c.Base.RawQuery != "" || c.Base.Fragment != "" || c.Base.User != nil {
			fault("config.base_path", "value", base)
		}
		c.Base.Path = ""
		if c.Base.Scheme == "http" && !Loopback(c.Base.Hostname()) && !c.Demo {
			fault("config.base_http", "value", base)
		}
	}
	if s.Data == "" {
		fault("config.data")
	}
	c.DSN = s.Database
	if c.DSN == "" {
		c.DSN = filepath.Join(s.Data, "marelle.db")
	} else if !strings.HasPrefix(c.DSN, "postgres://") && !strings.HasPrefix(c.DSN, "postgresql://") {
		fault("config.database")
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
			fault("config.proxies", "value", p)
		}
	}
	if s.Clamd != "" {
		if c.Antivirus, err = clamav.Parse(s.Clamd); err != nil {
			fault("config.clamd", "value", s.Clamd)
		}
	}
	if s.SMTP != "" {
		if _, err := mail.ParseURL(s.SMTP); err != nil {
			faults = append(faults, err)
		}
	}
	if c.PushHosts, err = push.ParseHosts(split(s.PushHosts)); err != nil {
		entry := s.PushHosts
		if bad, ok := errors.AsType[push.HostError](err); ok {
			entry = bad.Entry
		}
		fault("config.push_host", "value", entry)
	}
	if c.UploadMax, err = Bytes(s.UploadMax); err != nil {
		fault("config.size", "value", s.UploadMax)
	}
	if s.MetricsAddr != "" {
		if _, _, err := net.SplitHostPort(s.MetricsAddr); err != nil {
			fault("config.addr", "name", "MARELLE_METRICS_ADDR", "value", s.MetricsAddr)
		}
	}
	for name, f := range map[string]string{"MARELLE_TLS_CERT": s.TLSCert, "MARELLE_TLS_KEY": s.TLSKey} {
		if f != "" {
			if _, err := os.Stat(f); err != nil {
				fault("config.file", "name", name, "value", f)
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

// Bytes reads a size: 500M, 2G, 1048576. A kilo is 1024, as in the settings of
// the proxy and of the antivirus that stand beside this one.
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
		return 0, errs.New(errs.Invalid, "config.size", "value", s)
	}
	return n * unit, nil
}
