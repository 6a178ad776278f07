package rewrite

import (
	"slices"
	"strings"
)

// sourceLists are the directives that name hosts (CSP 3, 6.1 to 6.4); true for
// those that bear on what is brought under the prefix.
var sourceLists = map[string]bool{
	"default-src": true, "img-src": true, "style-src": true, "style-src-elem": true, "font-src": true,
	"media-src": true, "frame-src": true, "child-src": true, "object-src": true,
	"script-src": false, "script-src-elem": false, "connect-src": false, "worker-src": false, "manifest-src": false,
	"prefetch-src": false, "fenced-frame-src": false, "form-action": false, "frame-ancestors": false, "base-uri": false, "navigate-to": false,
}

// policy lets a policy say of the gateway's names what it says of the site's.
func (o *Origins) policy(p policy) policy {
	out := make(policy, 0, len(p))
	for i, d := range p {
		name := directiveName(d)
		brings, list := sourceLists[name]
		switch {
		case name == "upgrade-insecure-requests" && o.own.scheme == schemeHTTP:
			// It would lead from a gateway without TLS to nowhere.
			continue
		case p.find(name) != i: // later ones do not count
		case list:
			d = withSources(d, o.beside(sourcesOf(d), brings))
		case name == "report-uri":
			d = o.reportTo(d)
		}
		out = append(out, d)
	}
	return out
}

// reportTo maps the URLs that reports are sent to.
func (o *Origins) reportTo(directive string) string {
	for _, u := range sourcesOf(directive) {
		if mapped := o.MapURL(u, UseConnect); mapped != u {
			directive = strings.Replace(directive, u, escapeSource(mapped), 1)
		}
	}
	return directive
}

// escapeSource keeps a URL within its directive and policy.
func escapeSource(u string) string {
	return strings.NewReplacer(",", "%2C", ";", "%3B").Replace(u)
}

// beside returns the sources under which a browser reaches what the list names.
func (o *Origins) beside(list sources, brings bool) (add []string) {
	note := func(source string) {
		isOwn := source == o.own.url || strings.HasPrefix(source, o.own.url+"/")
		allowed := isOwn && list.has("'self'") || list.allowsAll(source)
		if !allowed && !slices.Contains(list, source) && !slices.Contains(add, source) {
			add = append(add, source)
		}
	}
	for _, text := range list {
		e, ok := parseSource(text)
		if !ok {
			continue
		}
		for _, p := range o.pairs {
			if t, ok := o.hosts[p[0]]; ok && e.matches(p[0]) {
				note(t.reached(e.scheme) + e.path)
			}
		}
		if brings {
			for _, u := range o.assetSources(e) {
				note(o.own.url + o.prefix + u)
			}
		}
	}
	return add
}

// assetSources are the paths below the prefix that stand for what a source
// names of the configured third parties.
func (o *Origins) assetSources(e source) (paths []string) {
	if e.host == "" {
		return nil // a scheme; what it allows is no less allowed on the gateway
	}
	for _, scheme := range []urlScheme{schemeHTTPS, schemeHTTP} {
		secure := o.own.scheme == schemeHTTPS && o.site.scheme == schemeHTTPS
		if e.scheme == noScheme && scheme == schemeHTTP && secure {
			continue // such a page's sources without a scheme mean https
		}
		for _, name := range o.assets.names {
			if path, ok := e.assetPath(scheme, name); ok {
				paths = append(paths, path)
			}
		}
	}
	return paths
}

// source is a host or scheme source (CSP 3, 2.3.1).
type source struct {
	scheme urlScheme
	host   string // "*.internal" for all its subdomains, "*" for any; empty for a scheme source
	port   string // "*" for any
	path   string
}

func parseSource(text string) (e source, ok bool) {
	if text == "" || text == "*" || text[0] == '\'' {
		return e, false
	}
	if name, rest, found := strings.Cut(text, "://"); found {
		e.scheme = schemeNamed([]byte(strings.ToLower(name)))
		text = rest
	} else if name, found := strings.CutSuffix(text, ":"); found {
		e.scheme = schemeNamed([]byte(strings.ToLower(name)))
		return e, e.scheme != otherScheme
	}
	if i := strings.IndexAny(text, "/?#"); i >= 0 {
		text, e.path = text[:i], text[i:]
	}
	e.host = strings.ToLower(text)
	if i := strings.LastIndexByte(e.host, ':'); i >= 0 && !strings.HasSuffix(e.host, "]") {
		e.host, e.port = e.host[:i], e.host[i+1:]
	}
	return e, e.host != "" && e.scheme != otherScheme
}

// matches reports whether a canonical origin is what the source names. One
// without a scheme means the page's, which is known to the site alone.
func (e source) matches(origin string) bool {
	scheme, host, _ := strings.Cut(origin, "://")
	kind := schemeHTTPS
	if scheme == "http" {
		kind = schemeHTTP
	}
	name, port := cutPort([]byte(host))
	return e.matchesScheme(kind) && (e.host == "" || e.matchesHost(string(name)) && e.matchesPort(kind, string(port)))
}

// matchesScheme follows CSP 3, 6.7.2.9: http stands for https, too.
func (e source) matchesScheme(scheme urlScheme) bool {
	return e.scheme == noScheme || e.scheme.overHTTP() == scheme || e.scheme.overHTTP() == schemeHTTP && scheme == schemeHTTPS
}

func (e source) matchesHost(name string) bool {
	if suffix, ok := strings.CutPrefix(e.host, "*"); ok {
		return strings.HasSuffix(name, suffix) && len(name) > len(suffix)
	}
	return e.host == name
}

// matchesPort follows CSP 3, 6.7.2.11; port is empty for the default one.
func (e source) matchesPort(scheme urlScheme, port string) bool {
	byDefault := "443"
	if scheme == schemeHTTP {
		byDefault = "80"
	}
	if port == "" {
		port = byDefault
	}
	switch e.port {
	case "":
		return port == byDefault
	case "*":
		return true
	case "80":
		return port == "80" || port == "443" && scheme == schemeHTTPS
	}
	return e.port == port
}

// assetPath is the path below the prefix for what the source names of a
// configured asset host; false where that is nothing.
func (e source) assetPath(scheme urlScheme, name string) (string, bool) {
	host, port := cutPort([]byte(strings.TrimPrefix(name, "*.")))
	if !e.matchesScheme(scheme) || e.scheme == schemeWS || e.scheme == schemeWSS || !e.matchesPort(scheme, string(port)) {
		return "", false
	}
	prefix, at := schemeNames[scheme]+"/", string(host)
	path := e.path
	if path == "" {
		path = "/"
	}
	canonical, ok := appendHostPort(nil, []byte(at+":"+string(port)), scheme.defaultPort())
	suffix, wild := strings.CutPrefix(e.host, "*")
	switch {
	case !ok:
		return "", false
	case name[0] != '*' && e.matchesHost(at):
		return prefix + string(canonical) + path, true
	case name[0] != '*':
		return "", false
	case !wild && strings.HasSuffix(e.host, "."+at):
		return prefix + e.host + string(canonical[len(at):]) + path, true
	case wild && (strings.HasSuffix("."+at, suffix) || strings.HasSuffix(suffix, "."+at)):
		// No path can say which subdomains: all that is configured.
		return prefix, true
	}
	return "", false
}
