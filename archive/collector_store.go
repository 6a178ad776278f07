package archive

import (
	"context"
	"sync"
	"time"
)

const (
	// batch is how many answers are stored and indexed together.
	batch = 256
	// putsAtOnce is how many blobs of a batch are stored at the same time: a disk
	// syncs several in the time that it takes for one.
	putsAtOnce = 8
	// maxHeld bounds the shared blobs of which it is known that they are there.
	maxHeld = 50_000
)

// storeAll stores what waits, a batch at a time.
func (c *Collector) storeAll() {
	for {
		c.mu.Lock()
		n := min(batch, len(c.queue))
		list := c.queue[:n:n]
		if c.queue = c.queue[n:]; len(c.queue) == 0 {
			c.queue = nil
		}
		c.mu.Unlock()
		if n == 0 {
			return
		}
		c.store(list)
	}
}

// blobKey is a blob, and whose vault it is in; empty for a shared one.
type blobKey struct {
	ref   Ref
	visit string
}

func blobOf(c Capture) blobKey { return blobKey{c.Ref, c.Visit} }

// puts are the blobs that a batch needs stored.
type puts struct {
	keys []blobKey
	do   map[blobKey]func(context.Context) error
}

func (p *puts) add(key blobKey, do func(context.Context) error) {
	if p.do[key] == nil {
		p.keys = append(p.keys, key)
		p.do[key] = do
	}
}

// all stores them, several at once, and returns what failed.
func (p *puts) all(ctx context.Context) map[blobKey]error {
	var mu sync.Mutex
	failed := map[blobKey]error{}
	var wg sync.WaitGroup
	next := make(chan blobKey)
	for range min(putsAtOnce, len(p.keys)) {
		wg.Go(func() {
			for key := range next {
				if err := p.do[key](ctx); err != nil {
					mu.Lock()
					failed[key] = err
					mu.Unlock()
				}
			}
		})
	}
	for _, key := range p.keys {
		next <- key
	}
	close(next)
	wg.Wait()
	return failed
}

// store stores a batch, and indexes what of it is stored.
func (c *Collector) store(list []*Collecting) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var stored []Capture
	blobs := puts{do: map[blobKey]func(context.Context) error{}}
	for _, w := range list {
		if err := c.look(ctx, w, stored, &blobs); err != nil {
			c.giveUp(w, err)
		}
		if w.why != "" {
			w.capture = withoutBlob(w.capture, w.why)
		}
		stored = c.index(w.capture, stored)
	}
	failed := blobs.all(ctx)
	for _, key := range blobs.keys {
		if failed[key] == nil && key.visit == "" && len(c.held) < maxHeld {
			c.held[key.ref] = true
		}
	}
	if len(failed) > 0 {
		c.withoutFailed(list, stored, failed)
	}
	var shared []Capture
	for _, w := range list {
		if w.shared && w.capture.Visit == "" && w.capture.Ref != "" {
			shared = append(shared, w.capture)
		}
		w.free()
	}
	if err := c.captures.Add(ctx, stored); err != nil {
		c.log.Error("assets not indexed", "count", len(stored), "error", err)
		c.lose(len(stored))
		clear(c.seen) // what it says was captured may not be
		return
	}
	if c.copies != nil {
		c.copies.note(shared)
	}
}

// giveUp gives up an answer that cannot be kept.
func (c *Collector) giveUp(w *Collecting, err error) {
	c.log.Error("asset not kept", "url", Address(w.capture.URL, nil), "error", err)
	c.lose(1)
	w.why = WhyLost
}

// withoutBlob is a capture that says why there is nothing. What is not there is no
// secret, and nobody else's.
func withoutBlob(c Capture, why Why) Capture {
	c.Why, c.Ref, c.Size, c.Type, c.Visit, c.Own = why, "", 0, "", "", true
	return c
}

// withoutFailed has nothing say of blobs that they are there which were not stored.
func (c *Collector) withoutFailed(list []*Collecting, stored []Capture, failed map[blobKey]error) {
	for _, w := range list {
		if err := failed[blobOf(w.capture)]; err != nil && w.capture.Ref != "" {
			c.giveUp(w, err)
			w.capture = withoutBlob(w.capture, WhyLost)
		}
	}
	for i := range stored {
		if failed[blobOf(stored[i])] != nil {
			stored[i] = withoutBlob(stored[i], WhyLost)
		}
	}
	for key, s := range c.seen {
		if failed[blobOf(s.Capture)] != nil {
			delete(c.seen, key)
		}
	}
}

// look finds out what an answer holds, and whether that has to be stored; before are
// captures that are not in the index yet.
func (c *Collector) look(ctx context.Context, w *Collecting, before []Capture, blobs *puts) error {
	switch {
	case w.why != "" || w.capture.Location != "":
		return nil
	case w.confirm:
		return c.confirm(ctx, w, before)
	}
	content := w.content()
	head := make([]byte, min(sniffLen, w.size))
	if _, err := content.ReadAt(head, 0); err != nil {
		return err
	}
	if w.capture.Type = w.kind.settle(head); w.capture.Type == "" {
		w.why = WhyType
		return nil
	}
	ref, err := refOf(content, w.size)
	if err != nil {
		return err
	}
	w.capture.Ref, w.capture.Size = ref, w.size
	if s := c.seen[keyOf(w.capture)]; s != nil && s.Ref == ref && (s.Visit == w.capture.Visit || s.Visit == "") {
		w.capture.Visit = s.Visit // it is there already
		return nil
	}
	size := w.size
	if w.capture.Visit == "" {
		if !c.held[ref] {
			blobs.add(blobOf(w.capture), func(ctx context.Context) error { return c.blobs.PutFrom(ctx, ref, content, size) })
		}
		return nil
	}
	// What a visitor without any credentials was given under this URL, byte for
	// byte, is no secret of this one's.
	if open, err := c.latest(ctx, w.capture.URL, "", w.capture.Time, before); err == nil && open.Ref == ref {
		w.capture.Visit = ""
		return nil
	}
	vault, err := c.vault(ctx, w.capture.Visit)
	if err != nil {
		return err
	}
	blobs.add(blobOf(w.capture), func(ctx context.Context) error { return vault.PutBlobFrom(ctx, ref, content, size) })
	return nil
}
