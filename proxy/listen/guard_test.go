package listen

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// started serves a handler until the test ends.
func started(t *testing.T, opts Options) *Server {
	t.Helper()
	if opts.Addr == "" && opts.Listener == nil {
		opts.Addr = "127.0.0.1:0"
	}
	s, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	t.Cleanup(func() {
		_ = s.Close()
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("Serve ended with %v", err)
		}
	})
	return s
}

// dial opens a raw connection, on which nothing can wait for ever.
func dial(t *testing.T, s *Server) net.Conn {
	t.Helper()
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return c
}

// refusals are requests that must not reach the handler.
var refusals = map[string]struct {
	raw string
	why string
}{
	"length and coding":                  {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ReasonLengthAndCoding},
	"coding and length":                  {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n", ReasonLengthAndCoding},
	"length twice, equal":                {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", ReasonLength},
	"length twice, different":            {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\ncontent-length: 4\r\n\r\nabcd", ReasonLength},
	"a list of lengths":                  {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5, 5\r\n\r\nabcde", ReasonLength},
	"length with a sign":                 {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\nabcde", ReasonLength},
	"negative length":                    {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: -5\r\n\r\nabcde", ReasonLength},
	"hexadecimal length":                 {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x5\r\n\r\nabcde", ReasonLength},
	"length with a space inside":         {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1 0\r\n\r\nabcde", ReasonLength},
	"empty length":                       {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\nabcde", ReasonLength},
	"length beyond all bounds":           {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551617\r\n\r\na", ReasonLength},
	"length as CGI reads it":             {"POST / HTTP/1.1\r\nHost: h\r\nContent_Length: 5\r\n\r\n", ReasonHeaderLine},
	"an unknown coding":                  {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip\r\n\r\n0\r\n\r\n", ReasonCoding},
	"two codings":                        {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", ReasonCoding},
	"coding twice":                       {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ReasonCoding},
	"identity coding":                    {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: identity\r\n\r\n", ReasonCoding},
	"coding with a parameter":            {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked;q=1\r\n\r\n0\r\n\r\n", ReasonCoding},
	"coding with a vertical tab":         {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n", ReasonControl},
	"coding on HTTP/1.0":                 {"POST / HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", ReasonCoding},
	"bare line feed after the request":   {"GET / HTTP/1.1\nHost: h\r\n\r\n", ReasonLineEnd},
	"bare line feed after a header":      {"GET / HTTP/1.1\r\nHost: h\nX: y\r\n\r\n", ReasonLineEnd},
	"bare line feed as the last line":    {"GET / HTTP/1.1\r\nHost: h\r\n\n", ReasonLineEnd},
	"bare carriage return in a value":    {"GET / HTTP/1.1\r\nHost: h\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n", ReasonLineEnd},
	"bare carriage return in the target": {"GET /\r HTTP/1.1\r\nHost: h\r\n\r\n", ReasonLineEnd},
	"a folded header":                    {"GET / HTTP/1.1\r\nHost: h\r\nX: a\r\n b\r\n\r\n", ReasonFolding},
	"a folded coding":                    {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding:\r\n\tchunked\r\n\r\n0\r\n\r\n", ReasonCoding},
	"space before the first header":      {"GET / HTTP/1.1\r\n Host: h\r\n\r\n", ReasonFolding},
	"space before the colon":             {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n", ReasonHeaderLine},
	"a header without a colon":           {"GET / HTTP/1.1\r\nHost: h\r\nnothing\r\n\r\n", ReasonHeaderLine},
	"a header without a name":            {"GET / HTTP/1.1\r\nHost: h\r\n: v\r\n\r\n", ReasonHeaderLine},
	"a NUL in a value":                   {"GET / HTTP/1.1\r\nHost: h\r\nX: a\x00b\r\n\r\n", ReasonControl},
	"a NUL in a name":                    {"GET / HTTP/1.1\r\nHost: h\r\nX\x00: b\r\n\r\n", ReasonHeaderLine},
	"a control byte in the target":       {"GET /\x01 HTTP/1.1\r\nHost: h\r\n\r\n", ReasonRequestLine},
	"two hosts":                          {"GET / HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n", ReasonHost},
	"no host":                            {"GET / HTTP/1.1\r\nX: y\r\n\r\n", ReasonHost},
	"an empty line first":                {"\r\nGET / HTTP/1.1\r\nHost: h\r\n\r\n", ReasonRequestLine},
	"no version":                         {"GET /\r\n\r\n", ReasonRequestLine},
	"an unknown version":                 {"GET / HTTP/1.2\r\nHost: h\r\n\r\n", ReasonRequestLine},
	"a version in lower case":            {"GET / http/1.1\r\nHost: h\r\n\r\n", ReasonRequestLine},
	"two spaces in the request line":     {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", ReasonRequestLine},
	"a tab in the request line":          {"GET\t/ HTTP/1.1\r\nHost: h\r\n\r\n", ReasonRequestLine},
	"a space after the version":          {"GET / HTTP/1.1 \r\nHost: h\r\n\r\n", ReasonRequestLine},
	"a method that is none":              {"GE(T / HTTP/1.1\r\nHost: h\r\n\r\n", ReasonRequestLine},
	"HTTP/2's preface cut short":         {"PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n", ReasonRequestLine},
	"a header without end":               {"GET / HTTP/1.1\r\nHost: h\r\nX: " + strings.Repeat("x", 64<<10), ReasonHeaderSize},
	"headers without end":                {"GET / HTTP/1.1\r\nHost: h\r\n" + strings.Repeat("X: y\r\n", 12<<10), ReasonHeaderSize},
	"a request line without end":         {"GET /" + strings.Repeat("x", 64<<10), ReasonHeaderSize},
}

// bodies are requests whose header is good; the handler sees an error in the body.
var bodies = map[string]string{
	"a chunk's size with a prefix":         "0x5\r\nabcde\r\n0\r\n\r\n",
	"a chunk's size with a sign":           "+5\r\nabcde\r\n0\r\n\r\n",
	"a negative chunk":                     "-5\r\nabcde\r\n0\r\n\r\n",
	"a chunk's size ended by a line feed":  "5\nabcde\r\n0\r\n\r\n",
	"a huge chunk":                         "fffffffffffffffff\r\nabcde\r\n0\r\n\r\n",
	"a chunk's size with a space":          "5 \r\nabcde\r\n0\r\n\r\n",
	"an empty chunk size":                  "\r\nabcde\r\n0\r\n\r\n",
	"a chunk longer than it says":          "5\r\nabcdef\r\n0\r\n\r\n",
	"a chunk ended by a line feed":         "5\r\nabcde\n0\r\n\r\n",
	"extensions without end":               "5;" + strings.Repeat("x", 300) + "\r\nabcde\r\n0\r\n\r\n",
	"a line feed in an extension":          "5;a\nabcde\r\n0\r\n\r\n",
	"a carriage return in an extension":    "5;a\rb\r\nabcde\r\n0\r\n\r\n",
	"a NUL in an extension":                "5;a\x00\r\nabcde\r\n0\r\n\r\n",
	"a length among the trailers":          "5\r\nabcde\r\n0\r\nContent-Length: 5\r\n\r\n",
	"a folded trailer":                     "5\r\nabcde\r\n0\r\nX: a\r\n b\r\n\r\n",
	"trailers ended by a line feed":        "5\r\nabcde\r\n0\r\nX: a\n\r\n",
	"the last line ended by a line feed":   "5\r\nabcde\r\n0\r\n\n",
	"a space before the colon in trailers": "5\r\nabcde\r\n0\r\nX : a\r\n\r\n",
	"trailers without end":                 "5\r\nabcde\r\n0\r\n" + strings.Repeat("X: y\r\n", 12<<10),
}

const chunkedHead = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"

// counted answers "n: body" and counts the requests that it saw.
func counted(seen *atomic.Int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := seen.Add(1)
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, "the handler's own answer", http.StatusBadGateway)
			return
		}
		_, _ = fmt.Fprintf(w, "%d: %s", n, body)
	})
}

// wantOne400 reads to the end: one answer, 400, and the connection closed.
func wantOne400(t *testing.T, c net.Conn) {
	t.Helper()
	r := bufio.NewReader(c)
	resp, err := http.ReadResponse(r, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusBadRequest || !resp.Close || !strings.HasPrefix(string(body), "400 Bad Request") {
		t.Errorf("answer %s, close %v, %q, %v; want a clean 400", resp.Status, resp.Close, body, err)
	}
	if rest, err := io.ReadAll(r); err != nil || len(rest) > 0 {
		t.Errorf("after the answer: %q, %v", rest, err)
	}
}

// refusing starts a server that notes why it refuses.
func refusing(t *testing.T) (s *Server, seen *atomic.Int64, why chan string) {
	seen, why = &atomic.Int64{}, make(chan string, 16)
	return started(t, Options{Handler: counted(seen), Refused: func(reason string) { why <- reason }}), seen, why
}

func TestAHeaderThatCanBeReadInTwoWaysNeverReachesTheHandler(t *testing.T) {
	s, seen, why := refusing(t)
	for name, c := range refusals {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, s)
			if _, err := io.WriteString(conn, c.raw); err != nil {
				t.Fatal(err)
			}
			wantOne400(t, conn)
			if got := <-why; got != c.why {
				t.Errorf("refused for %q, want %q", got, c.why)
			}
			if n := seen.Load(); n != 0 {
				t.Errorf("the handler saw %d requests", n)
			}
		})
	}
}

// dripping is a listener whose connections give a byte at a time.
type dripping struct{ net.Listener }

type drip struct{ *net.TCPConn }

func (l dripping) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	return drip{c.(*net.TCPConn)}, nil
}

func (c drip) Read(p []byte) (int, error) { return c.TCPConn.Read(p[:min(1, len(p))]) }

// dripped opens a listener that drips.
func dripped(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return dripping{l}
}

func TestWhatIsRefusedIsRefusedByteByByteToo(t *testing.T) {
	for name, c := range refusals {
		t.Run(name, func(t *testing.T) {
			var seen atomic.Int64
			why := make(chan string, 1)
			conn := dial(t, started(t, Options{Listener: dripped(t), Handler: counted(&seen), Refused: func(reason string) { why <- reason }}))
			if _, err := io.WriteString(conn, c.raw); err != nil {
				t.Fatal(err)
			}
			wantOne400(t, conn)
			if got := <-why; got != c.why {
				t.Errorf("refused for %q, want %q", got, c.why)
			}
			if n := seen.Load(); n != 0 {
				t.Errorf("the handler saw %d requests", n)
			}
		})
	}
}

func TestARefusedBodyIsAnswered400WhateverTheHandlerSays(t *testing.T) {
	s, _, why := refusing(t)
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			conn := dial(t, s)
			if _, err := io.WriteString(conn, chunkedHead+body); err != nil {
				t.Fatal(err)
			}
			wantOne400(t, conn)
			if got := <-why; got != ReasonChunk && got != ReasonTrailer && got != ReasonFolding && got != ReasonLineEnd && got != ReasonHeaderLine && got != ReasonHeaderSize {
				t.Errorf("refused for %q", got)
			}
		})
	}
}

func TestARefusedBodyIsAnswered400WhereTheHandlerPanics(t *testing.T) {
	s := started(t, Options{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.ReadAll(r.Body) // it fails
		panic(http.ErrAbortHandler)
	})})
	conn := dial(t, s)
	if _, err := io.WriteString(conn, chunkedHead+"zz\r\n"); err != nil {
		t.Fatal(err)
	}
	wantOne400(t, conn)
}

func TestAGoodRequestBeforeABadOneIsAnswered(t *testing.T) {
	for name, bad := range map[string]string{
		"a bad header":       "GET / HTTP/1.1\nHost: h\n\n",
		"a bad first byte":   "\x00",
		"an empty line":      "\r\n",
		"a TLS record":       "\x16\x03\x01\x02\x00\n",
		"a bad chunk":        chunkedHead + "5\r\nabcdeX\r\n0\r\n\r\n",
		"a smuggled request": "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nGET /admin HTTP/1.1\r\nHost: h\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			s, _, _ := refusing(t)
			conn := dial(t, s)
			if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\ngood"+bad); err != nil {
				t.Fatal(err)
			}
			r := bufio.NewReader(conn)
			resp, err := http.ReadResponse(r, nil)
			if err != nil {
				t.Fatal(err)
			}
			if body, err := io.ReadAll(resp.Body); string(body) != "1: good" || err != nil {
				t.Errorf("the good request's answer: %q, %v", body, err)
			}
			if resp, err = http.ReadResponse(r, nil); err != nil || resp.StatusCode != http.StatusBadRequest {
				t.Fatalf("the bad request's answer: %v, %v", resp, err)
			}
			if _, err := io.ReadAll(resp.Body); err != nil {
				t.Error(err)
			}
			if rest, err := io.ReadAll(r); len(rest) > 0 || err != nil {
				t.Errorf("after it: %q, %v", rest, err)
			}
		})
	}
}
