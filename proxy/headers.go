package proxy

import (
	"net"
	"net/http"
	"net/url"
	"strings"
)

// The cookies of ours that no site may see.
const (
	visitCookie   = "pillion_visit"
	sessionCookie = "pillion_session"
)

// hopByHop are the headers for one connection only (RFC 9110, 7.6.1).
var hopByHop = []string{
	"Connection", "Proxy-Connection", "Keep-Alive", "Proxy-Authenticate",
	"Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

func removeHopByHop(h http.Header) {
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			h.Del(strings.TrimSpace(name))
		}
	}
	for _, name := range hopByHop {
		h.Del(name)
	}
}

func isUpgrade(h http.Header) bool {
	if h.Get("Upgrade") == "" {
		return false
	}
	for _, line := range h["Connection"] {
		for word := range strings.SplitSeq(line, ",") {
			if strings.EqualFold(strings.TrimSpace(word), "upgrade") {
				return true
			}
		}
	}
	return false
}

// gatewayOrigin is the origin under which the browser sees the site.
func (g *Gateway) gatewayOrigin(r *http.Request) *url.URL {
	u := &url.URL{Scheme: "http", Host: r.Host}
	if r.TLS != nil || g.opts.TrustForwarded && r.Header.Get("X-Forwarded-Proto") == "https" {
		u.Scheme = "https"
	}
	return u
}

// toUpstream aims out at the upstream and tells it whom it answers.
func (g *Gateway) toUpstream(in, out *http.Request) {
	up, own := g.opts.Upstream, g.gatewayOrigin(in)
	out.URL.Scheme, out.URL.Host = up.Scheme, up.Host
	out.Host = up.Host
	if g.opts.PreserveHost {
		out.Host = in.Host
	} else {
		for _, name := range []string{"Origin", "Referer"} {
			mapHeader(out.Header, name, own, up)
		}
	}
	g.setForwarded(in, out.Header, own.Scheme)
	dropCookies(out.Header, visitCookie, sessionCookie)
	if _, has := out.Header["User-Agent"]; !has {
		out.Header.Set("User-Agent", "") // else the transport adds its own
	}
}

func (g *Gateway) setForwarded(in *http.Request, h http.Header, scheme string) {
	client, _, err := net.SplitHostPort(in.RemoteAddr)
	if err != nil {
		client = in.RemoteAddr
	}
	if g.opts.TrustForwarded {
		if prior := in.Header["X-Forwarded-For"]; len(prior) > 0 {
			client = strings.Join(prior, ", ") + ", " + client
		}
	} else {
		for _, name := range []string{"Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Real-Ip"} {
			h.Del(name)
		}
	}
	h.Set("X-Forwarded-For", client)
	if h.Get("X-Forwarded-Host") == "" {
		h.Set("X-Forwarded-Host", in.Host)
	}
	if h.Get("X-Forwarded-Proto") == "" {
		h.Set("X-Forwarded-Proto", scheme)
	}
}

// mapHeader moves URLs in a header from one origin to another.
func mapHeader(h http.Header, name string, from, to *url.URL) {
	for i, v := range h[name] {
		h[name][i] = mapURL(v, from, to)
	}
}

// mapURL moves a URL of one origin to another; other text stays as it is.
func mapURL(v string, from, to *url.URL) string {
	rest, scheme, found := v, "", false
	for _, s := range []string{from.Scheme + ":", ""} {
		if r, ok := cutPrefixFold(v, s+"//"); ok {
			rest, scheme, found = r, s, true
			break
		}
	}
	if !found {
		return v
	}
	host, tail := rest, ""
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		host, tail = rest[:i], rest[i:]
	}
	if !sameHost(host, from) {
		return v
	}
	if scheme == "" {
		return "//" + to.Host + tail
	}
	return to.Scheme + "://" + to.Host + tail
}

func cutPrefixFold(s, prefix string) (string, bool) {
	if len(s) < len(prefix) || !strings.EqualFold(s[:len(prefix)], prefix) {
		return s, false
	}
	return s[len(prefix):], true
}

// sameHost compares a URL's host with an origin's; a default port may be left out.
func sameHost(host string, origin *url.URL) bool {
	return strings.EqualFold(withPort(host, origin.Scheme), withPort(origin.Host, origin.Scheme))
}

func withPort(host, scheme string) string {
	if strings.LastIndexByte(host, ':') > strings.LastIndexByte(host, ']') {
		return host
	}
	if scheme == "https" {
		return host + ":443"
	}
	return host + ":80"
}

