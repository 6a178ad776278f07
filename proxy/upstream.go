package proxy

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"
)

// leaveAlone is how long an upstream that refused a connection is left alone.
const leaveAlone = 5 * time.Second

// upstream is one server of a site.
type upstream struct {
	url  *url.URL
	lean *lean // for plaintext HTTP/1.1
	// sick is set while health checks fail; until is when a refused connection
	// is forgotten, in Unix nanoseconds.
	sick  atomic.Bool
	until atomic.Int64
}

func (u *upstream) answers(now time.Time) bool {
	return !u.sick.Load() && u.until.Load() < now.UnixNano()
}

// shun leaves the upstream alone for a while: it refused a connection.
func (u *upstream) shun() { u.until.Store(time.Now().Add(leaveAlone).UnixNano()) }

// upstreams are the servers of a site, and the choice among them.
type upstreams struct {
	list   []*upstream
	next   atomic.Uint32
	sticky bool
	seed   maphash.Seed
}

func newUpstreams(site *Site, idleBody time.Duration) (*upstreams, error) {
	us := &upstreams{sticky: site.Sticky, seed: maphash.MakeSeed()}
	for _, text := range site.Upstreams {
		u, err := origin(text)
		if err != nil {
			return nil, err
		}
		up := &upstream{url: u}
		if u.Scheme == "http" {
			up.lean = newLean(u.Host, idleBody)
		}
		us.list = append(us.list, up)
	}
	return us, nil
}

// order calls f for one upstream after the other, those that answer first,
// until it returns false. visit is whose request it is.
func (us *upstreams) order(visit string, f func(*upstream) bool) {
	n := len(us.list)
	switch n {
	case 0:
		return
	case 1:
		f(us.list[0])
		return
	}
	first := int(us.next.Add(1)-1) % n
	if us.sticky && visit != "" {
		first = int(maphash.String(us.seed, visit) % uint64(n))
	}
	now := time.Now()
	var last []*upstream
	for i := range n {
		u := us.list[(first+i)%n]
		if !u.answers(now) {
			last = append(last, u)
		} else if !f(u) {
			return
		}
	}
	for _, u := range last {
		if !f(u) {
			return
		}
	}
}

func (us *upstreams) close() {
	for _, u := range us.list {
		if u.lean != nil {
			u.lean.close()
		}
	}
}

// newTransport differs from the default one in that it keeps enough idle
// connections, undoes no encoding, asks no proxy and waits for nothing forever.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: dialLimit, KeepAlive: 30 * time.Second}
	return &http.Transport{
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		DisableCompression:     true,
		MaxIdleConns:           1024,
		MaxIdleConnsPerHost:    maxIdle,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ResponseHeaderTimeout:  headerLimit,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxAnswerHeader,
	}
}

// idleBody is the body of an answer by net/http's transport, which itself has no
// limit to the time between two parts.
type idleBody struct {
	io.ReadCloser
	limit  time.Duration
	timer  *time.Timer
	cancel context.CancelCauseFunc
}

var errIdle = errors.New("the site's answer does not go on")

func limitIdle(resp *http.Response, limit time.Duration, cancel context.CancelCauseFunc) {
	b := &idleBody{ReadCloser: resp.Body, limit: bodyLimit(resp, limit), cancel: cancel}
	b.timer = time.AfterFunc(b.limit, func() { cancel(errIdle) })
	resp.Body = b
}

func (b *idleBody) Read(p []byte) (int, error) {
	b.timer.Reset(b.limit)
	return b.ReadCloser.Read(p)
}

func (b *idleBody) Close() error {
	b.timer.Stop()
	err := b.ReadCloser.Close()
	b.cancel(nil)
	return err
}

// watch asks a site's upstreams for their health until ctx ends.
func (g *Gateway) watch(ctx context.Context, s *site, h Health) {
	every := h.Every
	if every <= 0 {
		every = 10 * time.Second
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		var asked sync.WaitGroup
		for _, u := range s.upstreams.list {
			asked.Go(func() {
				ctx, cancel := context.WithTimeout(ctx, every)
				defer cancel()
				err := g.ask(ctx, s, u, h.Path)
				if ctx.Err() != nil && errors.Is(err, context.Canceled) {
					return
				}
				if was := u.sick.Swap(err != nil); was != (err != nil) {
					g.log.Warn("an upstream's health changed", "upstream", u.url.Host, "healthy", err == nil, "error", err)
				}
				g.metrics.healthy.WithLabelValues(u.url.Host).Set(map[bool]float64{true: 1}[err == nil])
			})
		}
		asked.Wait()
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (g *Gateway) ask(ctx context.Context, s *site, u *upstream, path string) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.url.String()+path, nil)
	if err != nil {
		return err
	}
	if s.host != "" {
		req.Host = s.host
	}
	req.Header.Set("User-Agent", "pillion-health")
	resp, err := g.transport.RoundTrip(req)
	if err != nil {
		return err
	}
	_, _ = io.CopyN(io.Discard, resp.Body, 64<<10) // so that the connection can be kept
	if err := resp.Body.Close(); err != nil {
		return err
	}
	if resp.StatusCode >= 500 {
		return fmt.Errorf("it answers %s", resp.Status)
	}
	return nil
}

// refused reports whether a request did not reach its upstream at all.
func refused(err error) bool {
	var op *net.OpError
	return errors.As(err, &op) && op.Op == "dial"
}
