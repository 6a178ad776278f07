package proxy

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/andybalholm/brotli"
	"github.com/coder/websocket"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

const (
	plainPage = "<!DOCTYPE html><html><head><title>Ä</title></head><body>x</body></html>"
	tagged    = `<!DOCTYPE html><html><head><script src="/.pillion/capture.js"></script><title>Ä</title></head><body>x</body></html>`
)

// front starts a gateway in front of a site and returns its URL.
func front(t *testing.T, site http.Handler, change func(*Options)) (gateway, upstream string) {
	t.Helper()
	up := httptest.NewServer(site)
	t.Cleanup(up.Close)
	opts := Options{Sites: []Site{{Upstreams: []string{up.URL}}}, Script: captureScript}
	if change != nil {
		change(&opts)
	}
	g, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	srv := httptest.NewServer(g)
	t.Cleanup(srv.Close)
	return srv.URL, up.URL
}

func captureScript([]byte) string { return "/.pillion/capture.js" }

// get asks as a browser that opens a page, unless headers say otherwise.
func get(t *testing.T, target string, headers ...string) (*http.Response, string) {
	t.Helper()
	return fetch(t, target, "", "", append([]string{"Sec-Fetch-Dest", "document"}, headers...)...)
}

func html(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = io.WriteString(w, body)
	}
}

func TestTheTagGoesIntoDocumentsOnly(t *testing.T) {
	gw, _ := front(t, html(plainPage), nil)
	for _, c := range []struct {
		name, dest, accept string
		want               string
	}{
		{"document", "document", "", tagged},
		{"frame", "iframe", "", tagged},
		{"fetched by script", "empty", "*/*", plainPage},
		{"image", "image", "", plainPage},
		{"old browser", "", "text/html,*/*", tagged},
		{"old script", "", "*/*", plainPage},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, got := get(t, gw, "Sec-Fetch-Dest", c.dest, "Accept", c.accept); got != c.want {
				t.Errorf("got %s", got)
			}
		})
	}
	t.Run("json under a page's label", func(t *testing.T) {
		gw, _ := front(t, html(`{"a":1}`), nil)
		if _, got := get(t, gw, "Sec-Fetch-Dest", "", "Accept", "text/html"); got != `{"a":1}` {
			t.Errorf("got %s", got)
		}
	})
}

func TestEncodedPagesComeBackEncodedAndOtherwiseTheSame(t *testing.T) {
	encoders := map[string]func(io.Writer) io.WriteCloser{
		"gzip": func(w io.Writer) io.WriteCloser { return gzip.NewWriter(w) },
		"br":   func(w io.Writer) io.WriteCloser { return brotli.NewWriter(w) },
		"zstd": func(w io.Writer) io.WriteCloser { z, _ := zstd.NewWriter(w); return z },
		"deflate": func(w io.Writer) io.WriteCloser {
			return zlib.NewWriter(w)
		},
		"raw deflate": func(w io.Writer) io.WriteCloser { f, _ := flate.NewWriter(w, 5); return f },
	}
	long := strings.Replace(plainPage, "x", strings.Repeat("lorem ipsum ", 50000), 1)
	for name, enc := range encoders {
		t.Run(name, func(t *testing.T) {
			coding := strings.TrimPrefix(name, "raw ")
			var offered string
			gw, _ := front(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				offered = r.Header.Get("Accept-Encoding")
				w.Header().Set("Content-Type", "text/html")
				w.Header().Set("Content-Encoding", coding)
				e := enc(w)
				_, _ = io.WriteString(e, long)
				_ = e.Close()
			}), nil)
			resp, body := get(t, gw, "Accept-Encoding", coding+", sdch, dcb")
			if offered != "identity" {
				t.Errorf("a page was asked for with %q", offered)
			}
			d, err := decoder(io.NopCloser(strings.NewReader(body)), strings.Fields(resp.Header.Get("Content-Encoding")))
			if err != nil {
				t.Fatal(err)
			}
			got, err := io.ReadAll(d)
			if want := strings.Replace(long, "<title>", `<script src="/.pillion/capture.js"></script><title>`, 1); err != nil || string(got) != want {
				t.Errorf("%d bytes, want %d (%v)", len(got), len(want), err)
			}
		})
	}
	t.Run("unknown", func(t *testing.T) {
		gw, _ := front(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/html")
			w.Header().Set("Content-Encoding", "rot13")
			_, _ = io.WriteString(w, "<uryy>")
		}), nil)
		if resp, body := get(t, gw); body != "<uryy>" || resp.Header.Get("Content-Encoding") != "rot13" {
			t.Errorf("%q %v", body, resp.Header)
		}
	})
}

