package main

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"time"
)

// dribbles is how often a slow page is asked for.
const dribbles = 10

// measureDribble tells when a browser has the part of a slow page that makes
// the tag run: the site sends the head at once and the rest little by little.
func measureDribble(ctx context.Context, set settings, rep *report) error {
	return withStage(ctx, set, rep, pageContenders(), func(s *stage) error {
		t := rep.table("A site that dribbles", fmt.Sprintf("The page's head comes at once, the rest in %d parts of %d bytes, one each %v. Time until the browser "+
			"has the tag (of those that add none: the head), %d requests, each on a connection of its own.", dripParts-1, dripSize, dripEvery, dribbles),
			"", "with Content-Length, p50 ms", "longest ms", "without, p50 ms", "longest ms")
		for _, p := range s.proxies {
			with, err := s.heads(ctx, p, "/drip?length=1")
			if err != nil {
				return err
			}
			without, err := s.heads(ctx, p, "/drip")
			if err != nil {
				return err
			}
			t.row(p.contender.name, ms(percentile(with, 50)), ms(with[len(with)-1]), ms(percentile(without, 50)), ms(without[len(without)-1]))
			if p.contender.name == oursFull {
				rep.atMost("a site that dribbles, with Content-Length: tag after p50 ms", 20, percentile(with, 50).Seconds()*1e3)
				rep.atMost("a site that dribbles, without Content-Length: tag after p50 ms", 20, percentile(without, 50).Seconds()*1e3)
			}
		}
		t.print()
		return nil
	})
}

func (s *stage) heads(ctx context.Context, p running, path string) ([]time.Duration, error) {
	marker := "<head>"
	if p.injects {
		marker = scriptPath
	}
	var all []time.Duration
	for range dribbles {
		c := newClient(p.addr)
		took, err := c.until(ctx, request{path, "document", "identity"}.bytes(p.addr), []byte(marker))
		c.close()
		if err != nil {
			return nil, fmt.Errorf("%s: %s in the page: %w", p.contender.name, marker, err)
		}
		all = append(all, took)
	}
	slices.Sort(all)
	return all, nil
}

// until sends a request and tells after what time the answer had marker in it.
func (c *client) until(ctx context.Context, request, marker []byte) (time.Duration, error) {
	start, err := c.send(ctx, request)
	if err != nil {
		return 0, err
	}
	var seen []byte
	part := make([]byte, 4<<10)
	for {
		n, err := c.conn.Read(part)
		seen = append(seen, part[:n]...)
		if bytes.Contains(seen, marker) {
			return time.Since(start), nil
		}
		if err != nil || len(seen) > dripParts*dripSize*2 {
			return 0, fmt.Errorf("not there after %d bytes (%w)", len(seen), err)
		}
	}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f", d.Seconds()*1e3) }
