package proxy

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

func gzipped(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = io.WriteString(z, text)
	_ = z.Close()
	return b.String()
}

// An upstream that lies gives a clean error, a visible break, or the bytes as
// they came; never a hang, and never an entry in the archive.
func TestLyingUpstreams(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	css := "Content-Type: text/css\r\n"
	long := strings.Repeat("a{b:c}", 2000)
	for _, c := range []struct {
		name, answer string
		want         string // error, break, or the body
	}{
		{"nothing", "", "error"},
		{"no HTTP", "hello there\r\n\r\n", "error"},
		{"half a status line", "HTTP/1.1 20", "error"},
		{"a header that breaks off", ok + "Content-Ty", "error"},
		{"two lengths that differ", ok + css + "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde", "error"},
		{"a length that is none", ok + css + "Content-Length: three\r\n\r\nabc", "error"},
		{"a negative length", ok + css + "Content-Length: -1\r\n\r\nabc", "error"},
		{"too short", ok + css + "Content-Length: 500\r\n\r\nabc", "break"},
		{"too long", ok + css + "Content-Length: 3\r\n\r\nabcdef", "abc"},
		{"chunked and broken off", ok + css + "Transfer-Encoding: chunked\r\n\r\n5\r\nabc", "break"},
		{"a chunk's size that is none", ok + css + "Transfer-Encoding: chunked\r\n\r\nxyz\r\nabc\r\n0\r\n\r\n", "break"},
		{"a transfer coding that nobody knows", ok + css + "Transfer-Encoding: rot13\r\n\r\nabc", "error"},
		{"says gzip and is plain", ok + css + "Content-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", "abc"},
		{"gzip that breaks off", ok + css + "Content-Encoding: gzip\r\nConnection: close\r\n\r\n" + gzipped(long)[:30], gzipped(long)[:30]},
		{"lines that end with a line feed alone", "HTTP/1.1 200 OK\nContent-Type: text/css\nContent-Length: 3\n\nabc", "abc"},
		{"a header without end", ok + strings.Repeat("X: "+strings.Repeat("y", 1000)+"\r\n", 400) + "\r\n", "error"},
		{"informational answers without end", strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n", 50) + ok + "\r\n", "error"},
		{"another protocol, unasked", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", "error"},
		{"a header's value with a control character", ok + css + "X-A: a\x00b\r\nContent-Length: 3\r\n\r\nabc", "error"},
		{"a redirect to nowhere", "HTTP/1.1 302 Found\r\nLocation: ://%zz\r\nContent-Length: 0\r\n\r\n", ""},
	} {
		for _, dest := range []string{"style", "document"} {
			t.Run(c.name+", "+dest, func(t *testing.T) {
				answer := c.answer
				if dest == "document" {
					answer = strings.Replace(answer, "text/css", "text/html", 1)
				}
				teed := &recordingTee{}
				gw := serveGateway(t, Options{Tee: teed, Sites: []Site{{Upstreams: []string{rawSite(t, answer)}, Rewrite: RewriteFull}}})
				got := outcome(t, gw, dest)
				if body := strings.Replace(got, `<script src="/.pillion/capture.js"></script>`, "", 1); body != c.want {
					t.Errorf("got %.80q, want %.80q", got, c.want)
				}
				if c.want == "break" && dest == "style" {
					if end := teed.last().outcome(); end != "abort" {
						t.Errorf("archive: %s", end)
					}
				}
			})
		}
	}
}

// outcome is what a browser gets: "error" for a page that says so, "break", or
// the body, not decoded.
func outcome(t *testing.T, gw, dest string) string {
	t.Helper()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, gw, nil)
	req.Header.Set("Sec-Fetch-Dest", dest)
	resp, err := (&http.Transport{DisableCompression: true, DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return "break"
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	switch {
	case err != nil:
		return "break"
	case resp.StatusCode >= 500:
		within(t, "error page", string(body), "Please try again")
		return "error"
	}
	return string(body)
}

func TestBombsPassAsTheyCame(t *testing.T) {
	zeros := make([]byte, 1<<20)
	for name, enc := range map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"br":   func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
		"zstd": func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
	} {
		t.Run(name, func(t *testing.T) {
			var bomb bytes.Buffer
			e := enc(&bomb)
			_, _ = io.WriteString(e, "<html><head><title>x</title></head>")
			for range 64 {
				_, _ = e.Write(zeros)
			}
			_ = e.Close()
			site := startSite(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Content-Encoding", name)
				_, _ = w.Write(bomb.Bytes())
			})
			gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{site}}}})
			resp, body := fetch(t, gw, "gw", "/", "Sec-Fetch-Dest", "document", "Accept-Encoding", name)
			if body != bomb.String() || resp.Header.Get("Content-Encoding") != name {
				t.Errorf("%d bytes of %d, %v", len(body), bomb.Len(), resp.Header)
			}
		})
	}
}

func TestAKeptConnectionThatTheSiteClosedIsNoError(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() { // ends with the listener
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { // one answer per connection, though it promises more
				defer c.Close()
				if _, err := http.ReadRequest(bufio.NewReader(c)); err == nil {
					_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
				}
			}()
		}
	}()
	gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{"http://" + l.Addr().String()}}}})
	for i := range 20 {
		if resp, body := fetch(t, gw, "gw", "/"); body != "ok" {
			t.Fatalf("request %d: %s %q", i, resp.Status, body)
		}
	}
}

func TestARequestThatTheBrowserGivesUpEndsAtTheSite(t *testing.T) {
	ended := make(chan error, 1)
	site := startSite(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "begin")
		_ = http.NewResponseController(w).Flush()
		<-r.Context().Done()
		ended <- r.Context().Err()
	})
	gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{site}}}})
	conn, err := net.Dial("tcp", strings.TrimPrefix(gw, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: gw\r\n\r\n")
	if _, err := http.ReadResponse(bufio.NewReader(conn), nil); err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	select {
	case err := <-ended:
		if err == nil {
			t.Error("it did not end")
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the site goes on answering nobody")
	}
}

func TestTheSiteGetsOneConnectionPerBrowserAtMost(t *testing.T) {
	var conns countingListener
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	conns.Listener = l
	srv := &http.Server{Handler: html(plainPage)}
	go func() { _ = srv.Serve(&conns) }() // ends with the server
	defer srv.Close()
	gw := serveGateway(t, Options{Sites: []Site{{Upstreams: []string{"http://" + l.Addr().String()}}}})
	const browsers = 8
	done := make(chan error, browsers)
	for range browsers {
		go func() {
			for range 25 {
				resp, err := http.Get(gw)
				if err == nil {
					_, err = io.Copy(io.Discard, resp.Body)
					err = errors.Join(err, resp.Body.Close())
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	for range browsers {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
	if n := conns.n(); n > browsers {
		t.Errorf("%d connections for %d browsers", n, browsers)
	}
}

type countingListener struct {
	net.Listener
	accepted atomic.Int32
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.accepted.Add(1)
	}
	return c, err
}

func (l *countingListener) n() int { return int(l.accepted.Load()) }
