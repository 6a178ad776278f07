package listen

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// short limits: what they end is waited for, so none of these tests depends on
// a machine's speed.
var short = Limits{Header: 100 * time.Millisecond, Body: 100 * time.Millisecond, Write: 100 * time.Millisecond, Idle: 100 * time.Millisecond}

func TestAPeerThatOwesBytesIsEnded(t *testing.T) {
	files, _ := writePair(t, t.TempDir(), "a")
	for name, c := range map[string]struct {
		tls  TLS
		sent string
	}{
		"nothing at all":            {TLS{}, ""},
		"half a header":             {TLS{}, "GET / HTTP/1.1\r\nHo"},
		"half a body":               {TLS{}, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n\r\nhalf"},
		"half a chunk":              {TLS{}, chunkedHead + "5\r\nha"},
		"half a chunk's size":       {TLS{}, chunkedHead + "5"},
		"no second request":         {TLS{}, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"},
		"nothing of a handshake":    {files, ""},
		"half of a handshake":       {files, "\x16\x03\x01\x02\x00\x01"},
		"half of a preface":         {TLS{}, http2Preface[:20]},
		"nothing after the preface": {TLS{}, http2Preface},
	} {
		t.Run(name, func(t *testing.T) {
			s := started(t, Options{TLS: c.tls, Limits: short, Handler: http.HandlerFunc(described)})
			conn := dial(t, s)
			if _, err := io.WriteString(conn, c.sent); err != nil {
				t.Fatal(err)
			}
			if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
				t.Error("the connection is still open")
			}
		})
	}
}

func TestABodyThatDripsIsEndedToo(t *testing.T) {
	failed := make(chan error, 1)
	s := started(t, Options{Limits: short, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, err := io.Copy(io.Discard, r.Body)
		failed <- err
	})})
	conn := dial(t, s)
	if _, err := io.WriteString(conn, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for { // a byte each 20 ms is a tenth of what patience needs
		if _, err := conn.Write([]byte("x")); err != nil {
			break
		}
		select {
		case err := <-failed:
			if !errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("the handler was told %v", err)
			}
			return
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// endless answers without end and tells how that ended.
func endless(ended chan<- error) http.Handler {
	part := bytes.Repeat([]byte("x"), 64<<10)
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		for {
			if _, err := w.Write(part); err != nil {
				ended <- err
				return
			}
		}
	})
}

func TestAReaderThatStopsIsEnded(t *testing.T) {
	files, pool := writePair(t, t.TempDir(), "a")
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0", "HTTP/3.0"} {
		for name, setting := range map[string]TLS{"with TLS": files, "in plain": {}} {
			if version == "HTTP/3.0" && !setting.enabled() {
				continue
			}
			t.Run(version+" "+name, func(t *testing.T) {
				ended := make(chan error, 1)
				s := started(t, Options{Addr: "localhost:0", TLS: setting, HTTP3: setting.enabled(), Limits: Limits{Write: 100 * time.Millisecond}, Handler: endless(ended)})
				scheme := "http"
				if setting.enabled() {
					scheme = "https"
				}
				resp, err := client(t, s, version, pool).Get(localURL(s, scheme))
				if err != nil {
					t.Fatal(err)
				}
				defer resp.Body.Close()
				if _, err := io.CopyN(io.Discard, resp.Body, 1<<20); err != nil {
					t.Fatal(err)
				}
				if err := <-ended; err == nil { // nobody reads on
					t.Error("no error")
				}
			})
		}
	}
}

func TestAStreamWhoseBodyStopsIsEnded(t *testing.T) {
	files, pool := writePair(t, t.TempDir(), "a")
	for _, version := range []string{"HTTP/2.0", "HTTP/3.0"} {
		t.Run(version, func(t *testing.T) {
			failed := make(chan error, 1)
			s := started(t, Options{Addr: "localhost:0", TLS: files, HTTP3: true, Limits: Limits{Body: 100 * time.Millisecond}, Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				_, err := io.Copy(io.Discard, r.Body)
				failed <- err
			})})
			body, feed := io.Pipe()
			defer feed.Close()
			go func() { _, _ = feed.Write([]byte("half")) }() // ends with the pipe
			ctx, cancel := context.WithCancel(t.Context())
			req, err := http.NewRequestWithContext(ctx, http.MethodPost, localURL(s, "https"), body)
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan struct{})
			go func() {
				defer close(done)
				if resp, err := client(t, s, version, pool).Do(req); err == nil {
					_ = resp.Body.Close() // of no interest
				}
			}()
			if err := <-failed; err == nil {
				t.Error("the handler was told nothing")
			}
			cancel()
			_ = feed.Close() // never fails
			<-done
		})
	}
}

