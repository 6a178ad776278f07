package main

import (
	"context"
	"fmt"
	"math"
	"time"
)

const (
	allocationBrowsers = 4
	allocationRequests = 100 // of each browser
	manyClients        = 32
)

// measureAllocations counts what the whole way of a request allocates.
func measureAllocations(ctx context.Context, set settings, rep *report) error {
	t := rep.table("Allocations a request", fmt.Sprintf("The whole process, %d requests over %d connections after as many to warm up.",
		allocationBrowsers*allocationRequests, allocationBrowsers), "", "page", "coding", "allocations", "KB")
	most, largest := math.NaN(), math.NaN()
	err := withStage(ctx, set, rep, []string{plain, oursInject, oursFull}, func(s *stage) error {
		for _, p := range s.proxies {
			for _, coding := range set.codings {
				for _, size := range []int{2 << 10, 40 << 10, 400 << 10} {
					count, bytes, err := s.allocations(ctx, p, pageRequest(size, coding))
					if err != nil {
						return err
					}
					t.row(p.contender.name, sizeText(size), coding, fmt.Sprintf("%.0f", count), fmt.Sprintf("%.1f", bytes/1e3))
					if p.contender.name == oursFull {
						most, largest = higher(most, count), higher(largest, bytes/1e3)
					}
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	t.print()
	rep.atMost("allocations a request, up to 400 KB, the most", 90, most)
	rep.atMost("allocated KB a request, up to 400 KB, the most", 10, largest)
	return nil
}

// higher is the higher of two figures, of which the first may be none yet.
func higher(a, b float64) float64 {
	if math.IsNaN(a) {
		return b
	}
	return max(a, b)
}

func (s *stage) allocations(ctx context.Context, p running, r request) (count, bytes float64, err error) {
	f := newFleet(p.addr, allocationBrowsers, r)
	defer f.close()
	if _, err := f.exactly(ctx, allocationRequests); err != nil {
		return 0, 0, fmt.Errorf("%s: %w", p.contender.name, err)
	}
	before, err := p.ask(askCounters)
	if err != nil {
		return 0, 0, err
	}
	l, err := f.exactly(ctx, allocationRequests)
	if err != nil {
		return 0, 0, fmt.Errorf("%s: %w", p.contender.name, err)
	}
	after, err := p.ask(askCounters)
	n := float64(l.requests)
	return float64(after.Allocations-before.Allocations) / n, float64(after.Bytes-before.Bytes) / n, err
}

// measureConnections counts the connections that a proxy opens to the site.
func measureConnections(ctx context.Context, set settings, rep *report) error {
	t := rep.table("Connections to the site", fmt.Sprintf("Opened for %d browsers that ask for pages of 40 KB without a pause.", manyClients), "", "connections")
	err := withStage(ctx, set, rep, pageContenders(), func(s *stage) error {
		for _, p := range s.proxies {
			opened, err := s.connections(ctx, p, max(set.window, time.Second/2))
			if err != nil {
				return err
			}
			t.row(p.contender.name, fmt.Sprint(opened))
			if p.contender.name == oursFull {
				rep.atMost("connections to the site at 32 clients", 33, float64(opened))
			}
		}
		return nil
	})
	t.print()
	return err
}

func (s *stage) connections(ctx context.Context, p running, window time.Duration) (int64, error) {
	before, err := s.env.site.ask(askCounters)
	if err != nil {
		return 0, err
	}
	f := newFleet(p.addr, manyClients, pageRequest(40<<10, "identity"))
	defer f.close()
	if _, err := f.run(ctx, window); err != nil {
		return 0, fmt.Errorf("%s: %w", p.contender.name, err)
	}
	after, err := s.env.site.ask(askCounters)
	return after.Accepted - before.Accepted, err
}
