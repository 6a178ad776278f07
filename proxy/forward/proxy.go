package forward

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/elazarl/goproxy"
)

// Proxy is the handler of a forward proxy's listener, which must speak HTTP/1.x:
// over HTTP/2 CONNECT gives no connection that could be upgraded later.
type Proxy struct {
	opts      Options
	log       *slog.Logger
	hosts     patterns
	authority *authority

	goproxy *goproxy.ProxyHttpServer
	reach   *reach
	tr      *http.Transport

	inside *http.Server // the requests in tunnels to listed hosts
	queue  *queue       // its connections
	tls    *tls.Config
	ctx    context.Context // ends with the proxy
	stop   context.CancelFunc
	owned  sync.WaitGroup
}

// New reads or makes the certificate authority in opts.Dir and returns a Proxy;
// Close ends it.
func New(opts Options) (*Proxy, error) {
	if err := opts.complete(); err != nil {
		return nil, err
	}
	hosts, err := parseHosts(opts.Hosts)
	if err != nil {
		return nil, err
	}
	p := &Proxy{opts: opts, log: opts.Logger, hosts: hosts, queue: newQueue()}
	if p.authority, err = openAuthority(opts.Dir, hosts, opts.Now(), opts.Logger); err != nil {
		return nil, err
	}
	p.ctx, p.stop = context.WithCancel(context.Background())
	p.openInside()
	p.openOthers()
	p.owned.Go(func() { _ = p.inside.Serve(p.queue) }) // ends with the server
	return p, nil
}

// Shutdown waits for the requests to listed hosts that are under way, and cuts
// off what has not ended with ctx. Tunnels to other hosts know no requests: they
// end at once.
func (p *Proxy) Shutdown(ctx context.Context) error {
	p.stop()
	err := p.inside.Shutdown(ctx)
	return errors.Join(err, p.Close())
}

// Close ends everything at once.
func (p *Proxy) Close() error {
	p.stop()
	err := p.inside.Close()
	p.tr.CloseIdleConnections()
	p.reach.close()
	p.owned.Wait()
	return err
}

// Authority is the certificate that browsers must be given, in PEM.
func (p *Proxy) Authority() []byte { return p.authority.pem() }

// ServeHTTP implements http.Handler.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.Method == http.MethodConnect:
		p.connect(w, r)
	case r.URL.IsAbs():
		p.absolute(w, r)
	default:
		p.own(w, r)
	}
}

// connect answers CONNECT. goproxy asks handleConnect what to do.
func (p *Proxy) connect(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor != 1 {
		say(w, http.StatusNotImplemented, "Not over this version of HTTP", "This proxy opens tunnels over HTTP/1.1 alone.")
		return
	}
	p.goproxy.ServeHTTP(streaming(w, r), r)
}

// absolute answers a request that names its site.
func (p *Proxy) absolute(w http.ResponseWriter, r *http.Request) {
	host, port, ok := target(r.URL.Host, "80")
	switch {
	case !ok || r.URL.Scheme != "http" || r.URL.User != nil:
		say(w, http.StatusBadRequest, "This address cannot be used", "A proxy takes addresses that begin with http:// and name a host.")
	case p.hosts.match(host, port):
		p.opts.Handler.ServeHTTP(w, originForm(r))
	case p.opts.Others == Tunnel:
		p.goproxy.ServeHTTP(streaming(w, r), r)
	default:
		p.refuse(w, r)
	}
}

// originForm is the request as a browser without a proxy would have sent it.
func originForm(r *http.Request) *http.Request {
	out := r.WithContext(r.Context())
	u := *r.URL
	out.Host = u.Host
	u.Scheme, u.Host, u.Opaque, u.User = "", "", "", nil
	if u.Path == "" {
		u.Path = "/"
	}
	if r.Method == http.MethodOptions && r.URL.Path == "" {
		u.Path = "*" // RFC 9112, section 3.2.4
	}
	out.URL, out.RequestURI = &u, u.RequestURI()
	dropProxyHeaders(out.Header)
	return out
}

// dropProxyHeaders drops what is for the proxy alone.
func dropProxyHeaders(h http.Header) {
	for _, name := range [...]string{"Proxy-Connection", "Proxy-Authorization", "Proxy-Authenticate"} {
		h.Del(name)
	}
}

