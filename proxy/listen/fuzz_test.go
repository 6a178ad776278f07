package listen

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// framed is what framing made of a stream: the request bodies that were
// complete, the bytes that passed, and whether it refused.
type framed struct {
	requests int
	wants    bool // the last one's body is not complete
	refused  bool
	through  bool // another protocol may follow
	passed   []byte
}

// frame feeds a stream in parts of the given size.
func frame(raw []byte, size int) framed {
	f := framing{maxHeader: 4 << 10}
	var out framed
	for rest := raw; len(rest) > 0; {
		part := rest[:min(size, len(rest))]
		clean, why := f.feed(part)
		out.passed = append(out.passed, part[:clean]...)
		if why != none {
			out.refused = true
			break
		}
		if clean < len(part) || f.at == afterUpgrade {
			out.through = true
			break
		}
		rest = rest[clean:]
	}
	out.requests, out.wants = f.requests, f.wantsBody()
	return out
}

// count reads requests as net/http does, up to n of them. It stops at what
// net/http refuses.
func count(raw []byte, n int) (requests int, whole, ok bool) {
	r := bufio.NewReader(bytes.NewReader(raw))
	for requests < n {
		req, err := http.ReadRequest(r)
		if err != nil {
			return requests, true, false
		}
		requests++
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return requests, false, errors.Is(err, io.ErrUnexpectedEOF)
		}
	}
	_, err := r.Peek(1)
	return requests, true, err == io.EOF
}

// FuzzGuard checks that net/http delimits what passes as framing does, and that
// it makes no difference in which parts the bytes come.
func FuzzGuard(f *testing.F) {
	for _, c := range refusals {
		if len(c.raw) < 1000 { // long ones slow the search down
			f.Add([]byte(c.raw))
			f.Add([]byte("GET / HTTP/1.1\r\nHost: h\r\n\r\n" + c.raw))
		}
	}
	for _, body := range bodies {
		if len(body) < 1000 {
			f.Add([]byte(chunkedHead + body))
		}
	}
	f.Add([]byte(chunkedHead + "5;x\r\nhello\r\n0\r\nX: y\r\n\r\nPOST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nokGET / HTTP/1.0\r\n\r\n"))
	f.Add([]byte(http2Preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
	f.Add([]byte("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n\x16\x03"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		whole := frame(raw, len(raw)+1)
		for _, size := range []int{1, 2, 3, 5, 17} {
			parts := frame(raw, size)
			if parts.requests != whole.requests || parts.refused != whole.refused || parts.through != whole.through || parts.wants != whole.wants {
				t.Fatalf("whole: %+v\nin parts of %d: %+v", whole, size, parts)
			}
		}
		agree(t, whole)
	})
}

// agree compares with net/http. Where net/http refuses what passed, all is well
// as long as it saw no more requests than framing did.
func agree(t *testing.T, f framed) {
	t.Helper()
	requests, complete, ok := count(f.passed, f.requests)
	if requests > f.requests {
		t.Fatalf("net/http sees %d requests, framing %d: %q", requests, f.requests, f.passed)
	}
	switch {
	case requests < f.requests, !complete && !ok, f.refused:
		return // net/http refused it, or framing did: then the last is cut off
	case complete == f.wants:
		t.Fatalf("net/http has a whole body: %v; framing waits for one: %v: %q", complete, f.wants, f.passed)
	}
	// What follows the last request is the beginning of another at most.
	rest, _, _ := count(f.passed, f.requests+1)
	if rest > f.requests {
		t.Fatalf("net/http sees another request after %d: %q", f.requests, f.passed)
	}
}

// scripted is a connection that reads a script in parts and then its end.
type scripted struct {
	mu   sync.Mutex
	rest []byte
	size int
	once sync.Once
	done chan struct{}
}

func (c *scripted) Read(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, c.rest[:min(c.size, len(c.rest))])
	c.rest = c.rest[n:]
	return n, nil
}

func (c *scripted) Write(p []byte) (int, error) { return len(p), nil }

func (c *scripted) Close() error {
	c.once.Do(func() { close(c.done) })
	return nil
}

func (c *scripted) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (c *scripted) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (c *scripted) SetDeadline(time.Time) error      { return nil }
func (c *scripted) SetReadDeadline(time.Time) error  { return nil }
func (c *scripted) SetWriteDeadline(time.Time) error { return nil }

// listening is a listener of scripted connections.
type listening struct{ *handoff }

// FuzzServer checks, through the whole server, that the handler never sees more
// requests than were framed, in whatever parts they come.
func FuzzServer(f *testing.F) {
	for _, c := range refusals {
		if len(c.raw) < 1000 {
			f.Add([]byte("GET / HTTP/1.1\r\nHost: h\r\nUpgrade: x\r\n\r\n"+c.raw), uint8(7))
			f.Add([]byte(c.raw), uint8(1))
		}
	}
	for _, body := range bodies {
		if len(body) < 1000 {
			f.Add([]byte(chunkedHead+body+"GET / HTTP/1.1\r\nHost: h\r\n\r\n"), uint8(3))
		}
	}
	var seen atomic.Int64
	in := listening{newHandoff(&net.TCPAddr{})}
	s, err := New(Options{Listener: in, Limits: Limits{HeaderBytes: 4 << 10}, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen.Add(1)
		_, _ = io.Copy(w, r.Body)
	})})
	if err != nil {
		f.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	f.Cleanup(func() {
		_ = s.Close()
		if err := <-served; !errors.Is(err, http.ErrServerClosed) {
			f.Error(err)
		}
	})
	f.Fuzz(func(t *testing.T, raw []byte, size uint8) {
		if bytes.HasPrefix(raw, []byte(http2Preface)) {
			return // not HTTP/1.x: it may have any number
		}
		framed := 0
		for rest := raw; len(rest) > 0; {
			one := frame(rest, len(rest))
			framed += one.requests
			rest = rest[len(one.passed):]
			if !one.through {
				break
			}
		}
		seen.Store(0)
		c := &scripted{rest: bytes.Clone(raw), size: int(size) + 1, done: make(chan struct{})}
		in.give(c)
		<-c.done
		if n := int(seen.Load()); n > framed {
			t.Fatalf("the handler saw %d requests, framed were %d: %q in parts of %d", n, framed, raw, c.size)
		}
	})
}
