package push

import (
	"fmt"
	"net"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// browsers are the push services of the browsers: Chrome, Edge and Samsung,
// Firefox, Edge on Windows, Safari.
var browsers = []host{
	{name: "fcm.googleapis.com", port: "443"},
	{name: ".push.services.mozilla.com", port: "443"},
	{name: ".notify.windows.com", port: "443"},
	{name: "web.push.apple.com", port: "443"},
	{name: ".push.apple.com", port: "443"},
}

// Hosts are the push services that may be written to. The zero value is the
// browsers' own: a subscription comes from a browser, which could name any
// machine of the operator's network.
type Hosts struct{ added []host }

// host is a name, or all names below one if it begins with a dot.
type host struct{ name, port string } // port "" is any

var hostName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*$`)

// HostError is an entry that names no host.
type HostError struct{ Entry string }

func (e HostError) Error() string {
	return fmt.Sprintf("%q is no host such as push.example.org, push.example.org:8443 or *.push.example.org", e.Entry)
}

// ParseHosts adds services to the browsers' own: push.example.org,
// push.example.org:8443, *.push.example.org or an address. A named one may have
// a private address. One of this machine may speak plain http, and without a
// port it is any port. The error is a HostError.
func ParseHosts(entries []string) (Hosts, error) {
	var h Hosts
	for _, entry := range entries {
		added, ok := parseHost(strings.ToLower(entry))
		if !ok {
			return Hosts{}, HostError{entry}
		}
		h.added = append(h.added, added)
	}
	return h, nil
}

func parseHost(s string) (host, bool) {
	var h host
	if a, err := netip.ParseAddr(strings.Trim(s, "[]")); err == nil {
		h.name = a.String()
	} else if name, port, err := net.SplitHostPort(s); err == nil {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || port[0] == '0' || port[0] == '+' {
			return host{}, false
		}
		h = host{name, port}
	} else {
		h.name = s
	}
	if below, ok := strings.CutPrefix(h.name, "*."); ok {
		if !strings.Contains(below, ".") || !hostName.MatchString(below) {
			return host{}, false // all of a country would be let in
		}
		h.name = "." + below
	} else if a, err := netip.ParseAddr(h.name); err == nil {
		if a.Zone() != "" {
			return host{}, false
		}
	} else if !hostName.MatchString(h.name) || len(h.name) > 253 {
		return host{}, false
	}
	if h.port == "" && !thisMachine(h.name) {
		h.port = "443"
	}
	return h, true
}

func (h host) fits(name, port string) bool {
	if h.port != "" && h.port != port {
		return false
	}
	if h.name[0] == '.' {
		return strings.HasSuffix(name, h.name) && hostName.MatchString(name)
	}
	return h.name == name
}

// allow says whether a service may be written to.
func (h Hosts) allow(scheme, name, port string) bool {
	if scheme != "https" && (scheme != "http" || !thisMachine(name)) {
		return false
	}
	for _, b := range browsers {
		if b.fits(name, port) {
			return true
		}
	}
	for _, a := range h.added {
		if a.fits(name, port) {
			return true
		}
	}
	return false
}

// named says whether the operator named just this host, wherever it is.
func (h Hosts) named(address string) bool {
	name, port, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	for _, a := range h.added {
		if a.name[0] != '.' && a.fits(name, port) {
			return true
		}
	}
	return false
}

func thisMachine(name string) bool {
	a, err := netip.ParseAddr(name)
	return name == "localhost" || err == nil && a.IsLoopback()
}

// reserved are the networks that lead to no public server, besides those that
// netip knows, and those that carry an address of IPv4 inside.
var reserved = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("192.0.0.0/24"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
	netip.MustParsePrefix("::/96"),
	netip.MustParsePrefix("64:ff9b:1::/48"),
	netip.MustParsePrefix("100::/64"),
	netip.MustParsePrefix("2001::/23"),
	netip.MustParsePrefix("2001:db8::/32"),
	netip.MustParsePrefix("2002::/16"),
	netip.MustParsePrefix("fec0::/10"),
}

var nat64 = netip.MustParsePrefix("64:ff9b::/96")

// public says whether an address may be a push service's.
func public(a netip.Addr) bool {
	a = a.Unmap()
	if nat64.Contains(a) { // how a network without IPv4 reaches one of its addresses
		b := a.As16()
		a = netip.AddrFrom4([4]byte(b[12:]))
	}
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Zone() != "" {
		return false
	}
	for _, p := range reserved {
		if p.Contains(a) {
			return false
		}
	}
	return true
}
