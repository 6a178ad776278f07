package listen

import (
	"context"
	"errors"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// ours are the goroutines that stand in this package or in a server of its.
func ours() int {
	buf := make([]byte, 1<<20)
	n := 0
	for _, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if strings.Contains(g, "proxy/listen.(*Server)") || strings.Contains(g, "net/http.(*conn)") || strings.Contains(g, "http3.(*Server)") || strings.Contains(g, "quic.(*Transport)") {
			n++
		}
	}
	return n
}

func TestShutdownWaitsForRequestsAndEndsEverythingElse(t *testing.T) {
	files, pool := writePair(t, t.TempDir(), "a")
	for _, version := range []string{"HTTP/1.1", "HTTP/2.0", "HTTP/3.0"} {
		t.Run(version, func(t *testing.T) {
			inside, release := make(chan struct{}), make(chan struct{})
			s, err := New(Options{Addr: "localhost:0", TLS: files, HTTP3: true, Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				close(inside)
				<-release
				_, _ = io.WriteString(w, "whole")
			})})
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() { served <- s.Serve() }()
			silent := dial(t, s) // in a handshake
			answer := make(chan string, 1)
			c := client(t, s, version, pool)
			go func() {
				defer close(answer)
				resp, err := c.Get(localURL(s, "https"))
				if err != nil {
					return
				}
				body, _ := io.ReadAll(resp.Body)
				_ = resp.Body.Close() // it was read
				answer <- string(body)
				if closer, ok := c.Transport.(io.Closer); ok {
					_ = closer.Close() // an HTTP/3 client that stays would be waited for
				}
			}()
			<-inside
			down := make(chan error, 1)
			go func() { down <- s.Shutdown(t.Context()) }()
			if err := <-served; !errors.Is(err, http.ErrServerClosed) {
				t.Errorf("Serve ended with %v", err)
			}
			close(release)
			if got := <-answer; got != "whole" {
				t.Errorf("the request under way got %q", got)
			}
			if err := <-down; err != nil {
				t.Errorf("Shutdown: %v", err)
			}
			if _, err := silent.Read(make([]byte, 1)); err == nil {
				t.Error("the handshake goes on")
			}
			awaitNone(t)
		})
	}
}

func awaitNone(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); ours() > 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			buf := make([]byte, 1<<20)
			t.Fatalf("goroutines that were not ended:\n%s", buf[:runtime.Stack(buf, true)])
		}
	}
}

func TestShutdownCutsOffWhatDoesNotEnd(t *testing.T) {
	inside := make(chan struct{})
	s, err := New(Options{Addr: "localhost:0", Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		close(inside)
		<-r.Context().Done()
	})})
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve() }()
	conn := dial(t, s)
	if _, err := io.WriteString(conn, "GET / HTTP/1.1\r\nHost: h\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	<-inside
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Shutdown(ctx); err == nil {
		t.Error("Shutdown says that all ended by itself")
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		t.Errorf("Serve ended with %v", err)
	}
	if rest, err := io.ReadAll(conn); len(rest) > 0 {
		t.Errorf("%q, %v", rest, err)
	}
	awaitNone(t)
}

func TestAServerThatNeverServedCanBeClosed(t *testing.T) {
	files, _ := writePair(t, t.TempDir(), "a")
	s, err := New(Options{Addr: "localhost:0", TLS: files, HTTP3: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	awaitNone(t)
}
