package listen

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/quic-go/quic-go"
	"github.com/quic-go/quic-go/http3"
)

// quicServer serves HTTP/3.
type quicServer struct {
	of        *Server
	transport *quic.Transport
	listener  *quic.Listener
	http      *http3.Server
	open      atomic.Int64
	last      atomic.Pointer[announcement]
}

// newQUIC listens on the UDP port of the TCP listener's number.
func (s *Server) newQUIC() (*quicServer, error) {
	tcp, ok := s.listener.Addr().(*net.TCPAddr)
	if !ok {
		return nil, errors.New("it needs a TCP listener with a port")
	}
	packets, err := net.ListenUDP("udp", &net.UDPAddr{IP: tcp.IP, Port: tcp.Port, Zone: tcp.Zone})
	if err != nil {
		return nil, err
	}
	q := &quicServer{of: s}
	// With many connections a peer must show first that its address is its own:
	// that costs it a round trip, and forged packets no longer cost us anything.
	q.transport = &quic.Transport{Conn: packets, VerifySourceAddress: func(net.Addr) bool {
		return q.open.Load() > int64(s.limits.Connections/4)
	}}
	q.listener, err = q.transport.Listen(http3.ConfigureTLSConfig(s.tls), &quic.Config{
		HandshakeIdleTimeout: s.limits.Header / 2, // quic-go allows twice that
		MaxIdleTimeout:       s.limits.Idle,
		Allow0RTT:            false, // it can be replayed
	})
	if err != nil {
		return nil, errors.Join(err, q.transport.Close(), packets.Close())
	}
	q.http = &http3.Server{
		Handler:        http.HandlerFunc(s.serveStream),
		MaxHeaderBytes: s.limits.HeaderBytes,
		IdleTimeout:    s.limits.Idle,
	}
	return q, nil
}

func (q *quicServer) serve() error { return q.http.ServeListener(boundedQUIC{q.listener, q}) }

// boundedQUIC holds the number of connections within the bound.
type boundedQUIC struct {
	*quic.Listener
	q *quicServer
}

// Accept implements http3.QUICListener.
func (b boundedQUIC) Accept(ctx context.Context) (*quic.Conn, error) {
	for {
		c, err := b.Listener.Accept(ctx)
		if err != nil {
			return nil, err
		}
		if b.q.open.Add(1) > int64(b.q.of.limits.Connections) {
			b.q.open.Add(-1)
			_ = c.CloseWithError(quic.ApplicationErrorCode(http3.ErrCodeExcessiveLoad), "") // nothing was said on it
			b.q.of.refuse(ReasonConnections)
			continue
		}
		context.AfterFunc(c.Context(), func() { b.q.open.Add(-1) })
		return c, nil
	}
}

func (q *quicServer) shutdown(ctx context.Context) error {
	if q == nil {
		return nil
	}
	return q.http.Shutdown(ctx)
}

func (q *quicServer) close() {
	if q == nil {
		return
	}
	_ = q.http.Close()           // what is cut off has nothing to tell
	_ = q.listener.Close()       // nor here
	_ = q.transport.Close()      // nor here
	_ = q.transport.Conn.Close() // which the transport leaves to its owner
}

// announcement is the Alt-Svc header for those who came to a host.
type announcement struct {
	host  string
	value []string
}

// announceFor is how long a browser may keep an announcement: a day, since a
// gateway may lose its UDP port with a change of the firewall.
const announceFor = 24 * time.Hour

// announcement tells browsers that the port they came to by TCP also speaks
// HTTP/3. Their own port counts, not ours: between them may be a mapping.
func (q *quicServer) announcement(host string) []string {
	if last := q.last.Load(); last != nil && last.host == host {
		return last.value
	}
	port := "443"
	if _, p, err := net.SplitHostPort(host); err == nil {
		if n, err := strconv.ParseUint(p, 10, 16); err == nil {
			port = strconv.FormatUint(n, 10)
		}
	}
	a := &announcement{host, []string{`h3=":` + port + `"; ma=` + strconv.Itoa(int(announceFor.Seconds()))}}
	q.last.Store(a)
	return a.value
}
