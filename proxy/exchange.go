package proxy

import (
	"context"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"strings"
	"sync"

	"github.com/pillion-dev/pillion/rewrite"
)

// exchange is one request and its answer on their way through. It is used
// again, so that a request costs few allocations.
type exchange struct {
	w  http.ResponseWriter
	in *http.Request // as it came from the browser
	v  *view

	visit    string // the browser's visit; empty when it has none
	document bool   // the browser asks for a page
	sheet    bool   // the browser asks for a style sheet
	ours     bool   // the request bore one of our entity tags
	accepts  string // coding that a changed body may be given; empty for none
	third    *url.URL
	page     string // the URL as the browser sees it; see pageURL
	broken   error  // why the upstream's body, or the way to the browser, broke off

	header http.Header // for the upstream
	lent   bool        // the header went to net/http, which may use it for longer
	target url.URL
	path   string // request target for the upstream
	client [1]string
	host   [1]string
	scheme [1]string
	coding [1]string
}

var exchanges = sync.Pool{New: func() any { return &exchange{header: http.Header{}} }}

func newExchange(v *view, w http.ResponseWriter, r *http.Request) *exchange {
	x := exchanges.Get().(*exchange)
	x.w, x.in, x.v = w, r, v
	x.visit = visitOf(r)
	x.document = wantsDocument(r)
	x.sheet = r.Header.Get("Sec-Fetch-Dest") == "style"
	x.path = r.RequestURI
	if !strings.HasPrefix(x.path, "/") {
		x.path = r.URL.RequestURI()
	}
	return x
}

// release gives the exchange back. A request that broke off is not reused: what
// it lent may still be looked at.
func (x *exchange) release() {
	if x.broken != nil {
		return
	}
	header := x.header
	if x.lent {
		header = http.Header{}
	}
	clear(header)
	*x = exchange{header: header}
	exchanges.Put(x)
}

// toThirdParty aims the exchange at the asset origin that its path names; false
// where that is none of the site's.
func (x *exchange) toThirdParty() bool {
	u, ok := x.v.origins.AssetOf(x.path)
	if !ok || x.v.site.Rewrite != RewriteFull || x.in.Header.Get("Service-Worker") != "" {
		return false
	}
	x.third = u
	return true
}

// pageURL is the URL of what is asked for, as the browser sees it.
func (x *exchange) pageURL() string {
	if x.page == "" {
		x.page = x.v.own + x.path
	}
	return x.page
}

// mapper maps the URLs of the answer; nil where none is mapped.
func (x *exchange) mapper() rewrite.Mapper {
	if !x.v.maps {
		return nil
	}
	return x.v.origins.At(x.pageURL())
}

// prepare makes the request's header for the upstream.
func (g *Gateway) prepare(x *exchange) {
	h := x.header
	copyHeader(h, x.in.Header)
	dropTwins(h)
	mergeExpectations(h)
	g.setForwarded(x)
	dropCookies(h, visitCookie, sessionCookie)
	delete(h, RefetchHeader)
	if x.third != nil {
		// A third party is not told who the site's user is.
		h.Del("Cookie")
		h.Del("Authorization")
	}
	if x.v.site.host != "" || x.third != nil {
		x.mapBack("Origin")
		x.mapBack("Referer")
	}
	if _, has := h["User-Agent"]; !has {
		h["User-Agent"] = noUserAgent // else the transport adds its own
	}
	if x.v.site.Rewrite == RewriteOff {
		return
	}
	x.ours = mapConditions(h, x.v.variant, x.document)
	if x.document || x.sheet && x.v.maps {
		// Part of a page could not bear the tag.
		h.Del("Range")
		h.Del("If-Range")
	}
	x.offer()
}

var noUserAgent = []string{""}

// offer says which codings the upstream may use. A page is asked for plain:
// decoding it would cost more than the way to the upstream does.
func (x *exchange) offer() {
	if x.document {
		x.accepts = chooseCoding(x.in.Header["Accept-Encoding"])
		x.header["Accept-Encoding"] = identityOnly
		return
	}
	offerEncodings(x.header, &x.coding)
}

var identityOnly = []string{"identity"}

func (x *exchange) mapBack(name string) {
	values := x.header[name]
	if len(values) != 1 {
		return
	}
	if real := x.v.origins.Real(values[0]); real != values[0] {
		x.header[name] = []string{real}
	}
}

// dropTwins takes out what becomes one with a header of ours where headers are
// made variables, as in CGI.
func dropTwins(h http.Header) {
	for name := range h {
		if !strings.Contains(name, "_") {
			continue
		}
		switch strings.ReplaceAll(strings.ToLower(name), "_", "-") {
		case "forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-forwarded-port", "x-real-ip":
			delete(h, name)
		}
	}
}

