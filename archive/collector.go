package archive

import (
	"context"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxAsset   = 16 << 20 // a larger answer is not kept
	maxMemory  = 96 << 20 // of all answers under way and waiting
	maxWaiting = 1024

	// Private answers are kept for this long, for sessions under way; what a
	// recording needs stays with it.
	privateLife = 48 * time.Hour
	// Shared ones, unless they were seen again.
	sharedLife  = 90 * 24 * time.Hour
	expireEvery = time.Hour

	// Answers that are as they were before are noted together, so often.
	noteEvery = 2 * time.Second
	maxSeen   = 50_000
	maxOpen   = 1000 // vaults at hand
)

// Answer describes an HTTP answer that may be kept.
type Answer struct {
	Visit       string // the browser's visit; empty when it has none
	URL         string // absolute, as the browser sees it
	Time        time.Time
	Header      http.Header
	Credentials bool // the request bore Cookie or Authorization
}

// Collector keeps answers that shape how a page looks. What it is handed waits
// in bounded memory until its goroutine has stored it.
type Collector struct {
	blobs    Blobs
	vaults   *Vaults
	captures CaptureIndex
	copies   *Copies // nil for none
	log      *slog.Logger

	// The goroutine's: what was captured lately, and vaults of visits.
	seen map[seenKey]*seen
	open map[string]*Vault

	mu     sync.Mutex
	used   int
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
}

// NewCollector starts the collector's goroutine; Close ends it.
func NewCollector(o CollectorOptions) *Collector {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	c := &Collector{
		blobs: BlobsIn(o.Store), vaults: o.Vaults, captures: o.Captures, log: o.Logger,
		seen: map[seenKey]*seen{}, open: map[string]*Vault{}, wake: make(chan struct{}, 1), done: make(chan struct{}),
	}
	go c.run()
	return c
}

// Tell lets copies know of the assets that every visitor may see. It comes
// before the first Begin.
func (c *Collector) Tell(copies *Copies) { c.copies = copies }

// Begin returns where an answer's decoded body goes, or nil when the answer is
// not to be kept.
func (c *Collector) Begin(a Answer) *Collecting {
	kind := kindOf(a)
	if kind == "" {
		return nil
	}
	control := strings.ToLower(strings.Join(a.Header["Cache-Control"], ","))
	if strings.Contains(control, "no-store") {
		return nil
	}
	visit := a.Visit
	if !a.Credentials && !strings.Contains(control, "private") {
		visit = ""
	} else if visit == "" {
		return nil // private, and nobody's
	}
	u, _, _ := strings.Cut(a.URL, "#")
	capture := Capture{URL: u, Time: a.Time.UTC(), By: a.Visit, Visit: visit, Own: visit != "", Type: kind, Status: http.StatusOK, Source: SourceTapped}
	size, err := strconv.Atoi(a.Header.Get("Content-Length"))
	if err != nil || size < 0 || size > maxPooled {
		size = 0
	}
	return &Collecting{c: c, capture: capture, shared: visit == "" && sameForAll(a.Header), size: size}
}

// shaping are the types that shape how a page looks.
func shaping(kind string) bool {
	switch kind {
	case "text/css", "application/font-woff", "application/x-font-woff", "application/x-font-ttf", "application/x-font-opentype",
		"application/font-sfnt", "application/vnd.ms-fontobject":
		return true
	}
	top, _, _ := strings.Cut(kind, "/")
	return top == "image" || top == "font" || top == "audio" || top == "video"
}

// kindOf is the content type under which an answer is kept; empty for none.
// Servers without a type for fonts are met by the name's extension.
func kindOf(a Answer) string {
	if disposition, _, _ := mime.ParseMediaType(a.Header.Get("Content-Disposition")); disposition == "attachment" {
		return ""
	}
	given := a.Header.Get("Content-Type")
	kind, _, err := mime.ParseMediaType(given)
	if err == nil && shaping(kind) {
		return given
	}
	if err == nil && kind != "application/octet-stream" && kind != "binary/octet-stream" && kind != "text/plain" {
		return ""
	}
	name, _, _ := strings.Cut(a.URL, "?")
	switch strings.ToLower(path.Ext(name)) {
	case ".woff2":
		return "font/woff2"
	case ".woff":
		return "font/woff"
	case ".ttf":
		return "font/ttf"
	case ".otf":
		return "font/otf"
	case ".eot":
		return "application/vnd.ms-fontobject"
	}
	return ""
}

// errTooLarge ends the copying of an answer; the answer itself goes on.
var errTooLarge = errors.New("too large for the archive")

// Collecting takes one answer's body. Exactly one of Commit and Abort ends it.
type Collecting struct {
	c       *Collector
	capture Capture
	shared  bool // it may stand for its URL whoever asks
	size    int  // of the body, as far as the header tells
	body    []byte
}

