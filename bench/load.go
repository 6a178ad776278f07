package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// fleet are browsers that ask one server for the same thing at once, each over
// a connection that it keeps.
type fleet struct {
	clients  []*client
	requests [][]byte      // taken in turn by each client, from a place of its own
	pause    time.Duration // of each client after each answer
}

// newFleet makes n browsers; with several requests each goes through all of them.
func newFleet(addr string, n int, requests ...request) *fleet {
	f := &fleet{}
	for range n {
		f.clients = append(f.clients, newClient(addr))
	}
	for _, r := range requests {
		f.requests = append(f.requests, r.bytes(addr))
	}
	return f
}

func (f *fleet) close() {
	for _, c := range f.clients {
		c.close()
	}
}

// load is what a fleet saw.
type load struct {
	requests int
	elapsed  time.Duration
	firsts   []time.Duration // to the first byte, sorted
	wholes   []time.Duration // to the last byte, sorted
}

// rate is in requests a second.
func (l load) rate() float64 { return float64(l.requests) / max(l.elapsed.Seconds(), 1e-9) }

// percentile of sorted times.
func percentile(sorted []time.Duration, p float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	return sorted[min(len(sorted)-1, int(p/100*float64(len(sorted))))]
}

// run asks for at least as long as window, and at least one request from each
// browser. What is under way at the end is finished and counted: processor time
// divided by requests would else have half ones in it.
func (f *fleet) run(ctx context.Context, window time.Duration) (load, error) {
	return f.each(ctx, func(n int, since time.Duration) bool { return n > 0 && since >= window })
}

// exactly asks n times from each browser.
func (f *fleet) exactly(ctx context.Context, n int) (load, error) {
	return f.each(ctx, func(done int, _ time.Duration) bool { return done >= n })
}

func (f *fleet) each(ctx context.Context, enough func(n int, since time.Duration) bool) (load, error) {
	parts := make([]load, len(f.clients))
	errs := make([]error, len(f.clients))
	var wg sync.WaitGroup
	start := time.Now()
	for i, c := range f.clients {
		wg.Go(func() { parts[i], errs[i] = f.drive(ctx, c, i, start, enough) })
	}
	wg.Wait()
	all := load{elapsed: time.Since(start)}
	for i, part := range parts {
		if errs[i] != nil {
			return all, fmt.Errorf("browser %d of %d: %w", i+1, len(f.clients), errs[i])
		}
		all.requests += part.requests
		all.firsts, all.wholes = append(all.firsts, part.firsts...), append(all.wholes, part.wholes...)
	}
	slices.Sort(all.firsts)
	slices.Sort(all.wholes)
	return all, nil
}

func (f *fleet) drive(ctx context.Context, c *client, place int, start time.Time, enough func(int, time.Duration) bool) (l load, err error) {
	for !enough(l.requests, time.Since(start)) {
		if err := ctx.Err(); err != nil {
			return l, err
		}
		if l.requests > 0 {
			time.Sleep(f.pause)
		}
		a, err := c.fetch(ctx, f.requests[(place+l.requests)%len(f.requests)], nil)
		if err != nil {
			return l, err
		}
		l.requests++
		l.firsts, l.wholes = append(l.firsts, a.first), append(l.wholes, a.whole)
	}
	return l, nil
}
