package proxy

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/elazarl/goproxy"
	"github.com/prometheus/client_golang/prometheus"
)

// OwnPrefix is the part of the site's path space that is the gateway's own.
const OwnPrefix = "/.pillion/"

// Options configures a [Gateway].
type Options struct {
	// Upstream is the site's origin: scheme http or https, host, no path.
	Upstream *url.URL
	// Own serves everything under OwnPrefix.
	Own http.Handler
	// Script is the path of the capture script, with a query if need be; empty
	// adds no tag.
	Script string
	// Tee receives copies of what shapes a page; nil for none.
	Tee Tee
	// Logger is told what went wrong; nil for none.
	Logger *slog.Logger
	// Metrics is where the gateway registers its counters; nil for none.
	Metrics prometheus.Registerer
	// Transport replaces the gateway's own; for tests.
	Transport http.RoundTripper
	// PreserveHost passes the browser's Host on instead of the upstream's.
	PreserveHost bool
	// TrustForwarded keeps X-Forwarded-* of a proxy in front and adds to them.
	TrustForwarded bool
}

// Gateway is the handler of the site's listener.
type Gateway struct {
	opts     Options
	log      *slog.Logger
	metrics  *metrics
	proxy    *goproxy.ProxyHttpServer
	upgrades http.Handler
	// roundTrip reaches the upstream; idle is closed with the gateway.
	roundTrip http.RoundTripper
	idle      interface{ CloseIdleConnections() }
}

// New returns a Gateway in front of opts.Upstream.
func New(opts Options) (*Gateway, error) {
	if err := checkUpstream(opts.Upstream); err != nil {
		return nil, err
	}
	g := &Gateway{opts: opts, log: opts.Logger, roundTrip: opts.Transport}
	if g.log == nil {
		g.log = slog.New(slog.DiscardHandler)
	}
	if g.opts.Own == nil {
		g.opts.Own = http.NotFoundHandler()
	}
	if g.roundTrip == nil {
		t := newTransport()
		g.roundTrip, g.idle = t, t
	}
	var err error
	if g.metrics, err = newMetrics(opts.Metrics); err != nil {
		return nil, err
	}
	g.proxy = g.newProxy()
	g.upgrades = g.newUpgrades()
	return g, nil
}

func checkUpstream(u *url.URL) error {
	switch {
	case u == nil || u.Host == "":
		return errors.New("upstream: no host; give the site's origin, for example http://10.0.0.7:8080")
	case u.Scheme != "http" && u.Scheme != "https":
		return fmt.Errorf("upstream %s: the scheme must be http or https", u.Redacted())
	case u.Path != "" && u.Path != "/", u.RawQuery != "", u.Fragment != "", u.User != nil:
		return fmt.Errorf("upstream %s: give the origin alone, without path, query or credentials", u.Redacted())
	}
	return nil
}

// newTransport differs from the default one in that it keeps enough idle
// connections, undoes no encoding, asks no proxy and waits for nothing forever.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		DisableCompression:    true,
		MaxIdleConns:          1024,
		MaxIdleConnsPerHost:   512,
		IdleConnTimeout:       90 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 2 * time.Minute,
		ExpectContinueTimeout: time.Second,
	}
}

// Close releases the connections to the upstream that are idle.
func (g *Gateway) Close() error {
	if g.idle != nil {
		g.idle.CloseIdleConnections()
	}
	return nil
}

// newProxy sets goproxy up for reverse use: requests reach it with the
// upstream's scheme and host in their URL, and with headers already cleaned.
func (g *Gateway) newProxy() *goproxy.ProxyHttpServer {
	p := goproxy.NewProxyHttpServer()
	p.KeepAcceptEncoding = true
	p.OnRequest().DoFunc(func(r *http.Request, ctx *goproxy.ProxyCtx) (*http.Request, *http.Response) {
		ctx.RoundTripper = goproxy.RoundTripperFunc(func(r *http.Request, _ *goproxy.ProxyCtx) (*http.Response, error) {
			return g.roundTrip.RoundTrip(r)
		})
		return r, nil
	})
	p.OnResponse().DoFunc(func(resp *http.Response, ctx *goproxy.ProxyCtx) *http.Response {
		x := exchangeOf(ctx.Req)
		if resp == nil {
			return g.failed(x, ctx.Error)
		}
		return g.respond(x, resp)
	})
	return p
}

// exchange is one request and its answer on their way through.
type exchange struct {
	in     *http.Request // as it came from the browser
	visit  string        // the browser's visit; empty when it has none
	newTag bool          // the request bore one of our variant tags
	length string        // Content-Length to restore, when the body is unchanged
	broken error         // why the upstream's body broke off
}

type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange {
	x, _ := r.Context().Value(exchangeKey{}).(*exchange)
	return x
}

// ServeHTTP passes a request to the site, or to the gateway's own handler.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodConnect, r.URL.IsAbs(), !strings.HasPrefix(r.URL.Path, "/"):
		// Anything else than origin-form would make an open proxy of us.
		http.Error(w, "This server is not a proxy for other sites.", http.StatusBadRequest)
		return
	case strings.HasPrefix(r.URL.Path, OwnPrefix):
		g.opts.Own.ServeHTTP(w, r)
		return
	case isUpgrade(r.Header):
		g.metrics.requests.WithLabelValues("upgrade").Inc()
		g.upgrades.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, &exchange{in: r})))
		return
	}
	g.metrics.requests.WithLabelValues("plain").Inc()
	x := &exchange{in: r, visit: visitOf(r)}
	out := g.outgoing(r, x)
	g.proxy.ServeHTTP(&flushingWriter{ResponseWriter: w, x: x}, out)
	if x.broken != nil {
		g.metrics.failures.WithLabelValues("broken").Inc()
		g.log.Warn("the site's answer broke off", "path", r.URL.Path, "error", x.broken)
		// The browser must see the break: a clean end would make a whole page of half a one.
		panic(http.ErrAbortHandler)
	}
}

// outgoing is the request as the upstream gets it.
func (g *Gateway) outgoing(r *http.Request, x *exchange) *http.Request {
	out := r.Clone(context.WithValue(r.Context(), exchangeKey{}, x))
	g.toUpstream(r, out)
	removeHopByHop(out.Header)
	x.newTag = mapConditions(out.Header, wantsDocument(r))
	offerEncodings(out.Header)
	if wantsDocument(r) {
		// Part of a page could not bear the tag.
		out.Header.Del("Range")
		out.Header.Del("If-Range")
	}
	return out
}

// flushingWriter sends each part on at once, and mends what goproxy takes away
// when a body was wrapped: its length.
type flushingWriter struct {
	http.ResponseWriter
	x *exchange
}

func (w *flushingWriter) WriteHeader(status int) {
	if w.x.length != "" {
		w.Header().Set("Content-Length", w.x.length)
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *flushingWriter) Write(p []byte) (int, error) {
	n, err := w.ResponseWriter.Write(p)
	if err == nil {
		err = http.NewResponseController(w.ResponseWriter).Flush()
	}
	return n, err
}

// Unwrap lets http.ResponseController reach the writer below.
func (w *flushingWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }
