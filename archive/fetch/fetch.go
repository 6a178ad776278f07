// Package fetch gets files that pages name and that never pass the gateway, from
// the origins that an operator lists and from no other. It asks as nobody:
// without cookies, without a referrer, without the user's rights. It connects
// to public addresses alone, whatever a name resolves to by then.
package fetch

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/pillion-dev/pillion/archive"
)

const (
	maxWaiting   = 200
	atOnce       = 2
	maxRedirects = 5
	timeout      = 30 * time.Second
)

// ErrRefused is wrapped by errors of what the rules forbid.
var ErrRefused = errors.New("refused")

// Options configures a [Fetcher].
type Options struct {
	Collector *archive.Collector
	// Origins are those that may be asked: https://cdn.example.com.
	Origins []string
	Logger  *slog.Logger // nil for none
	// Allowed replaces Public; for tests.
	Allowed func(netip.Addr) bool
}

// Fetcher fetches what it is asked for, a few at a time, in goroutines of its own.
type Fetcher struct {
	opts    Options
	origins map[string]bool
	client  *http.Client
	queue   chan wish
	stop    context.CancelFunc
	done    sync.WaitGroup
}

type wish struct{ visit, url string }

// New starts a Fetcher; Close ends it. The error is for an origin that is none.
func New(o Options) (*Fetcher, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Allowed == nil {
		o.Allowed = Public
	}
	f := &Fetcher{opts: o, origins: map[string]bool{}, queue: make(chan wish, maxWaiting)}
	for _, text := range o.Origins {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.User != nil {
			return nil, fmt.Errorf("archive: fetch: %q is no origin; give https://cdn.example.com", text)
		}
		f.origins[originOf(u)] = true
	}
	dialer := net.Dialer{Timeout: 5 * time.Second, Control: f.control}
	f.client = &http.Client{
		Timeout: timeout, CheckRedirect: f.redirected,
		Transport: &http.Transport{DialContext: dialer.DialContext, TLSHandshakeTimeout: 5 * time.Second, ResponseHeaderTimeout: 10 * time.Second, MaxIdleConns: atOnce, IdleConnTimeout: 30 * time.Second},
	}
	var ctx context.Context
	ctx, f.stop = context.WithCancel(context.Background())
	for range atOnce {
		f.done.Go(func() { f.run(ctx) })
	}
	return f, nil
}

// Close ends what is under way.
func (f *Fetcher) Close() {
	f.stop()
	f.done.Wait()
	f.client.CloseIdleConnections()
}

// Ask queues a file that a visit's page named; false where its origin may not be
// asked, or too much waits. It does not block.
func (f *Fetcher) Ask(visit, target string) bool {
	u, err := url.Parse(target)
	if err != nil || !f.origins[originOf(u)] || u.User != nil {
		return false
	}
	select {
	case f.queue <- wish{visit, target}:
		return true
	default:
		return false
	}
}

func originOf(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + strings.ToLower(u.Hostname()) + ":" + port
}

func (f *Fetcher) run(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case w := <-f.queue:
			if err := f.fetch(ctx, w); err != nil && ctx.Err() == nil {
				f.opts.Logger.Warn("a file was not fetched", "url", archive.Address(w.url, nil), "error", err)
			}
		}
	}
}

type visitKey struct{}

func (f *Fetcher) fetch(ctx context.Context, w wish) error {
	req, err := http.NewRequestWithContext(context.WithValue(ctx, visitKey{}, w.visit), http.MethodGet, w.url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "Pillion")
	resp, err := f.client.Do(req)
	if err != nil {
		return err
	}
	defer func() { _ = resp.Body.Close() }() // read to its end, or given up
	into := f.opts.Collector.Begin(answer(w.visit, resp))
	if into == nil {
		return nil // noted
	}
	if _, err := io.Copy(struct{ io.Writer }{into}, resp.Body); err != nil {
		into.Abort()
		return err
	}
	into.Commit()
	return nil
}

func answer(visit string, resp *http.Response) archive.Answer {
	a := archive.Answer{
		Visit: visit, URL: resp.Request.URL.String(), Time: time.Now(), Status: resp.StatusCode, Header: resp.Header, Request: resp.Request.Header, Fetched: true,
	}
	if to, err := resp.Location(); err == nil {
		a.Location = to.String()
	}
	return a
}

// redirected decides on where an answer leads.
func (f *Fetcher) redirected(next *http.Request, via []*http.Request) error {
	if len(via) > maxRedirects {
		return fmt.Errorf("%w: more than %d redirects", ErrRefused, maxRedirects)
	}
	if !f.origins[originOf(next.URL)] || next.URL.User != nil {
		return fmt.Errorf("%w: a redirect to %s", ErrRefused, originOf(next.URL))
	}
	next.Header.Del("Referer")
	visit, _ := next.Context().Value(visitKey{}).(string)
	if w := f.opts.Collector.Begin(answer(visit, next.Response)); w != nil {
		w.Abort()
	}
	return nil
}

// control decides on the address that a connection is about to go to: a name may
// have been another when somebody looked.
func (f *Fetcher) control(_, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	if !f.opts.Allowed(to.Addr()) {
		return fmt.Errorf("%w: %s is no public address", ErrRefused, to.Addr())
	}
	return nil
}
