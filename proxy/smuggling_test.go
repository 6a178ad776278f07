package proxy_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/proxy"
	"github.com/pillion-dev/pillion/proxy/listen"
)

// front is a gateway before an origin, as the program has it. It notes what it
// takes for requests; the origin must take the same for them, and nothing else.
type front struct {
	origin        *origin
	plain, secure *listen.Server
	trusting      *tls.Config

	mu       sync.Mutex
	meant    map[string]int // handed to the gateway, by "METHOD target"
	answered map[string]int // of these, answered by the origin
	attacks  int
}

func startFront(t *testing.T, o *origin) *front {
	t.Helper()
	f := &front{origin: o, meant: map[string]int{"GET /ready": 1}, answered: map[string]int{}}
	g, err := proxy.New(proxy.Options{
		Sites:  []proxy.Site{{Upstreams: []string{o.url}}},
		Script: func([]byte) string { return "/.pillion/capture.js" },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = g.Close() })
	files, trusting := certified(t)
	f.trusting = trusting
	handler := f.noting(g)
	f.plain = serve(t, listen.Options{Handler: handler})
	f.secure = serve(t, listen.Options{Handler: handler, TLS: files})
	return f
}

// serve serves on a port of its own until the test ends.
func serve(t *testing.T, opts listen.Options) *listen.Server {
	t.Helper()
	if opts.Listener == nil {
		opts.Addr = "127.0.0.1:0"
	}
	s, err := listen.New(opts)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- s.Serve() }()
	t.Cleanup(func() {
		_ = s.Close() // never fails
		if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("the listener ended with %v", err)
		}
	})
	return s
}

func (f *front) noting(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		request := r.Method + " " + r.RequestURI
		f.note(f.meant, request)
		defer func() {
			if w.Header().Get("X-Echo") != "" {
				f.note(f.answered, request)
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func (f *front) note(in map[string]int, request string) {
	f.mu.Lock()
	in[request]++
	f.mu.Unlock()
}

// path is one that nobody has asked for yet.
func (f *front) path(kind string) string {
	f.attacks++
	return fmt.Sprintf("/%s/%d", kind, f.attacks)
}

// dial opens a connection on which nothing can wait for ever.
func (f *front) dial(t *testing.T, secure bool, protocols ...string) net.Conn {
	t.Helper()
	s := f.plain
	if secure {
		s = f.secure
	}
	c, err := net.Dial("tcp", s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	if err := c.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if !secure {
		return c
	}
	config := f.trusting.Clone()
	config.NextProtos = protocols
	return tls.Client(c, config)
}

func TestNoFormOfARequestIsReadInTwoWays(t *testing.T) {
	for name, command := range origins {
		t.Run(name, func(t *testing.T) {
			f := startFront(t, startOrigin(t, command))
			for name, form := range forms() {
				for _, secure := range []bool{false, true} {
					t.Run(fmt.Sprintf("%s, TLS %v", name, secure), func(t *testing.T) { f.attack(t, form, secure) })
				}
			}
			f.judge(t)
		})
	}
}

// attack sends a form with a victim's request behind it, and then the victims
// that would be next on the origin's connections.
func (f *front) attack(t *testing.T, form form, secure bool) {
	c := f.dial(t, secure)
	victim := f.path("victim")
	raw := form.filled(f.path("form")) + "GET " + victim + " HTTP/1.1\r\nHost: h\r\n\r\n"
	if _, err := io.WriteString(c, raw); err != nil {
		t.Fatal(err)
	}
	if got := answers(t, c, "GET "+victim); got != form.want && form.want != anything {
		t.Errorf("the attacker sees %q, want %q", got, form.want)
	}
	f.victims(t, secure)
}

// answers reads a connection's answers up to that to the victim or to its end.
func answers(t *testing.T, c net.Conn, victim string) string {
	t.Helper()
	var seen []string
	r := bufio.NewReader(c)
	for {
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			if !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Fatalf("after %q: %v", seen, err)
			}
			return strings.Join(append(seen, "closed"), " ")
		}
		echo := resp.Header.Get("X-Echo")
		if !strings.HasPrefix(echo, "HEAD ") { // which has no body, whatever its length
			if _, err := io.Copy(io.Discard, resp.Body); err != nil {
				t.Fatalf("after %q: %v", seen, err)
			}
		}
		switch {
		case resp.StatusCode < 200:
			continue
		case echo == victim && resp.StatusCode == http.StatusOK:
			return strings.Join(seen, " ")
		case strings.Contains(echo, "victim") || strings.Contains(echo, "smuggled") && !strings.Contains(echo, "//"):
			t.Fatalf("an answer to %q", echo)
		}
		seen = append(seen, fmt.Sprint(resp.StatusCode))
	}
}

// victims are two requests that share the origin's connections with whatever
// went before: those without a body have a pool of their own.
func (f *front) victims(t *testing.T, secure bool) {
	t.Helper()
	c := f.dial(t, secure)
	r := bufio.NewReader(c)
	for _, request := range []string{"GET %s HTTP/1.1\r\nHost: h\r\n\r\n", "POST %s HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc"} {
		method, _, _ := strings.Cut(request, " ")
		path := f.path("victim")
		if _, err := fmt.Fprintf(c, request, path); err != nil {
			t.Fatal(err)
		}
		resp, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		if got := resp.Header.Get("X-Echo"); got != method+" "+path || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s %s was answered %s to %q: %s", method, path, resp.Status, got, body)
		}
	}
}

// judge ends the origin and compares what it took for requests with what the
// gateway meant.
func (f *front) judge(t *testing.T) {
	t.Helper()
	f.origin.end(t)
	requests, wrong := f.origin.asked(t)
	for _, line := range wrong {
		t.Errorf("the origin was asked %q", line)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	asked := map[string]int{}
	for _, request := range requests {
		asked[request]++
		if strings.Contains(request, " /smuggled") {
			t.Errorf("smuggled: %q", request)
		}
	}
	for request, n := range asked {
		if n > f.meant[request] {
			t.Errorf("the origin took %q for a request %d times; the gateway meant %d", request, n, f.meant[request])
		}
	}
	for request, n := range f.answered {
		if asked[request] < n {
			t.Errorf("the origin answered %q %d times and was asked %d times", request, n, asked[request])
		}
	}
	t.Logf("%d requests at the origin", len(requests))
}
