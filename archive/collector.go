package archive

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxWaiting = 8192 // answers; their bodies have bounds of their own

	// Private answers are kept for this long, for sessions under way; what a
	// recording needs stays with it.
	privateLife = 48 * time.Hour
	// Shared ones, unless they were seen again.
	sharedLife  = 90 * 24 * time.Hour
	expireEvery = time.Hour
)

// Collector keeps answers that shape how a page looks. What it is handed waits
// in bounded memory, or in files that are as bounded, until its goroutine has
// stored it.
type Collector struct {
	blobs    Blobs
	vaults   *Vaults
	captures CaptureIndex
	copies   *Copies // nil for none
	log      *slog.Logger
	dir      string

	// The goroutine's: what was captured lately, and vaults of visits.
	seen map[seenKey]*seen
	open map[string]*Vault
	held map[Ref]bool // shared blobs that were stored lately

	mu     sync.Mutex
	used   int64 // bytes in memory
	files  int64 // bytes in files
	parts  map[partKey]*part
	queue  []*Collecting
	closed bool
	lost   int
	wake   chan struct{}
	done   chan struct{}
}

// CollectorOptions configures a [Collector].
type CollectorOptions struct {
	Store    Store
	Vaults   *Vaults // of the same store
	Captures CaptureIndex
	Logger   *slog.Logger // nil for none
	// Overflow is a folder for files that are too large for memory while they
	// come; it is made when it is missing. Without one they are not kept, nor is
	// what comes in ranges.
	Overflow string
	// Every is the time between two looks for what is old; an hour where not given.
	Every time.Duration
}

// NewCollector starts the collector's goroutine; Close ends it.
func NewCollector(o CollectorOptions) (*Collector, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Overflow != "" {
		if err := os.MkdirAll(o.Overflow, 0o700); err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
	}
	c := &Collector{
		blobs: BlobsIn(o.Store), vaults: o.Vaults, captures: o.Captures, log: o.Logger, dir: o.Overflow,
		seen: map[seenKey]*seen{}, open: map[string]*Vault{}, held: map[Ref]bool{}, parts: map[partKey]*part{}, wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go c.run(cmp.Or(o.Every, expireEvery))
	return c, nil
}

// Tell lets copies know of the assets that every visitor may see. It comes
// before the first Begin.
func (c *Collector) Tell(copies *Copies) { c.copies = copies }

// Begin takes note of an answer to a GET request, and returns where its decoded
// body goes; nil when that is not to be kept.
func (c *Collector) Begin(a Answer) *Collecting {
	k := kindOf(&a)
	page := a.Dest == "document" // in a tab of its own
	asked := wanted(a.Dest) != classNone || a.Refetched || a.Fetched
	w := &Collecting{c: c, capture: a.capture(k), kind: k}
	if a.reach() == reachVisit && a.Visit == "" {
		return nil // private, and nobody's
	}
	if a.Status != http.StatusOK && a.Status != http.StatusPartialContent {
		w.without(a, asked, page)
		return nil
	}
	switch why := a.forbidden(); {
	case k.class == classNone:
		return w.note(asked && !page, WhyType)
	case why != "":
		return w.note(asked || k.class != classDocument, why)
	}
	w.limit = a.limits().of(k.class)
	w.shared = w.capture.Visit == "" && !w.capture.Own && sameForAll(a.Header)
	if size, err := strconv.ParseInt(a.Header.Get("Content-Length"), 10, 64); err == nil && size > w.limit {
		return w.note(true, WhyTooLarge)
	} else if err == nil && size > 0 && size <= maxPooled {
		w.expect = int(size)
	}
	if a.Status == http.StatusPartialContent {
		return c.beginPart(w, a.Header)
	}
	return w
}

// without takes note of an answer that bears no content.
func (w *Collecting) without(a Answer, asked, page bool) {
	switch {
	case !asked:
	case a.Status == http.StatusNotModified:
		w.confirm = true
		w.end()
	case page: // pages tell for themselves
	case redirects(a.Status):
		if w.capture.Location, w.capture.Type = a.Location, ""; a.Location != "" && a.forbidden() == "" {
			w.end()
		}
	case a.Status >= http.StatusBadRequest:
		w.note(true, WhyStatus)
	}
}

// note takes note of why an answer is not kept.
func (w *Collecting) note(asked bool, why Why) *Collecting {
	if asked {
		w.why = why
		w.end()
	}
	return nil
}

// enqueue hands an answer to the goroutine; false where there is no room.
func (c *Collector) enqueue(w *Collecting) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if w.why == WhyLost || w.why == WhyTooLarge {
		c.lost++
	}
	if c.closed || len(c.queue) >= maxWaiting {
		if w.why == "" {
			c.lost++
		}
		return false
	}
	c.queue = append(c.queue, w)
	select { // closed is not set: the channel is open
	case c.wake <- struct{}{}:
	default:
	}
	return true
}