func (g *Gateway) setForwarded(x *exchange) {
	h := x.header
	client, _, err := net.SplitHostPort(x.in.RemoteAddr)
	if err != nil {
		client = x.in.RemoteAddr
	}
	if g.opts.TrustForwarded {
		if prior := x.in.Header["X-Forwarded-For"]; len(prior) > 0 {
			client = strings.Join(prior, ", ") + ", " + client
		}
	} else {
		for _, name := range [...]string{"Forwarded", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Real-Ip"} {
			delete(h, name)
		}
	}
	x.client[0], x.host[0], x.scheme[0] = client, x.in.Host, scheme(x.v.secure)
	h["X-Forwarded-For"] = x.client[:]
	if len(h["X-Forwarded-Host"]) == 0 {
		h["X-Forwarded-Host"] = x.host[:]
	}
	if len(h["X-Forwarded-Proto"]) == 0 {
		h["X-Forwarded-Proto"] = x.scheme[:]
	}
}

// roundTrip asks the site's upstreams, one after the other where the first does
// not take the request.
func (g *Gateway) roundTrip(x *exchange) (resp *http.Response, err error) {
	g.prepare(x)
	if x.third != nil {
		return g.send(x, x.third.Scheme, x.third.Host, x.third.Host, nil)
	}
	if x.v.site.Forward {
		return g.send(x, scheme(x.v.secure), x.in.Host, x.in.Host, nil)
	}
	x.v.site.upstreams.order(x.visit, func(u *upstream) (again bool) {
		host := x.v.site.host
		if host == "" {
			host = x.in.Host
		}
		resp, err = g.send(x, u.url.Scheme, u.url.Host, host, u.lean) //nolint:bodyclose // the caller closes it
		if err != nil && refused(err) && x.in.Context().Err() == nil {
			u.shun()
			return !hasBody(x.in)
		}
		return false
	})
	return resp, err
}

func hasBody(r *http.Request) bool { return r.Body != nil && r.Body != http.NoBody }

// send sends the request to one server.
func (g *Gateway) send(x *exchange, scheme, addr, host string, l *lean) (*http.Response, error) {
	x.target = *x.in.URL
	if x.third != nil {
		x.target = *x.third
	}
	x.target.Scheme, x.target.Host = scheme, addr
	if l == nil || g.opts.Transport != nil || hasBody(x.in) || x.in.ContentLength != 0 {
		return g.sendByTransport(x, host)
	}
	out := x.outgoing(x.in.Context(), &x.target, host)
	out.Body = http.NoBody
	return l.roundTrip(out, x.path, x.early)
}

// sendByTransport sends what the lean transport cannot: it has a body, or goes
// by TLS and perhaps by HTTP/2.
func (g *Gateway) sendByTransport(x *exchange, host string) (*http.Response, error) {
	x.lent = true
	var mu sync.Mutex // the transport may tell of a hint after it has returned
	returned := false
	ctx, cancel := context.WithCancelCause(x.in.Context())
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{Got1xxResponse: func(code int, h textproto.MIMEHeader) error {
		mu.Lock()
		defer mu.Unlock()
		if !returned {
			x.early(code, http.Header(h))
		}
		return nil
	}})
	target := x.target // of its own: it may be looked at for longer
	resp, err := g.transport.RoundTrip(x.outgoing(ctx, &target, host))
	mu.Lock()
	defer mu.Unlock()
	returned = true
	if err != nil {
		cancel(nil)
		return nil, err
	}
	limitIdle(resp, g.opts.BodyIdle, cancel)
	return resp, nil
}

// outgoing is the request as an upstream gets it.
func (x *exchange) outgoing(ctx context.Context, target *url.URL, host string) *http.Request {
	out := x.in.WithContext(ctx)
	out.URL, out.Header, out.Host, out.RequestURI, out.Close = target, x.header, host, "", false
	if out.ContentLength == 0 {
		out.Body = http.NoBody
	}
	return out
}

// early passes an informational answer on (RFC 8297).
func (x *exchange) early(status int, h http.Header) {
	if status != http.StatusEarlyHints && status != http.StatusProcessing {
		return
	}
	own := x.w.Header()
	for name, values := range h {
		if name == "Link" {
			own[name] = x.mapLinks(values)
		}
	}
	x.w.WriteHeader(status)
	own.Del("Link")
}

// upgrade passes a request that asks for another protocol.
func (g *Gateway) upgrade(w http.ResponseWriter, r *http.Request, x *exchange) {
	g.upgrades.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), exchangeKey{}, x)))
}

type exchangeKey struct{}

func exchangeOf(r *http.Request) *exchange {
	x, _ := r.Context().Value(exchangeKey{}).(*exchange)
	return x
}
