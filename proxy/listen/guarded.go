package listen

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"sync/atomic"
	"time"
)

// errRefused ends a connection whose requests cannot be delimited.
var errRefused = errors.New("the request was refused")

// poison is what net/http reads in place of what was refused. It fits nowhere:
// not in a request line, a header, a chunk's size or its end. Four bytes, since
// net/http looks at four of a request before it reads on and answers.
const poison = "\x00\x00\x00\x00"

// badRequest is the answer where net/http would let the handler give one.
const badRequest = "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 15\r\nConnection: close\r\n\r\n400 Bad Request"

// guarded is an HTTP/1.x connection as net/http gets it. What it reads went
// through framing; what framing refuses, net/http never sees: it finds bytes
// that it refuses itself, in the order of the requests, and answers 400.
//
// Two things are read off net/http's behaviour, and tested: it reads a single
// byte where it only waits for the peer to go away, more where it wants them;
// and it reports an upgrade by http.StateHijacked before it gives the connection
// away.
type guarded struct {
	net.Conn
	pace    *paced
	tls     *tls.ConnectionState // nil for plaintext
	refused func(reason)

	// These belong to reading, which one goroutine does at a time.
	framing framing
	first   bool   // nothing was read, and it may be HTTP/2
	held    []byte // came from the peer and was not passed on
	early   []byte // came after a request that may upgrade, and was passed on
	fed     int    // bytes of poison that net/http has

	bad     atomic.Bool  // refused
	other   atomic.Bool  // another protocol
	badIn   atomic.Int64 // the request whose body is refused; 0 for none
	serving atomic.Int64 // the request that the handler has
	begun   atomic.Bool  // its answer has begun
	ending  func() bool  // the server is being closed: no lingering
}

func newGuarded(c net.Conn, pace *paced, maxHeader int, http2 bool) *guarded {
	g := &guarded{Conn: c, pace: pace}
	g.framing.maxHeader, g.first = maxHeader, http2
	return g
}

// Read implements net.Conn for net/http.
func (g *guarded) Read(p []byte) (int, error) {
	switch {
	case g.bad.Load():
		return g.readPoison(p)
	case g.other.Load():
		return g.readOther(p)
	case len(p) == 0:
		return 0, nil
	case g.first:
		return g.readFirst(p)
	case g.framing.at == afterUpgrade && len(p) == 1:
		return g.readEarly(p)
	case g.framing.at == afterUpgrade:
		g.resume()
		return g.Read(p)
	case len(g.held) > 0:
		n := copy(p, g.held)
		g.held = g.held[n:]
		return g.admit(p, n, nil)
	}
	g.pace.want(g.framing.wantsBody() && len(p) > 1)
	n, err := g.Conn.Read(p)
	if n == 0 {
		return 0, err
	}
	return g.admit(p, n, err)
}

// http2Preface is what an HTTP/2 connection starts with (RFC 9113, section 3.4).
const http2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

// readFirst reads until the bytes are HTTP/2's preface or cannot be. Nothing is
// passed on before: net/http takes the preface's first lines for a request.
func (g *guarded) readFirst(p []byte) (int, error) {
	for {
		n, err := g.Conn.Read(p)
		if n == 0 {
			return 0, err
		}
		g.held = append(g.held, p[:n]...)
		k := min(len(g.held), len(http2Preface))
		switch {
		case string(g.held[:k]) != http2Preface[:k]:
			g.first = false
			return g.Read(p)
		case k == len(http2Preface):
			g.first = false
			g.hijacked() // HTTP/2 has limits of its own
			return g.Read(p)
		}
	}
}

// admit passes on what framing lets through of the first n bytes of p.
func (g *guarded) admit(p []byte, n int, err error) (int, error) {
	clean, why := g.framing.feed(p[:n])
	switch {
	case why != none:
		g.refuse(why)
		if clean == 0 {
			return g.readPoison(p)
		}
		return clean, nil
	case clean < n:
		g.held = append(bytes.Clone(p[clean:n]), g.held...)
		err = nil // it will come again
	}
	return clean, err
}

func (g *guarded) refuse(why reason) {
	g.held = nil
	if g.framing.wantsBody() {
		g.badIn.Store(int64(g.framing.requests))
	}
	g.bad.Store(true)
	g.refused(why)
}

func (g *guarded) readPoison(p []byte) (int, error) {
	if g.fed == len(poison) {
		return 0, errRefused
	}
	n := copy(p, poison[g.fed:])
	g.fed += n
	return n, nil
}

// readEarly gives net/http the byte that it waits for while the handler decides
// on an upgrade. Whether it is HTTP will be known later.
func (g *guarded) readEarly(p []byte) (int, error) {
	g.pace.want(false)
	n, err := 1, error(nil)
	if len(g.held) > 0 {
		p[0], g.held = g.held[0], g.held[1:]
	} else {
		n, err = g.Conn.Read(p)
	}
	g.early = append(g.early, p[:n]...)
	return n, err
}

// resume goes on with HTTP: the server reads the next request, so it did not
// upgrade.
func (g *guarded) resume() {
	g.framing.at = inRequestLine
	_, why := g.framing.feed(g.early)
	g.early = g.early[:0]
	if why != none {
		g.refuse(why)
	}
}

func (g *guarded) readOther(p []byte) (int, error) {
	if len(g.held) > 0 {
		n := copy(p, g.held)
		g.held = g.held[n:]
		return n, nil
	}
	return g.Conn.Read(p)
}

// hijacked leaves the connection to another protocol.
func (g *guarded) hijacked() {
	g.other.Store(true)
	g.pace.handOver()
}

// begin tells that the handler gets the next request.
func (g *guarded) begin() {
	g.serving.Add(1)
	g.begun.Store(false)
}

// Write implements net.Conn for net/http. The answer to a request whose body
// was refused, if it has not begun, is ours.
func (g *guarded) Write(p []byte) (int, error) {
	if g.answerBad() {
		return 0, errRefused
	}
	if !g.begun.Load() && !bytes.HasPrefix(p, []byte("HTTP/1.1 1")) { // 100, 103: no answer yet
		g.begun.Store(true)
	}
	return g.Conn.Write(p)
}

// answerBad answers a request whose body was refused, if that is what the
// handler has and its own answer has not begun.
func (g *guarded) answerBad() bool {
	bad := g.badIn.Load()
	if bad == 0 || bad != g.serving.Load() || g.begun.Swap(true) {
		return false
	}
	_, _ = io.WriteString(g.Conn, badRequest) // the peer may be gone
	return true
}

// lingering is how long a refused peer has to read the answer, and how much of
// what it still sends is thrown away: closing at once would reset the
// connection, and the answer with it.
const (
	lingering = 500 * time.Millisecond
	lingered  = 256 << 10
)

// Close implements net.Conn.
func (g *guarded) Close() error {
	if g.bad.Load() && !g.ending() {
		g.answerBad() // the handler gave no answer
		if half, ok := g.Conn.(interface{ CloseWrite() error }); ok {
			_ = half.CloseWrite() // the peer may be gone
		}
		_ = g.SetReadDeadline(time.Now().Add(lingering)) // as above
		_, _ = io.CopyN(io.Discard, g.Conn, lingered)    // as above
	}
	return g.Conn.Close()
}
