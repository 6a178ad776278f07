package proxy

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/url"
	"strings"
	"sync"

	"github.com/pillion-dev/pillion/rewrite"
)

// view is a site under one of the origins by which browsers reach it: what
// does not change from one request to the next.
type view struct {
	site    *site
	own     string // the origin
	origins *rewrite.Origins
	maps    bool   // origins map anything
	script  string // path of the capture script; empty adds no tag
	tag     string // the capture tag without a nonce
	needs   rewrite.CSPNeeds
	variant string // what our entity tags begin with, after W/"
	secure  bool
}

// viewKey is what a view depends on.
type viewKey struct {
	site   *site
	secure bool
	host   string
}

// views keeps the views that were asked for; any browser can name any host, so
// their number is bounded.
type views struct {
	mu  sync.RWMutex
	all map[viewKey]*view
}

const maxViews = 256

// viewOf is the view of a site that a request asks for.
func (g *Gateway) viewOf(s *site, r *http.Request) (*view, error) {
	key := viewKey{s, g.secure(r), r.Host}
	g.views.mu.RLock()
	v := g.views.all[key]
	g.views.mu.RUnlock()
	if v != nil {
		return v, nil
	}
	v, err := g.newView(key)
	if err != nil {
		return nil, err
	}
	g.views.mu.Lock()
	defer g.views.mu.Unlock()
	if len(g.views.all) >= maxViews {
		clear(g.views.all)
	}
	g.views.all[key] = v
	return v, nil
}

// secure reports whether the browser reached us by TLS.
func (g *Gateway) secure(r *http.Request) bool {
	return r.TLS != nil || g.opts.TrustForwarded && r.Header.Get("X-Forwarded-Proto") == "https"
}

func scheme(secure bool) string {
	if secure {
		return "https"
	}
	return "http"
}

func (g *Gateway) newView(key viewKey) (*view, error) {
	own := scheme(key.secure) + "://" + key.host
	v := &view{site: key.site, own: own, secure: key.secure}
	o := rewrite.OriginsOptions{Own: own, Site: key.site.origin, Prefix: FromPrefix, Assets: key.site.Assets}
	if o.Site == "" {
		o.Site = own
	}
	for _, s := range g.sites {
		to := own
		if s != key.site {
			if to = s.reachedAs(key); to == "" {
				continue
			}
			o.Others = append(o.Others, s.knownAs(key)...)
		}
		for _, from := range s.aliases() {
			o.Hosts = append(o.Hosts, rewrite.OriginPair{From: from, To: to})
		}
	}
	if len(key.site.redirect) > 0 && g.opts.Copies != nil {
		o.Archived = key.site.archived(g.opts.Copies)
	}
	var err error
	if v.origins, err = rewrite.NewOrigins(o); err != nil {
		return nil, err
	}
	v.maps = key.site.Rewrite == RewriteFull && !v.origins.Empty()
	g.addScript(v)
	return v, nil
}

func (g *Gateway) addScript(v *view) {
	table := []byte("null")
	if v.maps {
		table = v.origins.Script()
	}
	script := v.site.Script
	if script == nil {
		script = g.opts.Script
	}
	if script != nil && v.site.Rewrite != RewriteOff {
		v.script = script(table)
		v.tag = rewrite.ScriptTag(v.script, "")
	}
	v.needs = rewrite.CSPNeeds{
		Connect: []string{v.own + OwnPrefix, "ws" + strings.TrimPrefix(v.own, "http") + OwnPrefix},
	}
	if v.script != "" {
		path, _, _ := strings.Cut(v.script, "?") // a policy names no query
		v.needs.Scripts = []string{v.own + path, v.own + PartsPrefix}
	}
	if v.maps {
		v.needs.Map = v.origins
	}
	sum := sha256.Sum256([]byte(rewriterVersion + "\x00" + v.own + "\x00" + v.tag + "\x00" + string(table)))
	v.variant = variantMark + hex.EncodeToString(sum[:4])
}

// knownAs tells how a site calls itself under each of its names.
func (s *site) knownAs(key viewKey) (list []rewrite.OriginPair) {
	if s.origin == "" {
		return nil // as the browser does
	}
	for _, host := range s.Hosts {
		list = append(list, rewrite.OriginPair{From: originAt(host, key), To: s.origin})
	}
	return list
}

// reachedAs is the origin of another site, for a browser that reached us as key says.
func (s *site) reachedAs(key viewKey) string {
	if len(s.Hosts) == 0 {
		return "" // under which name is anybody's guess
	}
	return originAt(s.Hosts[0], key)
}

// originAt is the origin of a host, at the port that the browser reached us by
// where the host has none of its own.
func originAt(host string, key viewKey) string {
	if u := (&url.URL{Host: host}); u.Port() == "" {
		if port := (&url.URL{Host: key.host}).Port(); port != "" {
			host += ":" + port
		}
	}
	return scheme(key.secure) + "://" + host
}

// archived leads the assets that the site redirects to their archived copies.
func (s *site) archived(copies Copies) func(rewrite.Use, string) (string, bool) {
	return func(_ rewrite.Use, u string) (string, bool) {
		if !matchesAny(s.redirect, pathOf(u)) {
			return "", false
		}
		return copies.Copy(u)
	}
}

// pathOf is the path of an absolute URL.
func pathOf(u string) string {
	_, rest, _ := strings.Cut(u, "://")
	i := strings.IndexByte(rest, '/')
	if i < 0 {
		return "/"
	}
	path, _, _ := strings.Cut(rest[i:], "?")
	return path
}
