package proxy

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strings"
	"sync"
	"time"
)

// The time limits of an exchange with an upstream.
const (
	dialLimit   = 10 * time.Second
	headerLimit = 2 * time.Minute  // until the answer's header is there
	idleLimit   = 10 * time.Minute // between two parts of a body
	eventLimit  = 24 * time.Hour   // the same where events are streamed: they may be rare
	keepIdle    = 60 * time.Second

	maxIdle         = 512
	maxAnswerHeader = 256 << 10
	// maxInformational bounds the 1xx answers before the real one.
	maxInformational = 8
)

// errHeaderTooLarge is returned for an answer whose header exceeds the bound.
var errHeaderTooLarge = errors.New("the answer's header is too large")

// lean is an HTTP/1.1 transport to one plaintext upstream, for requests without
// a body. net/http's hands each request from goroutine to goroutine; here the
// handler's own goroutine writes the request and reads the answer, which costs
// less. Answers are parsed by net/http.
type lean struct {
	addr     string
	idleBody time.Duration // longest time between two parts of a body
	dial     func(ctx context.Context, network, addr string) (net.Conn, error)

	mu     sync.Mutex
	idle   []*leanConn // the last one was used last
	closed bool
}

func newLean(host string, idleBody time.Duration) *lean {
	addr := host
	if _, _, err := net.SplitHostPort(host); err != nil {
		addr = net.JoinHostPort(strings.Trim(host, "[]"), "80")
	}
	return &lean{addr: addr, idleBody: idleBody, dial: (&net.Dialer{Timeout: dialLimit, KeepAlive: 30 * time.Second}).DialContext}
}

// roundTrip sends a request and reads the answer's header. early is told of
// informational answers. A request that a kept connection did not take is sent
// once more where repeating it does no harm.
func (l *lean) roundTrip(r *http.Request, target string, early func(status int, h http.Header)) (*http.Response, error) {
	for {
		c, reused, err := l.conn(r.Context())
		if err != nil {
			return nil, err
		}
		resp, err := c.exchange(r, target, early)
		if err == nil {
			return resp, nil
		}
		c.drop()
		if cause := context.Cause(r.Context()); cause != nil {
			return nil, cause
		}
		if !reused || !c.untouched || !repeatable(r.Method) {
			return nil, err
		}
	}
}

// repeatable reports whether a method is idempotent (RFC 9110, 9.2.2).
func repeatable(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

func (l *lean) conn(ctx context.Context) (c *leanConn, reused bool, err error) {
	oldest := time.Now().Add(-keepIdle)
	l.mu.Lock()
	for n := len(l.idle); n > 0; n = len(l.idle) {
		c, l.idle = l.idle[n-1], l.idle[:n-1]
		if c.since.After(oldest) {
			l.mu.Unlock()
			return c, true, nil
		}
		_ = c.Close() // it was kept for too long
	}
	l.mu.Unlock()
	conn, err := l.dial(ctx, "tcp", l.addr)
	if err != nil {
		return nil, false, err
	}
	c = &leanConn{Conn: conn, of: l}
	c.r, c.w = bufio.NewReader(c), bufio.NewWriter(conn)
	return c, false, nil
}

// keep takes a connection back; one too many is closed.
func (l *lean) keep(c *leanConn) {
	c.since = time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed || len(l.idle) >= maxIdle {
		_ = c.Close() // nothing is under way on it
		return
	}
	if len(l.idle) > 0 && c.since.Sub(l.idle[0].since) > keepIdle {
		_ = l.idle[0].Close() // nor here
		l.idle = append(l.idle[:0], l.idle[1:]...)
	}
	l.idle = append(l.idle, c)
}

// close closes what is idle, and what will be.
func (l *lean) close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	for _, c := range l.idle {
		_ = c.Close() // nothing is under way on it
	}
	l.idle = nil
}

// leanConn is a connection with at most one exchange under way.
type leanConn struct {
	net.Conn
	of    *lean
	r     *bufio.Reader
	w     *bufio.Writer
	since time.Time // idle since

	left      int64     // of the header's bound; negative: not in a header
	untouched bool      // nothing of an answer has come
	deadline  time.Time // of reading
	stop      func() bool
}

// Read implements io.Reader for the buffer, within the header's bound.
func (c *leanConn) Read(p []byte) (int, error) {
	if c.left == 0 {
		return 0, errHeaderTooLarge
	}
	if c.left > 0 && int64(len(p)) > c.left {
		p = p[:c.left]
	}
	n, err := c.Conn.Read(p)
	if n > 0 {
		c.untouched = false
	}
	if c.left > 0 {
		c.left -= int64(n)
	}
	return n, err
}

