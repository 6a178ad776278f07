package listen

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"time"
)

// accept takes connections until the listener is closed.
func (s *Server) accept() error {
	var pause time.Duration
	for {
		c, err := s.listener.Accept()
		switch {
		case err == nil:
			pause = 0
			s.take(c)
		case s.closing.Load():
			return errClosed
		case passes(err):
			// Mostly no descriptor is free: what is open must end first.
			pause = min(max(2*pause, 5*time.Millisecond), time.Second)
			s.log.Warn("a connection could not be accepted", "error", err, "again in", pause)
			select {
			case <-time.After(pause):
			case <-s.ctx.Done():
			}
		default:
			return err
		}
	}
}

// passes reports whether accepting may work again. net/http asks in the same
// way: there is no better sign of it.
func passes(err error) bool {
	var net net.Error
	return errors.As(err, &net) && net.Temporary() //nolint:staticcheck // deprecated without a replacement for Accept
}

// take starts on a connection, within the bound on their number.
func (s *Server) take(c net.Conn) {
	if s.open.Add(1) > int64(s.limits.Connections) {
		s.open.Add(-1)
		_ = c.Close() // nothing was said on it
		s.refuse(ReasonConnections)
		return
	}
	p := newPaced(c, s.limits, func() { s.open.Add(-1) })
	if s.tls == nil {
		s.plain.give(s.guard(p, p, !s.opts.HTTP1))
		return
	}
	// One goroutine for each handshake: their number is bounded by that of the
	// connections. A smaller bound would let slow peers keep the others out.
	s.owned.Go(func() { s.handshake(p) })
}

// handshake ends TLS and hands the connection to the server of its protocol.
func (s *Server) handshake(p *paced) {
	ctx, cancel := context.WithTimeout(s.ctx, s.limits.Header)
	defer cancel()
	c := tls.Server(p, s.tls)
	if err := c.HandshakeContext(ctx); err != nil {
		var plain tls.RecordHeaderError
		if errors.As(err, &plain) && plain.Conn != nil && looksHTTP(plain.RecordHeader) {
			_, _ = io.WriteString(p, "HTTP/1.0 400 Bad Request\r\n\r\nThis address speaks HTTPS.\n") // a courtesy
		}
		_ = p.Close() // the handshake's error is the one to tell
		s.log.Debug("no TLS connection", "peer", p.RemoteAddr().String(), "error", err)
		s.refuse(ReasonHandshake)
		return
	}
	state := c.ConnectionState()
	switch state.NegotiatedProtocol {
	case "h2":
		s.h2.give(c)
	case "", "http/1.1":
		g := s.guard(c, p, false)
		g.tls = &state
		s.plain.give(g)
	default: // acme-tls/1: the handshake was all that was wanted
		_ = c.Close()
	}
}

// looksHTTP reports whether a peer speaks HTTP where TLS was expected.
func looksHTTP(start [5]byte) bool {
	switch string(start[:]) {
	case "GET /", "HEAD ", "POST ", "PUT /", "OPTIO":
		return true
	}
	return false
}

func (s *Server) guard(c net.Conn, p *paced, http2 bool) *guarded {
	g := newGuarded(c, p, s.limits.HeaderBytes, http2)
	g.refused, g.ending = s.refuse, s.cutting.Load
	return g
}

func (s *Server) refuse(why reason) {
	if s.opts.Refused != nil {
		s.opts.Refused(string(why))
	}
}
