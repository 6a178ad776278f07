package rewrite

import (
	"net/netip"
	"strings"

	"golang.org/x/net/publicsuffix"
)

// Cookie maps the Domain attribute of a Set-Cookie header; every other byte
// stays, and so does all that a browser would read otherwise than we do.
//
// A domain that the gateway's own name allows stays. One that covers the site's
// names becomes the longest domain that the gateway's names for the same sites
// have in common, for such a cookie may be meant for all of them; where there
// is none, or it is one that registries give away under, the attribute is left
// out, and the cookie is the site's alone. Any other domain, no site could set:
// it stays, and the browser refuses it as it would without the gateway.
//
// Secure and the prefixes __Secure- and __Host- stay on a gateway that is
// reached by http, too, where browsers refuse such cookies (except on
// localhost): they are the site's wish, and are not weakened.
func (o *Origins) Cookie(v string) string {
	return MapCookie(v, o.own.host, o.cookieHosts)
}

// cookieHosts are the names by which browsers reach what a domain covers; none
// where this site could not set a cookie for it.
func (o *Origins) cookieHosts(domain string) (hosts []string) {
	allowed := covers(domain, o.site.host)
	for _, p := range o.pairs {
		t, ok := o.hosts[p[0]]
		if !ok || !covers(domain, hostOf(p[0])) {
			continue
		}
		allowed = allowed || t.own
		hosts = append(hosts, t.host)
	}
	if !allowed {
		return nil
	}
	return append(hosts, o.own.host)
}

// hostOf is the host of a canonical origin, without its port.
func hostOf(origin string) string {
	_, host, _ := strings.Cut(origin, "://")
	name, _ := cutPort([]byte(host))
	return string(name)
}

// MapCookie maps the Domain attribute of a Set-Cookie header for the gateway's
// host own; hosts tells by which names browsers reach what a domain covers,
// none where it is not the site's. See [Origins.Cookie].
func MapCookie(v, own string, hosts func(domain string) []string) string {
	at, end, ok := lastDomain(v)
	if !ok {
		return v
	}
	_, value, _ := strings.Cut(v[at:end], "=")
	domain := strings.ToLower(strings.TrimPrefix(trimBlanks(value), "."))
	if domain == "" || covers(domain, own) && (domain == own || !isPublic(domain)) {
		return v // an empty one counts as none (RFC 6265bis, 5.6.3)
	}
	names := hosts(domain)
	if len(names) == 0 {
		return v
	}
	if parent := commonDomain(names); parent != "" {
		from := at + strings.IndexByte(v[at:end], '=') + 1
		from += len(v[from:end]) - len(strings.TrimLeft(v[from:end], " \t"))
		to := from + len(strings.TrimRight(v[from:end], " \t"))
		return v[:from] + parent + v[to:]
	}
	// The last one counts: an earlier one must not come into force.
	for ok {
		v = v[:at-1] + v[end:]
		at, end, ok = lastDomain(v)
	}
	return v
}

// lastDomain finds the last Domain attribute, the one that counts. Semicolons
// end an attribute even within quotes (RFC 6265bis, 5.6).
func lastDomain(v string) (at, end int, ok bool) {
	next := strings.IndexByte(v, ';')
	for next >= 0 {
		start, stop := next+1, len(v)
		if next = strings.IndexByte(v[start:], ';'); next >= 0 {
			next += start
			stop = next
		}
		name, _, _ := strings.Cut(v[start:stop], "=")
		if strings.EqualFold(trimBlanks(name), "domain") {
			at, end, ok = start, stop, true
		}
	}
	return at, end, ok
}

func trimBlanks(s string) string { return strings.Trim(s, " \t") }

// covers reports whether a cookie's domain matches a host (RFC 6265, 5.1.3).
func covers(domain, host string) bool {
	if host == domain {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err != nil && strings.HasSuffix(host, "."+domain)
}

// isPublic reports whether a domain is one that registries give away under, for
// which browsers take no cookies.
func isPublic(domain string) bool {
	suffix, _ := publicsuffix.PublicSuffix(domain)
	return suffix == domain
}

// commonDomain is the longest domain that several names have in common; empty
// where it is public, where they are addresses, and for one name alone.
func commonDomain(names []string) string {
	common, several := names[0], false
	for _, n := range names[1:] {
		several = several || n != names[0]
		for common != "" && !covers(common, n) {
			_, common, _ = strings.Cut(common, ".")
		}
	}
	if !several || common == "" || isPublic(common) {
		return ""
	}
	if _, err := netip.ParseAddr(common); err == nil || strings.HasPrefix(common, "[") {
		return ""
	}
	return common
}