func (c *leanConn) exchange(r *http.Request, target string, early func(int, http.Header)) (*http.Response, error) {
	conn := c.Conn
	c.stop = context.AfterFunc(r.Context(), func() { _ = conn.SetDeadline(time.Unix(1, 0)) }) // a closed one needs none
	c.untouched = true
	c.extend(headerLimit)
	if err := c.send(r, target); err != nil {
		return nil, fmt.Errorf("send the request: %w", err)
	}
	for range maxInformational {
		c.left = maxAnswerHeader
		resp, err := http.ReadResponse(c.r, r)
		if err != nil {
			return nil, fmt.Errorf("read the answer: %w", err)
		}
		c.left = -1
		switch {
		case resp.StatusCode == http.StatusSwitchingProtocols:
			return nil, errors.New("the site switches protocols without being asked")
		case resp.StatusCode >= 200:
			c.body(resp)
			return resp, nil
		case resp.StatusCode != http.StatusContinue:
			early(resp.StatusCode, resp.Header)
		}
	}
	return nil, errors.New("the site sends informational answers without end")
}

// send writes the request's header: it has no body.
func (c *leanConn) send(r *http.Request, target string) error {
	w := c.w
	for _, s := range [...]string{r.Method, " ", target, " HTTP/1.1\r\nHost: ", r.Host, "\r\n"} {
		_, _ = w.WriteString(s) // a bufio.Writer tells its error when it is flushed
	}
	for name, values := range r.Header {
		for _, v := range values {
			if name == "User-Agent" && v == "" {
				continue // net/http's way to say that there is none
			}
			_, _ = w.WriteString(name)
			_, _ = w.WriteString(": ")
			if strings.ContainsAny(v, "\r\n\x00") {
				v = lineBreaks.Replace(v)
			}
			_, _ = w.WriteString(textproto.TrimString(v))
			_, _ = w.WriteString("\r\n")
		}
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodOptions {
		_, _ = w.WriteString("Content-Length: 0\r\n")
	}
	_, _ = w.WriteString("\r\n")
	return w.Flush()
}

// lineBreaks keeps a header's value within its line, whatever made it.
var lineBreaks = strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ")

// body arranges that the connection is kept once the body was read to its end.
func (c *leanConn) body(resp *http.Response) {
	if resp.Body == http.NoBody {
		c.end(!resp.Close)
		return
	}
	limit := bodyLimit(resp, c.of.idleBody)
	resp.Body = &leanBody{body: resp.Body, c: c, keep: !resp.Close, limit: limit}
}

// end ends the exchange: the connection is kept or closed.
func (c *leanConn) end(keep bool) {
	if c.stop != nil && !c.stop() {
		keep = false // its deadline is being set to the past
	}
	c.stop = nil
	if keep && c.r.Buffered() == 0 {
		c.of.keep(c)
		return
	}
	_ = c.Close() // what was wanted of it was read
}

// drop closes the connection after a failure.
func (c *leanConn) drop() {
	if c.stop != nil {
		c.stop()
		c.stop = nil
	}
	_ = c.Close() // it failed already
}

// extend moves the deadline of reading; seldom, since that has its cost.
func (c *leanConn) extend(by time.Duration) {
	until := time.Now().Add(by)
	if d := until.Sub(c.deadline); d < by/8 && d >= 0 {
		return
	}
	c.deadline = until
	_ = c.SetReadDeadline(until) // a connection that cannot will fail to read
}

// bodyLimit is the longest time between two parts of an answer's body.
func bodyLimit(resp *http.Response, usual time.Duration) time.Duration {
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
		return eventLimit
	}
	return usual
}

// leanBody is an answer's body; it gives the connection back.
type leanBody struct {
	body  io.ReadCloser
	c     *leanConn
	keep  bool // the upstream does not close the connection
	limit time.Duration
	ended bool
	err   error
}

func (b *leanBody) Read(p []byte) (int, error) {
	if b.ended {
		return 0, b.err
	}
	b.c.extend(b.limit)
	n, err := b.body.Read(p)
	if err != nil {
		b.ended, b.err = true, err
		b.c.end(err == io.EOF && b.keep)
	}
	return n, err
}

func (b *leanBody) Close() error {
	if !b.ended {
		b.ended, b.err = true, http.ErrBodyReadAfterClose
		b.c.end(false)
	}
	return nil
}
