package proxy

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// OwnPrefix is the part of a site's path space that is the gateway's own.
const OwnPrefix = "/.pillion/"

// FromPrefix is where third-party origins stand below a site's own:
// /.pillion/from/https/cdn.example.com/path.
const FromPrefix = OwnPrefix + "from/"

// PartsPrefix is where the capture script imports its parts from.
const PartsPrefix = OwnPrefix + "parts/"

// Options configures a [Gateway].
type Options struct {
	// Sites are the sites behind the gateway; the request's Host chooses.
	Sites []Site
	// Script returns the path of the capture script that knows a table of
	// origins (see [rewrite.Origins.Script]); nil adds no tag.
	Script func(origins []byte) string
	// Copies finds archived copies for what sites redirect there; nil for none.
	Copies Copies
	// Tee receives copies of what shapes a page; nil for none.
	Tee Tee
	// Files is told of files that users send and get; nil for nobody.
	Files Files
	// Logger is told what went wrong; nil for none.
	Logger *slog.Logger
	// Metrics is where the gateway registers its counters; nil for none.
	Metrics prometheus.Registerer
	// Transport replaces the gateway's own; for tests.
	Transport http.RoundTripper
	// BodyIdle is the longest time between two parts of a site's answer; 10 min
	// where it is 0. Event streams have a day.
	BodyIdle time.Duration
	// TrustForwarded keeps X-Forwarded-* of a proxy in front and adds to them.
	TrustForwarded bool
}

// Copies finds the archived copy of an asset that every visitor may see.
type Copies interface {
	// Copy returns the path, below the site's own origin, of the copy of an
	// absolute URL; false where there is none that is fresh. It never waits.
	Copy(url string) (path string, ok bool)
}

// Rewriting says how far the gateway goes in changing documents.
type Rewriting string

// The extents of rewriting.
const (
	RewriteFull   Rewriting = ""       // the tag is added and URLs are mapped
	RewriteInject Rewriting = "inject" // the tag alone
	RewriteOff    Rewriting = "off"    // nothing: the site is passed as it is
)

// Site is one web site behind the gateway.
type Site struct {
	// Hosts are the names under which browsers reach the site, with a port
	// where it is not the listener's; none: every name that is no other site's.
	Hosts []string
	// Upstreams are the site's servers: origins, scheme http or https. Requests
	// go to those that answer, in turn.
	Upstreams []string
	// Host is what the upstreams get as Host header; empty: the first one's.
	Host string
	// PreserveHost passes the browser's Host on instead.
	PreserveHost bool
	// Aliases are other origins or hosts that the site calls itself by:
	// "https://legacy.internal", "legacy.internal". Links to them stay here.
	Aliases []string
	// Assets are hosts of third parties whose style sheets, images, fonts and
	// frames are brought under FromPrefix. Their frames get the site's origin:
	// name those alone that are trusted as the site itself is.
	Assets []string
	// RedirectAssets are path patterns ("/static/**", "*.png") of assets whose
	// links lead to their archived copies.
	RedirectAssets []string
	// Rewrite is how far documents are changed.
	Rewrite Rewriting
	// Health says how upstreams are watched.
	Health Health
	// Sticky sends a browser to the same upstream each time, while it answers.
	Sticky bool
	// Forward sends requests to the host that they name: the browser took us for
	// its proxy, and somebody else decided that the host is one of ours. Such a
	// site has no upstreams and no hosts.
	Forward bool
	// Own serves everything under OwnPrefix; nil for nothing.
	Own http.Handler
	// Script is the site's own Options.Script; nil for that one.
	Script func(origins []byte) string
	// Tee is the site's own Options.Tee; nil for that one.
	Tee Tee
}

// Health says how upstreams are watched. One that refuses connections is left
// alone for a while in any case.
type Health struct {
	// Path is asked for, with GET; an answer below 500 is good. Empty: upstreams
	// are not asked.
	Path string
	// Every is the time between two questions; 10 s where it is 0.
	Every time.Duration
}

// origin reads and checks an upstream.
func origin(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil:
		return nil, fmt.Errorf("upstream %q: %w", text, err)
	case u.Host == "":
		return nil, fmt.Errorf("upstream %q: no host; give the site's origin, for example http://10.0.0.7:8080", text)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("upstream %s: the scheme must be http or https", u.Redacted())
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "", u.User != nil:
		return nil, fmt.Errorf("upstream %s: give the origin alone, without path, query or credentials", u.Redacted())
	}
	u.Path = ""
	u.Host = strings.ToLower(u.Host)
	return u, nil
}

func (s *Site) check() error {
	if s.Forward && len(s.Upstreams)+len(s.Hosts) > 0 {
		return errors.New("a forward site has no upstreams and no hosts of its own")
	}
	if len(s.Upstreams) == 0 && !s.Forward {
		return errors.New("no upstream; give the site's origin, for example http://10.0.0.7:8080")
	}
	switch s.Rewrite {
	case RewriteFull, RewriteInject, RewriteOff:
	default:
		return fmt.Errorf("rewriting %q: inject, off, or nothing for all", s.Rewrite)
	}
	if s.Health.Path != "" && !strings.HasPrefix(s.Health.Path, "/") {
		return fmt.Errorf("health path %q: it must start with /", s.Health.Path)
	}
	for _, h := range s.Hosts {
		if h == "" || strings.ContainsAny(h, "/@?# ") {
			return fmt.Errorf("host %q: give a name as browsers use it, with a port if need be", h)
		}
	}
	return nil
}
