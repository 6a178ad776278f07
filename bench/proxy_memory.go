package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

const (
	memoryPage    = 4 << 20 // bytes
	memoryPages   = 64      // at once
	memoryReading = 3 * time.Second
)

// measureMemory tells what large pages cost while slow browsers take them.
func measureMemory(ctx context.Context, set settings, rep *report) error {
	if set.quick {
		return nil // it takes its time, whatever is measured
	}
	t := rep.table("Memory: 64 pages of 4 MB at once", fmt.Sprintf("Each contender anew for each coding. Every browser takes its page in %v, "+
		"over a connection with segments of 1,460 bytes and 32 KB to receive, so that the proxy has what is not yet read. "+
		"The highest resident set, above that after a few small pages; of nginx summed over its workers.", memoryReading),
		"", "coding", "idle MB", "above idle MB", "pages at once")
	limits := map[string]float64{"identity": 30, "gzip": 65, "br": 100} // MB
	for _, coding := range []string{"identity", "gzip", "br"} {
		for _, name := range memoryContenders(coding) {
			err := withStage(ctx, set, rep, []string{name}, func(s *stage) error {
				for _, p := range s.proxies {
					above, err := s.memoryRow(ctx, t, p, coding)
					if err != nil {
						return err
					}
					if name == oursFull {
						rep.atMost("64 pages of 4 MB at once, "+coding+": MB above idle", limits[coding], above)
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	t.print()
	return nil
}

// memoryContenders are those that can send a coding: neither nginx nor Caddy
// has brotli without parts that others make.
func memoryContenders(coding string) []string {
	if coding == "br" {
		return []string{plain, oursInject, oursFull}
	}
	return pageContenders()
}

func (s *stage) memoryRow(ctx context.Context, t *table, p running, coding string) (above float64, err error) {
	small := newFleet(p.addr, 8, pageRequest(2<<10, coding))
	defer small.close()
	if _, err := small.exactly(ctx, 4); err != nil {
		return 0, err
	}
	c := newClient(p.addr)
	defer c.close()
	one, err := c.fetch(ctx, pageRequest(memoryPage, coding).bytes(p.addr), nil) // the site has made its page, too
	if err != nil {
		return 0, err
	}
	if p.own {
		if _, err := p.ask(askFree); err != nil {
			return 0, err
		}
	}
	idle, _, err := p.memory()
	if err != nil {
		return 0, err
	}
	if err := p.forgetPeak(); err != nil {
		return 0, err
	}
	atOnce, err := slowReaders(ctx, p.addr, pageRequest(memoryPage, coding), one.length)
	if err != nil {
		return 0, fmt.Errorf("%s: %w", p.contender.name, err)
	}
	_, peak, err := p.memory()
	if err != nil {
		return 0, err
	}
	above = float64(peak-idle) / 1e6
	t.row(p.contender.name, coding, fmt.Sprintf("%.1f", float64(idle)/1e6), fmt.Sprintf("%.1f", above), fmt.Sprint(atOnce))
	return above, nil
}

// slowReaders take a page of so many bytes each, and tell how many had begun
// and not ended at the moment when most had.
func slowReaders(ctx context.Context, addr string, r request, length int64) (atOnce int, err error) {
	perSecond := float64(length) / memoryReading.Seconds()
	from, to := make([]time.Time, memoryPages), make([]time.Time, memoryPages)
	errs := make([]error, memoryPages)
	var wg sync.WaitGroup
	for i := range memoryPages {
		wg.Go(func() {
			c := newClient(addr)
			c.remote()
			defer c.close()
			from[i] = time.Now()
			_, errs[i] = c.fetch(ctx, r.bytes(addr), &pacer{perSecond: perSecond})
			to[i] = time.Now()
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return 0, err
		}
	}
	last := slices.MaxFunc(from, time.Time.Compare)
	for _, end := range to {
		if end.After(last) {
			atOnce++
		}
	}
	return atOnce, nil
}

// pacer takes so many bytes a second from its first one on.
type pacer struct {
	perSecond float64
	start     time.Time
	taken     int
}

func (p *pacer) Write(b []byte) (int, error) {
	if p.start.IsZero() {
		p.start = time.Now()
	}
	p.taken += len(b)
	time.Sleep(time.Until(p.start.Add(time.Duration(float64(p.taken) / p.perSecond * float64(time.Second)))))
	return len(b), nil
}
