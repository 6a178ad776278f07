package rewrite

import (
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// OriginPair says under which origin a browser reaches another.
type OriginPair struct {
	// From is how the site writes the origin: "https://legacy.internal",
	// "http://10.0.0.7:8080", or without a scheme for both http and https.
	From string
	// To is the origin as a browser reaches it: "https://help.example.com:8443".
	To string
}

// OriginsOptions configures [Origins].
type OriginsOptions struct {
	// Own is the origin under which the browser sees the site.
	Own string
	// Site is the site's own origin as its upstream sees itself. It may equal Own.
	Site string
	// Others are the other sites of the gateway: From is where the browser reaches
	// one, To its own origin as its upstream sees itself. [Origins.Real] leads back
	// by them.
	Others []OriginPair
	// Hosts are this site's other origins and those of the other sites. Where two
	// pairs name the same From, one that leads to Own counts, else the first.
	Hosts []OriginPair
	// Assets are hosts of third parties that are brought under Prefix:
	// "cdn.example.com", "cdn.example.com:8443", "*.cdn.example.com".
	Assets []string
	// Prefix is the path under which assets stand: "/.pillion/from/".
	Prefix string
	// Archived returns the path, on Own, of an archived copy of an asset whose
	// URL is absolute and as the browser sees it; nil where nothing is archived.
	Archived func(use Use, url string) (path string, ok bool)
}

// Origins knows which origins stand for which: those of sites for the
// gateway's, and a prefix on the gateway for those of third parties. It is
// immutable.
type Origins struct {
	own      endpoint
	site     endpoint
	others   map[string]string // canonical origins
	hosts    map[string]target // by the canonical origin
	pairs    [][2]string       // the same for the capture script, in their order
	assets   assetHosts
	prefix   string
	archived func(use Use, url string) (path string, ok bool)
}

// endpoint is an origin.
type endpoint struct {
	url    string // canonical
	scheme urlScheme
	host   string // without port
}

// target is what stands for an origin.
type target struct {
	url, socket string // with http or https, and with ws or wss
	host        string
	own         bool // it is the page's own origin
	same        bool // it is the origin itself
}

// NewOrigins makes a table of origins.
func NewOrigins(o OriginsOptions) (*Origins, error) {
	out := &Origins{hosts: map[string]target{}, prefix: o.Prefix, archived: o.Archived}
	var err error
	if out.own, err = parseOrigin(o.Own); err != nil {
		return nil, fmt.Errorf("own origin: %w", err)
	}
	out.site = out.own
	if o.Site != "" {
		if out.site, err = parseOrigin(o.Site); err != nil {
			return nil, fmt.Errorf("site's origin: %w", err)
		}
	}
	if out.others, err = parseOthers(o.Others); err != nil {
		return nil, err
	}
	if len(o.Assets) > 0 && (!strings.HasPrefix(o.Prefix, "/") || !strings.HasSuffix(o.Prefix, "/")) {
		return nil, fmt.Errorf("prefix %q: it must start and end with /", o.Prefix)
	}
	if out.assets, err = parseAssets(o.Assets); err != nil {
		return nil, err
	}
	for i, p := range o.Hosts {
		if err := out.add(p); err != nil {
			return nil, fmt.Errorf("hosts, entry %d: %w", i+1, err)
		}
	}
	for _, p := range out.pairs {
		if t := out.hosts[p[0]]; t.same {
			delete(out.hosts, p[0])
		}
	}
	return out, nil
}

func parseOthers(list []OriginPair) (map[string]string, error) {
	others := map[string]string{}
	for i, p := range list {
		from, err := parseOrigin(p.From)
		if err != nil {
			return nil, fmt.Errorf("others, entry %d: %w", i+1, err)
		}
		to, err := parseOrigin(p.To)
		if err != nil {
			return nil, fmt.Errorf("others, entry %d: %w", i+1, err)
		}
		others[from.url] = to.url
	}
	return others, nil
}

func (o *Origins) add(p OriginPair) error {
	to, err := parseOrigin(p.To)
	if err != nil {
		return err
	}
	froms := []string{p.From}
	if !strings.Contains(p.From, "://") {
		froms = []string{"http://" + p.From, "https://" + p.From}
	}
	for _, f := range froms {
		from, err := parseOrigin(f)
		if err != nil {
			return err
		}
		t := target{url: to.url, socket: "ws" + strings.TrimPrefix(to.url, "http"), host: to.host, own: to.url == o.own.url, same: to.url == from.url}
		old, known := o.hosts[from.url]
		if known && (old.own || !t.own) {
			continue
		}
		o.hosts[from.url] = t
		if !known {
			o.pairs = append(o.pairs, [2]string{from.url})
		}
	}
	return nil
}

// parseOrigin reads an origin and writes it in its canonical form.
func parseOrigin(text string) (endpoint, error) {
	r := splitRef([]byte(text), noScheme)
	var host []byte
	origin, ok := appendOrigin(nil, r.scheme, r.host)
	switch {
	case r.kind != refHost || r.scheme == noScheme || !ok:
		return endpoint{}, fmt.Errorf("%q is no origin such as https://legacy.internal or http://10.0.0.7:8080", text)
	case r.scheme != schemeHTTP && r.scheme != schemeHTTPS:
		return endpoint{}, fmt.Errorf("%q: the scheme must be http or https", text)
	case len(r.rest) > 0 && string(r.rest) != "/" || strings.Contains(text, "@"):
		return endpoint{}, fmt.Errorf("%q: give the origin alone, without credentials, path or query", text)
	}
	name, _ := cutPort(r.host)
	host, _ = appendHost(nil, name)
	return endpoint{url: string(origin), scheme: r.scheme, host: string(host)}, nil
}

// Empty reports whether nothing would ever be mapped.
func (o *Origins) Empty() bool {
	return len(o.hosts) == 0 && o.assets.empty() && o.archived == nil
}

// Script is the table for the capture script, as JSON; null where it is empty.
// The own origin is written as "", so that the table is the same under whatever
// name the site is reached.
func (o *Origins) Script() []byte {
	if o.Empty() {
		return []byte("null")
	}
	table := struct {
		Hosts  [][2]string `json:"hosts"`
		Assets []string    `json:"assets"`
		Prefix string      `json:"prefix"`
	}{[][2]string{}, o.assets.names, o.prefix}
	if table.Assets == nil {
		table.Assets = []string{}
	}
	for _, p := range o.pairs {
		if t, ok := o.hosts[p[0]]; !ok || t.own {
			p[1] = "" // what is not there leads to itself, which is the own one
		} else {
			p[1] = t.url
		}
		table.Hosts = append(table.Hosts, p)
	}
	out, err := json.Marshal(table)
	if err != nil {
		return []byte("null") // strings alone: it cannot be
	}
	return out
}

// Real leads back from a URL as the browser sees it to the site's own, another
// site's, or the third party's: for the request headers Origin and Referer. All
// else comes back as it is.
func (o *Origins) Real(u string) string {
	rest, ok := strings.CutPrefix(u, o.own.url)
	if !ok || rest != "" && !endsAuthority(rest[0]) {
		return o.realOther(u)
	}
	if path, ok := strings.CutPrefix(rest, o.prefix); ok && !o.assets.empty() {
		if scheme, host, rest, ok := o.cutAsset(path); ok {
			return scheme + "://" + host + rest
		}
	}
	if o.site.url == o.own.url {
		return u
	}
	return o.site.url + rest
}

// realOther leads back from a URL of another site of the gateway. Browsers write
// origins in their canonical form.
func (o *Origins) realOther(u string) string {
	_, host, ok := strings.Cut(u, "://")
	if !ok || len(o.others) == 0 {
		return u
	}
	end := strings.IndexAny(host, "/?#")
	if end < 0 {
		end = len(host)
	}
	end += len(u) - len(host)
	if to, ok := o.others[u[:end]]; ok {
		return to + u[end:]
	}
	return u
}

// AssetOf returns the third party's URL that a request target leads to; false
// where it is none of those that were configured.
func (o *Origins) AssetOf(path string) (*url.URL, bool) {
	path, ok := strings.CutPrefix(path, o.prefix)
	if !ok || o.assets.empty() {
		return nil, false
	}
	scheme, host, rest, ok := o.cutAsset(path)
	if !ok {
		return nil, false
	}
	rest, _, _ = strings.Cut(rest, "#")
	rest, query, asked := strings.Cut(rest, "?")
	u := &url.URL{Scheme: scheme, Host: host, RawQuery: query, ForceQuery: asked && query == ""}
	var err error
	if u.Path, err = url.PathUnescape(rest); err != nil {
		u.Path = rest // a percent sign by itself: sent as %25
	} else {
		u.RawPath = rest
	}
	return u, true
}

// cutAsset splits what follows the prefix into the asset's origin and the rest,
// which starts with a slash.
func (o *Origins) cutAsset(path string) (scheme, host, rest string, ok bool) {
	scheme, path, _ = strings.Cut(path, "/")
	kind := schemeHTTPS
	switch scheme {
	case "http":
		kind = schemeHTTP
	case "https":
	default:
		return "", "", "", false
	}
	end := strings.IndexAny(path, "/?#")
	if end < 0 {
		end = len(path)
	}
	host, rest = path[:end], path[end:]
	canonical, ok := appendHostPort(nil, []byte(host), kind.defaultPort())
	if !ok || !o.assets.has(canonical, kind) {
		return "", "", "", false
	}
	if rest == "" || rest[0] != '/' {
		rest = "/" + rest
	}
	return scheme, string(canonical), rest, true
}

// assetHosts are the third parties whose assets are brought under the prefix.
type assetHosts struct {
	names []string // as configured, canonical
	exact map[string]bool
	wild  []wildHost
}

type wildHost struct{ suffix, port string }

func (a *assetHosts) empty() bool { return len(a.names) == 0 }

func parseAssets(list []string) (a assetHosts, err error) {
	a.exact = map[string]bool{}
	for i, given := range list {
		name, wild := strings.CutPrefix(given, "*.")
		canonical, ok := appendHostPort(nil, []byte(name), -1)
		if !ok || strings.ContainsAny(given, "@") {
			return a, fmt.Errorf("assets, entry %d: %q is no host such as cdn.example.com, cdn.example.com:8443 or *.cdn.example.com", i+1, given)
		}
		if name = string(canonical); !wild {
			a.exact[name] = true
		} else {
			host, port := cutPort(canonical)
			a.wild = append(a.wild, wildHost{"." + string(host), string(port)})
			name = "*." + name
		}
		if !slices.Contains(a.names, name) {
			a.names = append(a.names, name)
		}
	}
	return a, nil
}

// has reports whether a canonical host, with its port where it is not the
// scheme's default one, is configured.
func (a *assetHosts) has(host []byte, scheme urlScheme) bool {
	if a.empty() {
		return false
	}
	if a.exact[string(host)] {
		return true
	}
	name, port := cutPort(host)
	byDefault := len(port) == 0
	if byDefault {
		port = append(make([]byte, 0, 3), "443"...)
		if scheme == schemeHTTP {
			port = port[:copy(port, "80")]
		}
		var room [maxHost]byte
		if a.exact[string(append(append(append(room[:0], name...), ':'), port...))] {
			return true
		}
	}
	for _, w := range a.wild {
		if len(name) > len(w.suffix) && string(name[len(name)-len(w.suffix):]) == w.suffix &&
			(w.port == string(port) || w.port == "" && byDefault) {
			return true
		}
	}
	return false
}