// reserve takes room for n bytes; false where there is none.
func (c *Collector) reserve(n int64, files bool) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	used, most := &c.used, int64(maxMemory)
	if files {
		used, most = &c.files, maxFiles
	}
	if *used+n > most {
		return false
	}
	*used += n
	return true
}

func (c *Collector) giveBack(n int64, files bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if files {
		c.files -= n
	} else {
		c.used -= n
	}
}

// Lost counts the answers that were given up: memory or queue were full, or the
// store failed, or they are too large. They went to the browser all the same.
func (c *Collector) Lost() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.lost
}

func (c *Collector) lose(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.lost += n
}

// run stores what is handed in and expires what is old, both in one goroutine:
// a blob is never removed while it is being captured again.
func (c *Collector) run(every time.Duration) {
	defer close(c.done)
	tick := time.NewTicker(every)
	defer tick.Stop()
	note := time.NewTicker(noteEvery)
	defer note.Stop()
	c.expire(time.Now())
	for {
		select {
		case _, open := <-c.wake:
			c.storeAll()
			if !open {
				c.noteAgain()
				return
			}
		case <-note.C:
			c.noteAgain()
			c.dropParts(time.Now().Add(-partLife))
		case now := <-tick.C:
			c.expire(now)
		}
	}
}

func (c *Collector) expire(now time.Time) {
	c.noteAgain()
	clear(c.seen) // what is forgotten has to be captured anew
	clear(c.open)
	clear(c.held)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	gone, err := c.captures.Expire(ctx, now.Add(-privateLife), now.Add(-sharedLife))
	for _, ref := range gone.Refs {
		err = errors.Join(err, c.blobs.Delete(ctx, ref))
	}
	for _, o := range gone.Private {
		vault, verr := c.vaults.Open(ctx, VisitOwner(o.Visit))
		if verr == nil {
			verr = vault.DeleteBlob(ctx, o.Ref)
		}
		err = errors.Join(err, verr)
	}
	for _, visit := range gone.Visits {
		err = errors.Join(err, c.vaults.Destroy(ctx, VisitOwner(visit)))
	}
	if err != nil {
		c.log.Error("old assets not removed", "error", err)
	}
}

// latest is the last capture that a visit may see, among those that are on their
// way to the index and those in it.
func (c *Collector) latest(ctx context.Context, u, visit string, at time.Time, before []Capture) (Capture, error) {
	for _, held := range slices.Backward(before) {
		if held.URL == u && (!held.Own || visit != "" && held.By == visit) {
			return held, nil
		}
	}
	return c.captures.Find(ctx, u, visit, at, at)
}

// confirm looks up what a 304 told the browser to go on using.
func (c *Collector) confirm(ctx context.Context, w *Collecting, before []Capture) error {
	held, err := c.latest(ctx, w.capture.URL, w.capture.By, w.capture.Time, before)
	if err == nil && held.Ref != "" && !held.Time.After(w.capture.Time) && sameState(held.Header, w.capture.Header) {
		at, by, source := w.capture.Time, w.capture.By, w.capture.Source
		w.capture = held
		w.capture.Time, w.capture.By, w.capture.Source, w.capture.Own = at, by, source, true
		return nil
	}
	w.capture.Status = http.StatusNotModified
	if w.why = WhyNotSeen; err != nil && !errors.Is(err, ErrAbsent) {
		return err
	}
	return nil
}

// sameState reports whether two answers of one URL are of the same state of it.
func sameState(held, now map[string]string) bool {
	if tag := now["Etag"]; tag != "" {
		return strings.TrimPrefix(tag, "W/") == strings.TrimPrefix(held["Etag"], "W/")
	}
	if date := now["Last-Modified"]; date != "" {
		return date == held["Last-Modified"]
	}
	return held["Etag"] != "" || held["Last-Modified"] != "" // it confirms what was asked about; nothing says otherwise
}

func (c *Collector) vault(ctx context.Context, visit string) (*Vault, error) {
	if vault := c.open[visit]; vault != nil {
		return vault, nil
	}
	vault, err := c.vaults.Make(ctx, VisitOwner(visit))
	if err == nil {
		c.open[visit] = vault
	}
	return vault, err
}

// Close stores what waits and ends the collector's goroutine.
func (c *Collector) Close() {
	c.dropParts(time.Now().Add(time.Hour))
	c.mu.Lock()
	if !c.closed {
		c.closed = true
		select {
		case c.wake <- struct{}{}:
		default:
		}
		close(c.wake)
	}
	c.mu.Unlock()
	<-c.done
}
