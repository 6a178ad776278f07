package forward

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

// helloLimit is how long a browser may take for its first byte in a tunnel and
// for the TLS handshake.
const helloLimit = 10 * time.Second

// intercept serves a tunnel. It returns when the handshake is over: the requests
// are the inner server's.
func (p *Proxy) intercept(v *visit) {
	if _, err := io.WriteString(v, "HTTP/1.1 200 Connection established\r\n\r\n"); err != nil {
		_ = v.Close() // the browser is gone
		return
	}
	ctx, cancel := context.WithTimeout(p.ctx, helloLimit)
	defer cancel()
	c, err := p.open(ctx, v)
	if err != nil {
		_ = v.Close() // the error is told below
		p.log.Debug("a tunnel to a listed host was not used", "host", v.host, "peer", v.RemoteAddr().String(), "error", err)
		return
	}
	p.queue.give(c)
}

// open finds out whether the browser speaks TLS, and ends it.
func (p *Proxy) open(ctx context.Context, v *visit) (net.Conn, error) {
	stop := context.AfterFunc(ctx, func() { _ = v.SetReadDeadline(time.Unix(1, 0)) }) // a closed one needs none
	first := make([]byte, 1)
	_, err := io.ReadFull(v, first)
	if !stop() {
		return nil, context.Cause(ctx)
	}
	if err != nil {
		return nil, err
	}
	v.first = append(first, v.first...)
	if first[0] != 22 { // a TLS handshake record (RFC 8446, section 5.1)
		return v, nil
	}
	c := tls.Server(v, p.tls)
	return c, c.HandshakeContext(ctx)
}

// openInside makes the server of what is in the tunnels.
func (p *Proxy) openInside() {
	kept := &leaves{authority: p.authority, now: p.opts.Now, log: p.log, kept: map[string]*tls.Certificate{}}
	p.tls = &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"},
		Time:       p.opts.Now,
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			v, ok := hello.Conn.(*visit)
			if !ok || hello.ServerName != "" && !strings.EqualFold(hello.ServerName, v.host) {
				return nil, errors.New("the tunnel is to another host")
			}
			return kept.of(v.host)
		},
	}
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetHTTP2(true)
	p.inside = &http.Server{
		Handler: http.HandlerFunc(p.serveInside), Protocols: &protocols,
		ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 64 << 10,
		ErrorLog: slog.NewLogLogger(p.log.Handler(), slog.LevelDebug),
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			if t, ok := c.(*tls.Conn); ok {
				c = t.NetConn()
			}
			return context.WithValue(ctx, visitKey{}, c)
		},
	}
}

type visitKey struct{}

// serveInside serves a request in a tunnel. It must be for the tunnel's host:
// for that one was decided.
func (p *Proxy) serveInside(w http.ResponseWriter, r *http.Request) {
	v, ok := r.Context().Value(visitKey{}).(*visit)
	standard := "80"
	if r.TLS != nil {
		standard = "443"
	}
	host, port, isHost := target(r.Host, standard)
	switch {
	case !ok || !isHost || host != v.host || port != v.port:
		say(w, http.StatusMisdirectedRequest, "This request is for another site", "The connection was opened to another one.")
	case r.Method == http.MethodConnect:
		say(w, http.StatusMethodNotAllowed, "No tunnel within a tunnel", "This connection leads to one site alone.")
	case r.URL.IsAbs():
		p.opts.Handler.ServeHTTP(w, originForm(r))
	default:
		dropProxyHeaders(r.Header)
		p.opts.Handler.ServeHTTP(w, r)
	}
}

// queue is the inner server's listener.
type queue struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func newQueue() *queue { return &queue{conns: make(chan net.Conn), closed: make(chan struct{})} }

func (q *queue) give(c net.Conn) {
	select {
	case q.conns <- c:
	case <-q.closed:
		_ = c.Close() // nothing is under way on it
	}
}

// Accept implements net.Listener.
func (q *queue) Accept() (net.Conn, error) {
	select {
	case c := <-q.conns:
		return c, nil
	case <-q.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (q *queue) Close() error {
	q.once.Do(func() { close(q.closed) })
	return nil
}

// Addr implements net.Listener: its connections come from another one.
func (q *queue) Addr() net.Addr { return &net.TCPAddr{} }
