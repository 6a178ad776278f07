package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
)

var errClosed = http.ErrServerClosed

// Server is one listener and what serves its connections.
type Server struct {
	opts   Options
	limits Limits
	log    *slog.Logger

	listener net.Listener
	tls      *tls.Config // nil for plaintext
	plain    *handoff    // HTTP/1.x, and HTTP/2 by prior knowledge
	h2       *handoff    // HTTP/2 that TLS agreed on; nil for plaintext
	servers  []*http.Server
	quic     *quicServer // nil without HTTP/3

	open    atomic.Int64 // TCP connections
	ctx     context.Context
	stop    context.CancelFunc
	closing atomic.Bool // no connections are accepted
	cutting atomic.Bool // those that are open are closed
	owned   sync.WaitGroup
}

// New opens the listener; connections wait until Serve.
func New(opts Options) (*Server, error) {
	if err := opts.TLS.check(); err != nil {
		return nil, err
	}
	if opts.HTTP3 && !opts.TLS.enabled() {
		return nil, errors.New("HTTP/3 needs a certificate")
	}
	if opts.HTTP3 && opts.HTTP1 {
		return nil, errors.New("HTTP/1.x alone, and HTTP/3: only one can be")
	}
	s := &Server{opts: opts, limits: opts.Limits.withDefaults(), log: opts.Logger, listener: opts.Listener}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	if err := s.openAll(); err != nil {
		_ = s.Close() // its error would only hide this one
		return nil, err
	}
	return s, nil
}

func (s *Server) openAll() (err error) {
	if s.tls, err = s.opts.TLS.config(s.log); err != nil {
		return err
	}
	if s.opts.HTTP1 && s.tls != nil {
		s.tls.NextProtos = slices.DeleteFunc(s.tls.NextProtos, func(p string) bool { return p == "h2" })
	}
	if s.listener == nil {
		if s.listener, err = net.Listen("tcp", s.opts.Addr); err != nil {
			return err
		}
	}
	s.openHTTP()
	if s.opts.HTTP3 {
		if s.quic, err = s.newQUIC(); err != nil {
			return fmt.Errorf("HTTP/3: %w", err)
		}
	}
	return nil
}

// openHTTP makes the servers for what comes by TCP.
func (s *Server) openHTTP() {
	s.plain = newHandoff(s.listener.Addr())
	var protocols http.Protocols
	protocols.SetHTTP1(true)
	protocols.SetUnencryptedHTTP2(s.tls == nil && !s.opts.HTTP1)
	first := s.newHTTP(&protocols)
	first.Handler = http.HandlerFunc(s.serveTCP)
	first.ConnContext = func(ctx context.Context, c net.Conn) context.Context {
		return context.WithValue(ctx, connKey{}, c)
	}
	first.ConnState = func(c net.Conn, state http.ConnState) {
		if g, ok := c.(*guarded); ok && state == http.StateHijacked {
			g.hijacked()
		}
	}
	s.servers = append(s.servers, first)
	if s.tls == nil {
		return
	}
	s.h2 = newHandoff(s.listener.Addr())
	var h2 http.Protocols
	h2.SetHTTP2(true)
	second := s.newHTTP(&h2)
	second.Handler = http.HandlerFunc(s.serveStream)
	s.servers = append(s.servers, second)
}

func (s *Server) newHTTP(protocols *http.Protocols) *http.Server {
	return &http.Server{
		Protocols:         protocols,
		ReadHeaderTimeout: s.limits.Header,
		IdleTimeout:       s.limits.Idle,
		MaxHeaderBytes:    s.limits.HeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		// Who answers no ping is gone, or stuck in the middle of a frame.
		HTTP2: &http.HTTP2Config{SendPingTimeout: s.limits.Body, PingTimeout: s.limits.Header},
	}
}

type connKey struct{}

// serveTCP serves what net/http took from a guarded connection.
func (s *Server) serveTCP(w http.ResponseWriter, r *http.Request) {
	if r.ProtoMajor == 2 {
		s.serveStream(w, r)
		return
	}
	if g, ok := r.Context().Value(connKey{}).(*guarded); ok {
		g.begin()
		r.TLS = g.tls
	}
	if s.quic != nil {
		w.Header()["Alt-Svc"] = s.quic.announcement(r.Host)
	}
	s.opts.Handler.ServeHTTP(w, r)
}

// Addr is where the server listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Serve serves until Shutdown or Close, and returns http.ErrServerClosed then.
// Any other error has closed the server.
func (s *Server) Serve() error {
	run := []func() error{s.accept, func() error { return s.servers[0].Serve(s.plain) }}
	if s.h2 != nil {
		run = append(run, func() error { return s.servers[1].Serve(s.h2) })
	}
	if s.quic != nil {
		run = append(run, s.quic.serve)
	}
	ended := make(chan error, len(run))
	for _, f := range run {
		s.owned.Go(func() { ended <- f() })
	}
	if a := s.opts.TLS.ACME; a != nil {
		if err := a.start(s.listener.Addr()); err != nil {
			_ = s.Close() // its error would only hide this one
			return err
		}
	}
	err := <-ended
	if s.closing.Load() {
		return errClosed
	}
	_ = s.Close() // as above
	return err
}

// Shutdown stops accepting, waits for the requests under way and for everything
// that the server started, and cuts off what has not ended with ctx. Upgraded
// connections are their handlers' to end.
func (s *Server) Shutdown(ctx context.Context) error {
	s.close()
	results := make(chan error, len(s.servers)+1)
	for _, server := range s.servers {
		go func() { results <- server.Shutdown(ctx) }() // ends with ctx
	}
	go func() { results <- s.quic.shutdown(ctx) }() // as above
	var err error
	for range cap(results) {
		err = errors.Join(err, <-results)
	}
	s.cut()
	return err
}

// Close ends everything at once.
func (s *Server) Close() error {
	s.close()
	s.cut()
	return nil
}

// close closes the listener and ends the handshakes.
func (s *Server) close() {
	s.closing.Store(true)
	s.stop()
	if s.listener != nil {
		_ = s.listener.Close() // again, perhaps
	}
}

// cut closes what is still open and waits for what the server started.
func (s *Server) cut() {
	s.cutting.Store(true)
	for _, server := range s.servers {
		_ = server.Close() // its listener has nothing to tell
	}
	s.quic.close()
	s.owned.Wait()
}
