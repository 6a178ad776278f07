package main

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"time"
)

// cell is one situation in which all contenders are compared.
type cell struct {
	size        int // of the page, in bytes
	coding      string
	connections int
}

func (c cell) String() string {
	browsers := "1 connection"
	if c.connections > 1 {
		browsers = fmt.Sprintf("%d connections", c.connections)
	}
	return fmt.Sprintf("%s, %s, %s", sizeText(c.size), c.coding, browsers)
}

// sample is one contender's turn in one round.
type sample struct {
	cpu      time.Duration // per request
	rate     float64       // requests a second
	p50, p99 time.Duration
	first    time.Duration // p50 to the first byte
}

// turns are all samples of a cell by contender: the n-th of each are of one round.
type turns map[string][]sample

func cpuOf(s sample) float64   { return float64(s.cpu.Nanoseconds()) / 1e3 } // µs
func rateOf(s sample) float64  { return s.rate }
func p50Of(s sample) float64   { return s.p50.Seconds() * 1e3 }   // ms
func p99Of(s sample) float64   { return s.p99.Seconds() * 1e3 }   // ms
func firstOf(s sample) float64 { return s.first.Seconds() * 1e3 } // ms

// measureLoad compares the contenders on pages of every size.
func measureLoad(ctx context.Context, set settings, rep *report) error {
	return withStage(ctx, set, rep, pageContenders(), func(s *stage) error {
		all := map[cell]turns{}
		for _, coding := range set.codings {
			for _, size := range set.sizes {
				for _, p := range s.proxies {
					if err := s.prove(ctx, p, size, coding); err != nil {
						return err
					}
				}
				for _, n := range set.connections {
					c := cell{size, coding, n}
					t, err := s.compare(ctx, set, s.fleets(n, pageRequest(size, coding)))
					if err != nil {
						return fmt.Errorf("%v: %w", c, err)
					}
					all[c] = t
					s.loadTable(set, c, t)
				}
			}
		}
		loadVerdicts(rep, all)
		return nil
	})
}

// fleets are browsers for each contender.
func (s *stage) fleets(n int, requests ...request) []*fleet {
	var all []*fleet
	for _, p := range s.proxies {
		all = append(all, newFleet(p.addr, n, requests...))
	}
	return all
}

// compare lets each contender's fleet have its turn, in rounds: what disturbs
// the machine for a while disturbs all of them.
func (s *stage) compare(ctx context.Context, set settings, fleets []*fleet) (turns, error) {
	defer func() {
		for _, f := range fleets {
			f.close()
		}
	}()
	for i, p := range s.proxies { // connections are made, and memory is there
		if _, err := s.turn(ctx, p, fleets[i], set.window/4); err != nil {
			return nil, err
		}
	}
	t := turns{}
	for round := range set.rounds {
		for i := range s.proxies {
			i = (i + round) % len(s.proxies)
			one, err := s.turn(ctx, s.proxies[i], fleets[i], set.window)
			if err != nil {
				return nil, err
			}
			name := s.proxies[i].contender.name
			t[name] = append(t[name], one)
		}
	}
	return t, nil
}

// settle is how long a server has after its last answer to do what it put off.
const settle = 10 * time.Millisecond

func (s *stage) turn(ctx context.Context, p running, f *fleet, window time.Duration) (sample, error) {
	runtime.GC() // the browsers' own garbage is not to be collected during the turn
	before, err := p.cpu()
	if err != nil {
		return sample{}, err
	}
	l, err := f.run(ctx, window)
	if err != nil {
		return sample{}, fmt.Errorf("%s: %w", p.contender.name, err)
	}
	time.Sleep(settle)
	after, err := p.cpu()
	if err != nil {
		return sample{}, err
	}
	return sample{
		cpu: (after - before) / time.Duration(max(1, l.requests)), rate: l.rate(),
		p50: percentile(l.wholes, 50), p99: percentile(l.wholes, 99), first: percentile(l.firsts, 50),
	}, nil
}

