package proxy

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync"
)

// Gateway is the handler of the site's listener.
type Gateway struct {
	opts     Options
	log      *slog.Logger
	metrics  *metrics
	sites    []*site
	byHost   map[string]*site
	fallback *site // for names that are no site's
	views    views
	upgrades http.Handler
	// transport reaches upstreams where the lean one does not fit; idle is
	// closed with the gateway.
	transport http.RoundTripper
	idle      interface{ CloseIdleConnections() }

	stop  context.CancelFunc
	owned sync.WaitGroup // the health checks
}

// New returns a Gateway in front of opts.Sites; Close ends it.
func New(opts Options) (*Gateway, error) {
	if len(opts.Sites) == 0 {
		return nil, errors.New("no site: give an upstream")
	}
	g := &Gateway{opts: opts, log: opts.Logger, transport: opts.Transport, views: views{all: map[viewKey]*view{}}}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	if g.opts.BodyIdle <= 0 {
		g.opts.BodyIdle = idleLimit
	}
	if g.transport == nil {
		t := newTransport()
		g.transport, g.idle = t, t
	}
	var err error
	if g.metrics, err = newMetrics(opts.Metrics); err != nil {
		return nil, err
	}
	g.upgrades = g.newUpgrades()
	var ctx context.Context
	ctx, g.stop = context.WithCancel(context.Background())
	if err := g.openSites(ctx, opts.Sites); err != nil {
		_ = g.Close() // its error would only hide this one
		return nil, err
	}
	return g, nil
}

// Close ends the health checks and releases the connections to the upstreams
// that are idle.
func (g *Gateway) Close() error {
	g.stop()
	g.owned.Wait()
	for _, s := range g.sites {
		s.upstreams.close()
	}
	if g.idle != nil {
		g.idle.CloseIdleConnections()
	}
	return nil
}

// ServeHTTP passes a request to the site, or to the gateway's own handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect || r.URL.IsAbs() || !strings.HasPrefix(r.URL.Path, "/") {
		// Anything else than origin-form would make an open proxy of us.
		http.Error(w, "This server is not a proxy for other sites.", http.StatusBadRequest)
		return
	}
	s := g.siteFor(r.Host)
	if s == nil {
		g.noSite(w, r)
		return
	}
	// Even for what is the gateway's own: a page may ask for the script of a view
	// that nobody has asked for since the start.
	v, err := g.viewOf(s, r)
	if err != nil { // a Host that is none
		http.Error(w, "This request's Host is not valid.", http.StatusBadRequest)
		return
	}
	if strings.HasPrefix(r.URL.Path, OwnPrefix) && !strings.HasPrefix(r.URL.Path, FromPrefix) {
		if s.Own == nil {
			http.NotFound(w, r)
			return
		}
		s.Own.ServeHTTP(w, r)
		return
	}
	x := newExchange(v, w, r)
	defer x.release()
	switch {
	case strings.HasPrefix(r.URL.Path, FromPrefix) && !x.toThirdParty():
		http.NotFound(w, r)
	case isUpgrade(r.Header):
		g.metrics.upgrades.Inc()
		g.upgrade(w, r, x)
	default:
		g.metrics.plain.Inc()
		g.pass(x)
	}
}

// pass sends a request on and its answer back.
func (g *Gateway) pass(x *exchange) {
	if g.opts.Files != nil {
		g.watchUpload(x)
	}
	resp, err := g.roundTrip(x)
	if err != nil {
		g.fail(x.w, x.in, err)
		return
	}
	g.respond(x, resp)
	if err := resp.Body.Close(); err != nil && x.broken == nil {
		g.log.Debug("the site's answer did not close cleanly", "path", x.in.URL.Path, "error", err)
	}
	if x.broken == nil {
		return
	}
	if x.in.Context().Err() == nil {
		g.metrics.failures.WithLabelValues("broken").Inc()
		g.log.Warn("the site's answer broke off", "host", x.in.Host, "path", x.in.URL.Path, "error", x.broken)
	}
	// The browser must see the break: a clean end would make a whole page of half a one.
	panic(http.ErrAbortHandler)
}