func TestAPeerThatOwesNothingMayWait(t *testing.T) {
	files, pool := writePair(t, t.TempDir(), "a")
	limits := short
	limits.Header, limits.Idle = 0, 0
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0", "HTTP/3.0"} {
		t.Run(version, func(t *testing.T) {
			s := started(t, Options{Addr: "localhost:0", TLS: files, HTTP3: true, Limits: limits, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				rc := http.NewResponseController(w)
				body, err := io.ReadAll(r.Body)
				for range 2 { // an event now and then
					time.Sleep(3 * limits.Body)
					_, _ = w.Write(body)
					err = errors.Join(err, rc.Flush(), r.Context().Err())
				}
				if err != nil {
					panic(err)
				}
			})})
			if got, _ := ask(t, client(t, s, version, pool), localURL(s, "https")); got != "hellohello" {
				t.Errorf("%q", got)
			}
		})
	}
}

func TestAnUpgradedConnectionMayWait(t *testing.T) {
	s := started(t, Options{Limits: short, Handler: http.HandlerFunc(switching)})
	conn := dial(t, s)
	r := bufio.NewReader(conn)
	if _, err := io.WriteString(conn, "CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := http.ReadResponse(r, &http.Request{Method: http.MethodConnect}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		time.Sleep(3 * short.Body)
		if _, err := io.WriteString(conn, "echo"); err != nil {
			t.Fatal(err)
		}
		got := make([]byte, 4)
		if _, err := io.ReadFull(r, got); err != nil || string(got) != "echo" {
			t.Fatalf("%q, %v", got, err)
		}
	}
}

func TestASlowReaderAboveTheFloorGetsEverything(t *testing.T) {
	const size = 16 << 20 // more than the buffers on the way hold
	s := started(t, Options{Limits: Limits{Write: 300 * time.Millisecond}, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(make([]byte, size)) // one write that takes long
	})})
	resp, err := http.Get("http://" + s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var got int64
	for range 16 {
		n, err := io.CopyN(io.Discard, resp.Body, size/16)
		if got += n; err != nil {
			t.Fatalf("after %d bytes: %v", got, err)
		}
		time.Sleep(40 * time.Millisecond)
	}
}

func TestTheNumberOfConnectionsIsBounded(t *testing.T) {
	files, pool := writePair(t, t.TempDir(), "a")
	for name, setting := range map[string]TLS{"with TLS": files, "in plain": {}} {
		t.Run(name, func(t *testing.T) {
			why := make(chan string, 1)
			s := started(t, Options{Addr: "localhost:0", TLS: setting, Limits: Limits{Connections: 2}, Handler: http.HandlerFunc(described), Refused: func(reason string) { why <- reason }})
			scheme := "http"
			if setting.enabled() {
				scheme = "https"
			}
			first, second := client(t, s, "HTTP/1.1", pool), client(t, s, "HTTP/1.1", pool)
			ask(t, first, localURL(s, scheme))
			ask(t, second, localURL(s, scheme))
			if n, err := dial(t, s).Read(make([]byte, 1)); err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
				t.Errorf("a third connection read %d bytes, %v", n, err)
			}
			if got := <-why; got != ReasonConnections {
				t.Errorf("refused for %q", got)
			}
			ask(t, first, localURL(s, scheme)) // goes on
			second.CloseIdleConnections()
			for s.open.Load() > 1 {
				time.Sleep(time.Millisecond)
			}
			ask(t, client(t, s, "HTTP/1.1", pool), localURL(s, scheme))
		})
	}
}

func TestAFrameWithoutEndIsEnded(t *testing.T) {
	limits := short
	limits.Idle = time.Hour
	s := started(t, Options{Limits: limits, Handler: http.NotFoundHandler()})
	conn := dial(t, s)
	var block bytes.Buffer
	_ = hpack.NewEncoder(&block).WriteField(hpack.HeaderField{Name: ":method", Value: "GET"}) // to memory
	if _, err := io.WriteString(conn, http2Preface); err != nil {
		t.Fatal(err)
	}
	framer := http2.NewFramer(conn, conn)
	if err := errors.Join(framer.WriteSettings(), framer.WriteHeaders(http2.HeadersFrameParam{StreamID: 1, BlockFragment: block.Bytes()})); err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the connection is still open")
	}
}

// failing is a listener that cannot accept for a while.
type failing struct {
	net.Listener
	left int
}

type full struct{ error }

func (full) Timeout() bool   { return false }
func (full) Temporary() bool { return true }

func (f *failing) Accept() (net.Conn, error) {
	if f.left--; f.left >= 0 {
		return nil, full{errors.New("too many open files")}
	}
	return f.Listener.Accept()
}

func TestAcceptingGoesOnWhenDescriptorsAreFreeAgain(t *testing.T) {
	l, err := net.Listen("tcp", "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	s := started(t, Options{Listener: &failing{Listener: l, left: 3}, Handler: http.HandlerFunc(described)})
	if got, _ := ask(t, http.DefaultClient, localURL(s, "http")); !strings.HasSuffix(got, "hello") {
		t.Errorf("%q", got)
	}
}