// of is the median of one contender's figure; NaN where there is none.
func (t turns) of(name string, figure func(sample) float64) float64 {
	return median(t.each(name, figure))
}

func (t turns) each(name string, figure func(sample) float64) []float64 {
	var all []float64
	for _, s := range t[name] {
		all = append(all, figure(s))
	}
	return all
}

// ratios are one contender's figure over another's, round by round, sorted.
func (t turns) ratios(name, against string, figure func(sample) float64) []float64 {
	var all []float64
	for i := range min(len(t[name]), len(t[against])) {
		all = append(all, figure(t[name][i])/figure(t[against][i]))
	}
	slices.Sort(all)
	return all
}

// added is one contender's figure less another's, the median over rounds.
func (t turns) added(name, against string, figure func(sample) float64) float64 {
	var all []float64
	for i := range min(len(t[name]), len(t[against])) {
		all = append(all, figure(t[name][i])-figure(t[against][i]))
	}
	return median(all)
}

func (s *stage) loadTable(set settings, c cell, t turns) {
	table := s.rep.table("Pages: "+c.String(), fmt.Sprintf("%d rounds of %v each.", set.rounds, set.window),
		"", "CPU µs a request", "× "+plain+" (lowest–highest)", "× "+nginxSub, "× "+caddy, "requests/s", "p50 ms", "p99 ms", "first byte p50 ms")
	for _, p := range s.proxies {
		name := p.contender.name
		table.row(name, fmt.Sprintf("%.0f", t.of(name, cpuOf)), spread(t.ratios(name, plain, cpuOf)),
			ratioText(median(t.ratios(name, nginxSub, cpuOf))), ratioText(median(t.ratios(name, caddy, cpuOf))),
			fmt.Sprintf("%.0f", t.of(name, rateOf)), fmt.Sprintf("%.2f", t.of(name, p50Of)), fmt.Sprintf("%.2f", t.of(name, p99Of)),
			fmt.Sprintf("%.3f", t.of(name, firstOf)))
	}
	table.print()
}

// loadVerdicts holds what was measured against what is wanted.
func loadVerdicts(rep *report, all map[cell]turns) {
	ratio := func(name, against string, size int, coding string) float64 {
		return median(all[cell{size, coding, 64}].ratios(name, against, cpuOf))
	}
	for _, v := range []struct {
		name, against string
		size          int
		coding        string
		limit         float64
	}{
		{oursInject, plain, 2 << 10, "identity", 0.8}, {oursInject, plain, 40 << 10, "identity", 1.05}, {oursInject, plain, 400 << 10, "identity", 1.1},
		{oursFull, plain, 2 << 10, "identity", 0.9}, {oursFull, plain, 40 << 10, "identity", 1.15}, {oursFull, plain, 400 << 10, "identity", 2},
		{oursFull, nginxSub, 40 << 10, "identity", 1.8}, {oursFull, nginxSub, 400 << 10, "identity", 1},
		{oursFull, caddy, 40 << 10, "identity", 0.3}, {oursFull, caddy, 400 << 10, "identity", 0.3},
		{oursFull, nginxSub, 400 << 10, "gzip", 0.9},
	} {
		rep.atMost(fmt.Sprintf("CPU a request, %s, %s, 64 connections: %s against %s", sizeText(v.size), v.coding, v.name, v.against),
			v.limit, ratio(v.name, v.against, v.size, v.coding))
	}
	for _, v := range []struct {
		size  int
		limit float64 // ms
	}{{2 << 10, 0.05}, {40 << 10, 0.1}} {
		rep.atMost(fmt.Sprintf("first byte, p50, %s, ms: %s over %s", sizeText(v.size), oursFull, plain),
			v.limit, all[cell{v.size, "identity", 1}].added(oursFull, plain, firstOf))
	}
}