func (p *Proxy) refuse(w http.ResponseWriter, r *http.Request) {
	p.log.Debug("a host that is not listed was refused", "host", r.URL.Host, "peer", r.RemoteAddr)
	say(w, http.StatusForbidden, refusedTitle, refusedText)
}

const (
	refusedTitle = "This proxy is for other sites"
	refusedText  = "It serves a few listed sites and does not lead to any other. Please use the proxy settings that you were given."
)

// handleConnect decides on a CONNECT.
func (p *Proxy) handleConnect(hostport string, ctx *goproxy.ProxyCtx) (*goproxy.ConnectAction, string) {
	host, port, ok := target(hostport, "443")
	switch {
	case !ok:
		return reject(ctx, http.StatusBadRequest, "This address cannot be used", "CONNECT takes a host and a port."), hostport
	case p.hosts.match(host, port):
		return &goproxy.ConnectAction{Action: goproxy.ConnectHijack, Hijack: func(_ *http.Request, c net.Conn, _ *goproxy.ProxyCtx) {
			v, ok := c.(*visit)
			if !ok { // it came from our writer
				v = &visit{Conn: c}
			}
			v.host, v.port = host, port
			p.intercept(v)
		}}, hostport
	case p.opts.Others != Tunnel:
		return reject(ctx, http.StatusForbidden, refusedTitle, refusedText), hostport
	}
	addr := net.JoinHostPort(host, port)
	c, err := p.reach.dial(ctx.Req.Context(), "tcp", addr)
	if err != nil {
		status, title, text := explain(err)
		p.log.Debug("no tunnel", "host", addr, "error", err)
		return reject(ctx, status, title, text), hostport
	}
	// Connected before goproxy answers 200: it would write its errors, with
	// addresses of the inside, to the client.
	ctx.Dialer = func(context.Context, string, string) (net.Conn, error) { return c, nil }
	return &goproxy.ConnectAction{Action: goproxy.ConnectAccept}, addr
}

// reject is goproxy's action to refuse with a page.
func reject(ctx *goproxy.ProxyCtx, status int, title, text string) *goproxy.ConnectAction {
	ctx.Resp = page(ctx.Req, status, title, text) //nolint:bodyclose // goproxy writes it
	return &goproxy.ConnectAction{Action: goproxy.ConnectReject}
}

// explain says what a failed connection means to the user.
func explain(err error) (status int, title, text string) {
	var timeout net.Error
	switch {
	case errors.Is(err, errForbidden):
		return http.StatusForbidden, refusedTitle, "It does not lead to this address."
	case errors.Is(err, errBusy):
		return http.StatusServiceUnavailable, "Too many connections", "Please try again in a moment."
	case errors.As(err, &timeout) && timeout.Timeout():
		return http.StatusGatewayTimeout, "This site takes too long", "The site did not answer in time."
	}
	return http.StatusBadGateway, "This site cannot be reached", "The site did not answer, or its answer could not be read."
}

// openOthers makes what serves other hosts.
func (p *Proxy) openOthers() {
	p.reach = newReach(p.opts)
	p.tr = &http.Transport{
		DialContext: p.reach.dial, DisableCompression: true, MaxIdleConns: max(1, p.opts.Tunnels/4), IdleConnTimeout: time.Minute,
		ResponseHeaderTimeout: 2 * time.Minute, MaxResponseHeaderBytes: 256 << 10,
	}
	g := goproxy.NewProxyHttpServer()
	// As it comes, goproxy takes a proxy from the environment and trusts every
	// certificate.
	g.Tr, g.ConnectDial, g.KeepAcceptEncoding = p.tr, nil, true
	g.Logger = debugLog{p.log}
	g.OnRequest().HandleConnectFunc(p.handleConnect)
	g.OnRequest().DoFunc(func(r *http.Request, ctx *goproxy.ProxyCtx) (*http.Request, *http.Response) {
		dropHopByHop(r.Header) // here: goproxy drops Connection and keeps what it names
		ctx.RoundTripper = goproxy.RoundTripperFunc(p.roundTrip)
		return r, nil
	})
	g.OnResponse().DoFunc(p.answer)
	p.goproxy = g
}

// debugLog is where goproxy writes.
type debugLog struct{ log *slog.Logger }

// Printf implements goproxy.Logger.
func (l debugLog) Printf(format string, v ...any) {
	if l.log.Enabled(context.Background(), slog.LevelDebug) {
		l.log.Debug("goproxy: " + fmt.Sprintf(format, v...))
	}
}