// bodies are used again: most assets are of a few sizes.
var bodies sync.Pool

// maxPooled bounds the bodies that wait to be used again.
const maxPooled = 1 << 20

// takeBody returns an empty body with room for n bytes, as far as that is sensible.
func takeBody(n int) []byte {
	if b, ok := bodies.Get().(*[]byte); ok && cap(*b) >= n {
		return (*b)[:0]
	}
	return make([]byte, 0, max(n, 4<<10))
}

// drop gives the body's memory back; the lock is held.
func (w *Collecting) drop() {
	w.c.used -= len(w.body)
	if body := w.body; cap(body) > 0 && cap(body) <= maxPooled {
		bodies.Put(&body)
	}
	w.body = nil
}

// Write takes a part of the body. It fails where the answer cannot be kept.
func (w *Collecting) Write(p []byte) (int, error) {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if len(w.body)+len(p) > maxAsset || w.c.used+len(p) > maxMemory {
		w.c.lost++
		return 0, errTooLarge
	}
	w.c.used += len(p)
	if w.body == nil {
		w.body = takeBody(max(w.size, len(p)))
	}
	w.body = append(w.body, p...)
	return len(p), nil
}

// Abort drops the answer: it did not come whole.
func (w *Collecting) Abort() {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	w.drop()
}

// Commit hands the whole answer to the collector.
func (w *Collecting) Commit() {
	w.c.mu.Lock()
	defer w.c.mu.Unlock()
	if w.c.closed || len(w.c.queue) >= maxWaiting {
		w.c.lost++
		w.drop()
		return
	}
	w.c.queue = append(w.c.queue, w)
	select { // closed is not set: the channel is open
	case w.c.wake <- struct{}{}:
	default:
	}
}

// Lost counts the answers that were given up: memory or queue were full, or the
// store failed. They went to the browser all the same.
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
func (c *Collector) run() {
	defer close(c.done)
	tick := time.NewTicker(expireEvery)
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
		case now := <-tick.C:
			c.expire(now)
		}
	}
}

func (c *Collector) storeAll() {
	for {
		c.mu.Lock()
		list := c.queue
		c.queue = nil
		c.mu.Unlock()
		if len(list) == 0 {
			return
		}
		c.store(list)
	}
}

func (c *Collector) expire(now time.Time) {
	c.noteAgain()
	clear(c.seen) // what is forgotten has to be captured anew
	clear(c.open)
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

// seenKey is whose answer it was, and to what.
type seenKey struct{ url, by string }

// seen is what was captured last, and captures of the same content since then
// that are not in the index yet: the first and the last of them. Those between
// change no answer of the index.
type seen struct {
	Capture
	first, last *Capture
}

// again notes an answer that is as it was before; false where it is not. Most
// answers are, and neither blob nor row is written for each of them.
func (c *Collector) again(capture Capture) bool {
	s := c.seen[seenKey{capture.URL, capture.By}]
	if s == nil || s.Ref != capture.Ref || s.Type != capture.Type || s.Visit != capture.Visit {
		return false
	}
	if s.first == nil {
		s.first = &capture
	} else {
		s.last = &capture
	}
	return true
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

func (c *Collector) store(list []*Collecting) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	var stored, shared []Capture
	for _, w := range list {
		w.capture.Ref, w.capture.Size = RefOf(w.body), int64(len(w.body))
		if w.shared {
			shared = append(shared, w.capture)
		}
		if !c.again(w.capture) {
			stored = c.put(ctx, w, stored)
		}
		c.mu.Lock()
		w.drop()
		c.mu.Unlock()
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

// put stores an answer's content, and lists its capture after those of what was
// there before.
func (c *Collector) put(ctx context.Context, w *Collecting, stored []Capture) []Capture {
	if err := c.putBody(ctx, w); err != nil {
		c.log.Error("asset not kept", "url", w.capture.URL, "error", err)
		c.lose(1)
		return stored
	}
	key := seenKey{w.capture.URL, w.capture.By}
	if before := c.seen[key]; before != nil {
		stored = before.pending(stored)
	}
	c.seen[key] = &seen{Capture: w.capture}
	return append(stored, w.capture)
}

func (c *Collector) putBody(ctx context.Context, w *Collecting) error {
	if w.capture.Visit == "" {
		_, err := c.blobs.Put(ctx, w.body)
		return err
	}
	vault := c.open[w.capture.Visit]
	if vault == nil {
		var err error
		if vault, err = c.vaults.Make(ctx, VisitOwner(w.capture.Visit)); err != nil {
			return err
		}
		c.open[w.capture.Visit] = vault
	}
	_, err := vault.PutBlob(ctx, w.body)
	return err
}

// Close stores what waits and ends the collector's goroutine.
func (c *Collector) Close() {
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
