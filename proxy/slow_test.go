package proxy_test

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/proxy"
	"github.com/pillion-dev/pillion/proxy/listen"
)

// slow is a way to keep a server busy: what is sent at once, and what is sent
// again and again.
type slow struct{ first, drip string }

var slowness = map[string]slow{
	"headers that never end":    {"GET / HTTP/1.1\r\nHost: h\r\n", "X: y\r\n"},
	"bodies that drip":          {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1000000\r\n\r\n", "x"},
	"answers that nobody reads": {"GET /big HTTP/1.1\r\nHost: h\r\n\r\n", ""},
}

// With short limits, so that attackers need not be waited for for long.
func TestSlowAttackersAreEndedAndOthersAreServed(t *testing.T) {
	const each = 300
	part := make([]byte, 64<<10)
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // broken off
		if r.URL.Path == "/big" {
			for range 256 { // more than the buffers on the way hold
				if _, err := w.Write(part); err != nil {
					return
				}
			}
			return
		}
		_, _ = io.WriteString(w, "hello")
	}))
	defer site.Close()
	g, err := proxy.New(proxy.Options{Sites: []proxy.Site{{Upstreams: []string{site.URL}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer g.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	counted := &counting{Listener: l}
	serve(t, listen.Options{Listener: counted, Handler: g, Limits: listen.Limits{
		Connections: 4 * each, Header: 4 * time.Second, Body: time.Second, Write: time.Second, Idle: time.Minute,
	}})
	addr := l.Addr().String()
	attacks, stop := context.WithCancel(t.Context())
	var attackers sync.WaitGroup
	defer attackers.Wait()
	defer stop()
	for _, how := range slowness {
		for range each {
			attackers.Go(func() { how.attack(attacks, addr) })
		}
	}
	// Their own ends stay open: it is the server that ends them.
	deadline := time.Now().Add(time.Minute)
	for n := 0; ; n++ {
		if err := askOnce(addr, n); err != nil {
			t.Fatalf("request %d of the others: %v", n, err)
		}
		time.Sleep(5 * time.Millisecond) // the cores are for the server
		came, open := counted.came.Load(), counted.open.Load()
		if came >= int64(len(slowness)*each+n+1) && open == 0 {
			t.Logf("%d others were served", n+1)
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d connections came, %d are open", came, open)
		}
	}
}

// attack keeps its connection open until it is told to stop.
func (how slow) attack(ctx context.Context, addr string) {
	c, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return // the count will tell
	}
	defer c.Close()
	_, err = io.WriteString(c, how.first)
	for ctx.Err() == nil {
		if err == nil && how.drip != "" {
			_, err = io.WriteString(c, how.drip)
		}
		select {
		case <-ctx.Done():
		case <-time.After(250 * time.Millisecond):
		}
	}
}

// counting is a listener that counts the connections that the server has.
type counting struct {
	net.Listener
	came, open atomic.Int64
}

type counted struct {
	*net.TCPConn
	of   *counting
	once sync.Once
}

// Accept implements net.Listener.
func (l *counting) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	l.came.Add(1)
	l.open.Add(1)
	return &counted{TCPConn: c.(*net.TCPConn), of: l}, nil
}

// Close implements net.Conn.
func (c *counted) Close() error {
	c.once.Do(func() { c.of.open.Add(-1) })
	return c.TCPConn.Close()
}

// askOnce is one of the others: by a connection of its own, or with a body.
func askOnce(addr string, n int) error {
	tr := &http.Transport{}
	defer tr.CloseIdleConnections()
	body := io.Reader(nil)
	if n%2 == 1 {
		body = strings.NewReader("hello")
	}
	req, err := http.NewRequest(http.MethodPost, "http://"+addr+"/", body)
	if err != nil {
		return err
	}
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if got, err := io.ReadAll(resp.Body); err != nil || string(got) != "hello" {
		return fmt.Errorf("%s %q, %w", resp.Status, got, err)
	}
	return nil
}
