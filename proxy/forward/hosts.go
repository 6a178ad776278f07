package forward

import (
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// pattern is one listed host.
type pattern struct {
	name  string // in lower case; of a wildcard what follows "*."
	below bool   // "*."
	ip    netip.Addr
	port  string // empty for every one
}

type patterns []pattern

func parseHosts(hosts []string) (patterns, error) {
	var list patterns
	for _, text := range hosts {
		p, err := parseHost(text)
		if err != nil {
			return nil, err
		}
		list = append(list, p)
	}
	return list, nil
}

func parseHost(text string) (p pattern, err error) {
	defer func() {
		if err == nil && p.ip.Zone() != "" {
			err = fmt.Errorf("host %q: an address with a zone means something on one machine alone", text)
		}
	}()
	wrong := fmt.Errorf("host %q: give a name or an address, with *. before it or :port behind it if need be", text)
	name := strings.ToLower(strings.TrimSpace(text))
	if ip, err := netip.ParseAddr(strings.Trim(name, "[]")); err == nil {
		return pattern{name: ip.String(), ip: ip}, nil
	}
	if host, port, err := net.SplitHostPort(name); err == nil {
		if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
			return p, wrong
		}
		name, p.port = host, port
	}
	if ip, err := netip.ParseAddr(name); err == nil {
		p.name, p.ip = ip.String(), ip
		return p, nil
	}
	p.name, p.below = strings.CutPrefix(name, "*.")
	if !isName(p.name) {
		return p, wrong
	}
	// The authority may sign for everything below a listed name.
	if suffix, icann := publicsuffix.PublicSuffix(p.name); icann && suffix == p.name {
		return p, fmt.Errorf("host %q: everybody can have names below it", text)
	}
	return p, nil
}

// isName reports whether s is a host name, of letters, digits, hyphens and
// underscores (intranets have them).
func isName(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if label == "" || len(label) > 63 || strings.Trim(label, "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	return true
}

// match reports whether a host, in the form of target, is listed.
func (list patterns) match(host, port string) bool {
	for _, p := range list {
		named := host == p.name
		if p.below {
			named = strings.HasSuffix(host, "."+p.name)
		}
		if named && (p.port == "" || p.port == port) {
			return true
		}
	}
	return false
}

// target splits "host:port" as requests have it: the host in lower case, without
// brackets and the final dot; false for what is no host.
func target(hostport, defaultPort string) (host, port string, ok bool) {
	host, port, err := net.SplitHostPort(hostport)
	if err != nil {
		host, port = strings.TrimSuffix(strings.TrimPrefix(hostport, "["), "]"), defaultPort
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return "", "", false
	}
	host = strings.TrimSuffix(strings.ToLower(host), ".")
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.String(), port, ip.Zone() == ""
	}
	return host, port, isName(host)
}