// dropCookies removes the named cookies from a request and leaves every other
// byte of the header alone.
func dropCookies(h http.Header, names ...string) {
	lines := h["Cookie"]
	if len(lines) == 0 {
		return
	}
	var kept []string
	for _, line := range lines {
		var pairs []string
		for pair := range strings.SplitSeq(line, ";") {
			name, _, _ := strings.Cut(strings.TrimSpace(pair), "=")
			if !oneOf(name, names) {
				pairs = append(pairs, pair)
			}
		}
		if rest := strings.TrimLeft(strings.Join(pairs, ";"), " "); rest != "" {
			kept = append(kept, rest)
		}
	}
	if len(kept) == 0 {
		h.Del("Cookie")
		return
	}
	h["Cookie"] = kept
}

func oneOf(s string, list []string) bool {
	for _, v := range list {
		if s == v {
			return true
		}
	}
	return false
}

func visitOf(r *http.Request) string {
	c, err := r.Cookie(visitCookie)
	if err != nil || len(c.Value) != visitLen || strings.Trim(c.Value, visitAlphabet) != "" {
		return ""
	}
	return c.Value
}

// fromUpstream maps what an answer says of the site to the gateway's origin.
func (g *Gateway) fromUpstream(x *exchange, h http.Header) {
	if g.opts.PreserveHost {
		return
	}
	up, own := g.opts.Upstream, g.gatewayOrigin(x.in)
	for _, name := range []string{"Location", "Content-Location", "Access-Control-Allow-Origin"} {
		mapHeader(h, name, up, own)
	}
	for i, v := range h["Refresh"] {
		h["Refresh"][i] = mapRefresh(v, up, own)
	}
	for i, v := range h["Link"] {
		h["Link"][i] = mapLink(v, up, own)
	}
	for i, v := range h["Set-Cookie"] {
		h["Set-Cookie"][i] = mapCookie(v, up.Hostname(), own.Hostname())
	}
}

// mapRefresh maps the URL of `5; url=http://…` (HTML, shared declarative refresh steps).
func mapRefresh(v string, from, to *url.URL) string {
	i := strings.IndexAny(v, ";, \t")
	if i < 0 {
		return v
	}
	start := i + len(v[i:]) - len(strings.TrimLeft(v[i:], ";, \t"))
	if len(v)-start > 3 && strings.EqualFold(v[start:start+3], "url") {
		if after, ok := strings.CutPrefix(strings.TrimLeft(v[start+3:], " \t"), "="); ok {
			start = len(v) - len(strings.TrimLeft(after, " \t"))
		}
	}
	end := len(v)
	if start < end && (v[start] == '"' || v[start] == '\'') {
		quote := v[start]
		start++
		if j := strings.IndexByte(v[start:], quote); j >= 0 {
			end = start + j
		}
	}
	return v[:start] + mapURL(v[start:end], from, to) + v[end:]
}

// mapLink maps the targets of a Link header: what stands between < and >.
func mapLink(v string, from, to *url.URL) string {
	var out strings.Builder
	for {
		start := strings.IndexByte(v, '<')
		if start < 0 {
			break
		}
		end := strings.IndexByte(v[start:], '>')
		if end < 0 {
			break
		}
		end += start
		out.WriteString(v[:start+1])
		out.WriteString(mapURL(v[start+1:end], from, to))
		v = v[end:]
	}
	out.WriteString(v)
	return out.String()
}

// mapCookie takes a Domain away that the gateway's host could not set, so that
// the cookie becomes the gateway's own; everything else stays byte for byte.
func mapCookie(v, site, own string) string {
	parts := strings.Split(v, ";")
	kept := parts[:1]
	for _, p := range parts[1:] {
		name, domain, _ := strings.Cut(strings.TrimSpace(p), "=")
		if strings.EqualFold(name, "domain") {
			domain = strings.TrimPrefix(strings.TrimSpace(domain), ".")
			if within(site, domain) && !within(own, domain) {
				continue
			}
		}
		kept = append(kept, p)
	}
	return strings.Join(kept, ";")
}

// within reports whether a host lies in a domain (RFC 6265, 5.1.3).
func within(host, domain string) bool {
	host, domain = strings.ToLower(host), strings.ToLower(domain)
	return host == domain || strings.HasSuffix(host, "."+domain) && net.ParseIP(host) == nil
}