func TestTheFirstByteDoesNotWait(t *testing.T) {
	for _, coding := range []string{"", "gzip", "br", "zstd"} {
		t.Run("coding "+coding, func(t *testing.T) {
			more := make(chan struct{})
			gw, _ := front(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				if coding != "" {
					w.Header().Set("Content-Encoding", coding)
				}
				e := flushing(w, coding)
				_, _ = io.WriteString(e, "<html><head><title>a</title></head><body>first")
				_ = e.Flush()
				_ = http.NewResponseController(w).Flush()
				<-more
				_, _ = io.WriteString(e, "second")
				_ = e.Close()
			}), nil)
			req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, gw, nil)
			req.Header.Set("Sec-Fetch-Dest", "document")
			req.Header.Set("Accept-Encoding", coding)
			resp, err := http.DefaultTransport.RoundTrip(req)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			d, err := decoder(resp.Body, strings.Fields(resp.Header.Get("Content-Encoding")))
			if err != nil {
				t.Fatal(err)
			}
			var got []byte
			buf := make([]byte, 1000)
			for !bytes.Contains(got, []byte("first")) { // ends only if the site need not go on first
				n, err := d.Read(buf)
				got = append(got, buf[:n]...)
				if err != nil {
					t.Fatal(err)
				}
			}
			close(more)
			rest, err := io.ReadAll(d)
			if err != nil || string(rest) != "second" {
				t.Errorf("then %q %v", rest, err)
			}
		})
	}
}

// flushing is an encoder for a coding, or none.
func flushing(w io.Writer, coding string) encoder {
	if coding == "" {
		return plain{w}
	}
	return newEncoder(w, coding)
}

type plain struct{ io.Writer }

func (plain) Flush() error { return nil }
func (plain) Close() error { return nil }
func (plain) release()     {}

func TestServerSentEventsPassAsTheyCome(t *testing.T) {
	next := make(chan struct{})
	gw, _ := front(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 3 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			_ = http.NewResponseController(w).Flush()
			<-next
		}
	}), nil)
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, gw, nil)
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	lines := bufio.NewReader(resp.Body)
	for i := range 3 {
		line, err := lines.ReadString('\n')
		if err != nil || line != fmt.Sprintf("data: %d\n", i) {
			t.Fatalf("%q %v", line, err)
		}
		_, _ = lines.ReadString('\n')
		next <- struct{}{}
	}
	if _, err := lines.ReadByte(); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestABreakStaysABreak(t *testing.T) {
	for _, kind := range []string{"text/html", "text/css"} {
		for _, framing := range []string{"chunked", "length"} {
			t.Run(kind+" "+framing, func(t *testing.T) {
				teed := &recordingTee{}
				gw, _ := front(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
					conn, buf, err := http.NewResponseController(w).Hijack()
					if err != nil {
						t.Error(err)
						return
					}
					head := "Transfer-Encoding: chunked\r\n\r\n5\r\n<html\r\n"
					if framing == "length" {
						head = "Content-Length: 500\r\n\r\n<html"
					}
					_, _ = buf.WriteString("HTTP/1.1 200 OK\r\nContent-Type: " + kind + "\r\n" + head)
					_ = buf.Flush()
					_ = conn.Close()
				}), func(o *Options) { o.Tee = teed })
				req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, gw, nil)
				req.Header.Set("Sec-Fetch-Dest", map[string]string{"text/html": "document", "text/css": "style"}[kind])
				resp, err := http.DefaultTransport.RoundTrip(req)
				if err == nil {
					_, err = io.ReadAll(resp.Body)
					_ = resp.Body.Close()
				}
				if err == nil {
					t.Error("the browser saw a clean end")
				}
				if kind == "text/css" && teed.last().outcome() != "abort" {
					t.Error("half a style sheet was kept")
				}
			})
		}
	}
}

