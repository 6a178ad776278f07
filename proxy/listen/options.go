package listen

import (
	"errors"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// Options configures a [Server].
type Options struct {
	// Addr is where to listen, "host:port"; not used with Listener.
	Addr string
	// Listener is used instead of Addr; the server closes it.
	Listener net.Listener
	// Handler serves the requests.
	Handler http.Handler
	// TLS says where certificates come from; its zero value is plaintext.
	TLS TLS
	// HTTP1 serves HTTP/1.x alone, as a forward proxy must: a tunnel in an HTTP/2
	// stream is no connection.
	HTTP1 bool
	// HTTP3 also serves HTTP/3, on the UDP port of the same number; only with TLS.
	HTTP3 bool
	// Limits bound what a peer may take; zero fields have their defaults.
	Limits Limits
	// Logger is told what went wrong; nil for none.
	Logger *slog.Logger
	// Refused is told of each connection that was refused, by one of the Reasons;
	// nil for none. It must not wait.
	Refused func(reason string)
}

// TLS says where a listener's certificates come from: a pair of PEM files, or
// ACME. Files are read again when they change.
type TLS struct {
	CertFile, KeyFile string
	ACME              *ACME
}

func (t TLS) enabled() bool { return t != TLS{} }

func (t TLS) check() error {
	switch {
	case t.ACME != nil && (t.CertFile != "" || t.KeyFile != ""):
		return errors.New("certificates come from files or by ACME, not both")
	case (t.CertFile == "") != (t.KeyFile == ""):
		return errors.New("a certificate needs both files: the chain and its key")
	}
	return nil
}

// Limits bound what a peer may take.
//
// Body and Write are patience: waiting empties it, bytes fill it again, at one
// second for Floor bytes. So who sends (or takes) nothing is ended after that
// time, and who drips a byte now and then hardly later, while a slow line that
// keeps above Floor has all the time it needs.
type Limits struct {
	Connections int           // at the same time; 20,000
	HeaderBytes int           // of a request's header block; 64 KiB
	Header      time.Duration // until a request's header, or the TLS handshake, is complete; 10 s
	Idle        time.Duration // between two requests; 2 min
	Body        time.Duration // patience with a request's body; 30 s
	Write       time.Duration // patience with the reader of an answer; 60 s
	Floor       int           // bytes per second that fill patience as fast as waiting empties it; 512
}

func (l Limits) withDefaults() Limits {
	l.Connections = or(l.Connections, 20_000)
	l.HeaderBytes = or(l.HeaderBytes, 64<<10)
	l.Header = or(l.Header, 10*time.Second)
	l.Idle = or(l.Idle, 2*time.Minute)
	l.Body = or(l.Body, 30*time.Second)
	l.Write = or(l.Write, time.Minute)
	l.Floor = or(l.Floor, 512)
	return l
}

func or[T int | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}
