package archive

import (
	"context"
	"time"
)

const (
	// Answers that are as they were before are noted together, so often.
	noteEvery = 2 * time.Second
	maxSeen   = 50_000
	maxOpen   = 1000 // vaults at hand
)

// seenKey is whose answer it was, and to what.
type seenKey struct{ url, by string }

func keyOf(c Capture) seenKey { return seenKey{c.URL, c.By} }

// seen is what was captured last, and captures of the same content since then
// that are not in the index yet: the first and the last of them. Those between
// change no answer of the index.
type seen struct {
	Capture
	first, last *Capture
}

// index lists a capture, after those of what was there before. One that is as it
// was before is noted for later: most are, and need no row of their own.
func (c *Collector) index(capture Capture, stored []Capture) []Capture {
	s := c.seen[keyOf(capture)]
	if s != nil && s.Ref == capture.Ref && s.Type == capture.Type && s.Visit == capture.Visit && s.Own == capture.Own &&
		s.Why == capture.Why && s.Location == capture.Location {
		if s.first == nil {
			s.first = &capture
		} else {
			s.last = &capture
		}
		return stored
	}
	if s != nil {
		stored = s.pending(stored)
	}
	c.seen[keyOf(capture)] = &seen{Capture: capture}
	return append(stored, capture)
}

// pending takes what has to go into the index.
func (s *seen) pending(list []Capture) []Capture {
	for _, capture := range []*Capture{s.first, s.last} {
		if capture != nil {
			list = append(list, *capture)
		}
	}
	s.first, s.last = nil, nil
	return list
}

// noteAgain indexes the answers that were as they were before.
func (c *Collector) noteAgain() {
	var list []Capture
	for _, s := range c.seen {
		list = s.pending(list)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if err := c.captures.Add(ctx, list); err != nil {
		c.log.Error("assets not indexed", "count", len(list), "error", err)
	}
	if len(c.seen) > maxSeen {
		clear(c.seen)
	}
	if len(c.open) > maxOpen {
		clear(c.open)
	}
}