func TestNoAnswer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed := l.Addr().String()
	_ = l.Close()
	for _, c := range []struct {
		name   string
		trip   http.RoundTripper
		status int
	}{
		{"refused", nil, http.StatusBadGateway},
		{"timeout", tripper(func(*http.Request) (*http.Response, error) {
			return nil, fmt.Errorf("secret detail: %w", context.DeadlineExceeded)
		}), http.StatusGatewayTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			gw, _ := front(t, nil, func(o *Options) {
				o.Sites[0].Upstreams, o.Transport = []string{"http://" + closed}, c.trip
			})
			resp, body := get(t, gw)
			if resp.StatusCode != c.status || !strings.Contains(body, "Please try again") || strings.Contains(body, "secret") || strings.Contains(body, closed) {
				t.Errorf("%d %s", resp.StatusCode, body)
			}
			resp, body = get(t, gw, "Connection", "Upgrade", "Upgrade", "websocket")
			if resp.StatusCode != c.status || !strings.Contains(body, "Please try again") {
				t.Errorf("upgrade: %d %s", resp.StatusCode, body)
			}
		})
	}
}

type tripper func(*http.Request) (*http.Response, error)

func (f tripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func TestNotAnOpenProxy(t *testing.T) {
	gw, up := front(t, html(plainPage), nil)
	for _, line := range []string{
		"GET " + up + "/ HTTP/1.1", "GET http://example.org/ HTTP/1.1",
		"CONNECT example.org:443 HTTP/1.1", "OPTIONS * HTTP/1.1",
	} {
		conn, err := net.Dial("tcp", strings.TrimPrefix(gw, "http://"))
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, line+"\r\nHost: gw\r\nConnection: close\r\n\r\n")
		resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(line, err)
		}
		if resp.StatusCode < 400 && line[0] != 'O' {
			t.Errorf("%s: %s", line, resp.Status)
		}
		_ = resp.Body.Close()
		_ = conn.Close()
	}
}

func TestWebSocketPassesAndClosesOnBothSides(t *testing.T) {
	siteDone := make(chan error, 1)
	hangUp := make(chan struct{})
	gw, _ := front(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
		if err != nil {
			t.Error(err)
			return
		}
		for {
			kind, msg, err := c.Read(r.Context())
			if err != nil {
				siteDone <- err
				return
			}
			if string(msg) == "hang up" {
				close(hangUp)
				_ = c.CloseNow()
				siteDone <- nil
				return
			}
			_ = c.Write(r.Context(), kind, msg)
		}
	}), nil)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	dial := func() *websocket.Conn {
		c, _, err := websocket.Dial(ctx, gw+"/chat", nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.Write(ctx, websocket.MessageText, []byte("hi")); err != nil {
			t.Fatal(err)
		}
		if _, msg, err := c.Read(ctx); err != nil || string(msg) != "hi" {
			t.Fatalf("%q %v", msg, err)
		}
		return c
	}
	c := dial()
	_ = c.CloseNow()
	select {
	case <-done(siteDone):
	case <-ctx.Done():
		t.Fatal("the site's side stayed open")
	}
	c = dial()
	if err := c.Write(ctx, websocket.MessageText, []byte("hang up")); err != nil {
		t.Fatal(err)
	}
	<-hangUp
	if _, _, err := c.Read(ctx); err == nil || ctx.Err() != nil {
		t.Error("the browser's side stayed open")
	}
	_ = c.CloseNow()
}

// done is closed when anything comes from c.
func done(c <-chan error) <-chan struct{} {
	d := make(chan struct{})
	go func() {
		defer close(d)
		for range c {
			return
		}
	}()
	return d
}

func TestOtherUpgradesPassToo(t *testing.T) {
	gw, _ := front(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Upgrade") != "echo" {
			t.Errorf("upgrade %q", r.Header.Get("Upgrade"))
		}
		conn, buf, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		_, _ = buf.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
		_ = buf.Flush()
		line, _ := buf.ReadString('\n')
		_, _ = buf.WriteString(line)
		_ = buf.Flush()
	}), nil)
	conn, err := net.Dial("tcp", strings.TrimPrefix(gw, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET /echo HTTP/1.1\r\nHost: gw\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, nil)
	if err != nil || resp.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("%v %v", resp, err)
	}
	_, _ = io.WriteString(conn, "over there\n")
	if line, err := in.ReadString('\n'); err != nil || line != "over there\n" {
		t.Errorf("%q %v", line, err)
	}
	if _, err := in.ReadByte(); err != io.EOF {
		t.Errorf("the socket stayed open: %v", err)
	}
}
