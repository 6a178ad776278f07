package replayui

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

const (
	keyframeEvery = 30 * time.Second
	keyframeBytes = 1 << 20
	sealRetry     = 10 * time.Second
	sealTries     = 30
)

// SealerOptions configures a [Sealer].
type SealerOptions struct {
	Log       events.Log
	Directory events.Directory
	Catalogue events.Catalogue
	Store     archive.Store
	Vaults    *archive.Vaults // of the same store
	Captures  archive.CaptureIndex
	Key       ed25519.PrivateKey
	Logger    *slog.Logger
	// LockFor is how long the store keeps a recording, and what it needs, from
	// being deleted by anybody; 0 where it does not.
	LockFor time.Duration
}

// Sealer turns ended sessions into recordings, one at a time, in a goroutine of
// its own. What it did not finish is in the directory and comes again.
type Sealer struct {
	opts    SealerOptions
	library *archive.Library
	mu      sync.Mutex
	list    []events.SessionInfo
	wake    chan struct{}
	done    sync.WaitGroup
	ctx     context.Context // until Close
	stop    context.CancelFunc
}

// NewSealer starts the sealer's goroutine; Close ends it.
func NewSealer(opts SealerOptions) *Sealer {
	ctx, stop := context.WithCancel(context.Background())
	s := &Sealer{opts: opts, library: archive.NewLibrary(opts.Store, opts.Vaults), wake: make(chan struct{}, 1), ctx: ctx, stop: stop}
	s.done.Go(func() { s.run(ctx) })
	return s
}

// Ended queues a session; it does not block.
func (s *Sealer) Ended(info events.SessionInfo) {
	s.mu.Lock()
	s.list = append(s.list, info)
	s.mu.Unlock()
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Close lets the session under way come to its end, and no other.
func (s *Sealer) Close() {
	s.stop()
	s.done.Wait()
}

func (s *Sealer) next() (info events.SessionInfo, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.list) == 0 {
		return info, false
	}
	info, s.list = s.list[0], s.list[1:]
	return info, true
}

func (s *Sealer) run(ctx context.Context) {
	for {
		for info, ok := s.next(); ok && ctx.Err() == nil; info, ok = s.next() {
			s.sealUntilDone(ctx, info)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
		}
	}
}

func (s *Sealer) sealUntilDone(ctx context.Context, info events.SessionInfo) {
	for try := range sealTries {
		err := s.Seal(context.WithoutCancel(ctx), info)
		if err == nil {
			s.opts.Logger.Info("session sealed", "session", info.ID)
			return
		}
		s.opts.Logger.Error("session not sealed", "session", info.ID, "try", try+1, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(sealRetry):
		}
	}
}

// Seal writes a session's recording, reads it back, enters it in the catalogue
// and only then lets the log forget: where the store holds things back for a
// while, as soon as they are in the one behind it, without waiting here.
func (s *Sealer) Seal(ctx context.Context, info events.SessionInfo) error {
	w := archive.NewRecordingWriter(s.opts.Store, string(info.ID))
	t := newTimeline()
	assets := &assetFinder{s: s, info: info, t: t, seen: map[string]bool{}, direct: map[string]bool{}}
	frame := keyframes{}
	for r, err := range s.opts.Log.Read(ctx, info.ID, 0) {
		if err != nil {
			return fmt.Errorf("log: %w", err)
		}
		t.add(&r)
		assets.add(&r)
		if err := w.Append(ctx, uint64(r.Offset), r.Time, events.AppendRecord(nil, &r)); err != nil {
			return err
		}
		if frame.due(&r) {
			if err := w.Keyframe(ctx, t.frames(&r)); err != nil {
				return err
			}
		}
	}
	if err := assets.find(ctx); err != nil {
		return err
	}
	info.State, info.Recording = events.StateSealed, string(info.ID)
	var refs []archive.Ref
	for _, c := range assets.found {
		if c.Ref != "" && !c.Private {
			refs = append(refs, c.Ref)
		}
	}
	if err := s.opts.Captures.Keep(ctx, string(info.ID), refs); err != nil {
		return err
	}
	contents := archive.Contents{Session: info, Pages: t.pages, Events: t.marks, Captures: assets.found, Missing: assets.missing}
	if _, err := w.Seal(ctx, contents, s.opts.Key); err != nil {
		return err
	}
	problems, err := archive.Verify(ctx, s.opts.Store, string(info.ID), s.opts.Key.Public().(ed25519.PublicKey))
	if err != nil {
		return err
	}
	if len(problems) > 0 {
		return fmt.Errorf("the recording reads back otherwise: %s", strings.Join(problems, "; "))
	}
	if info.Stored, err = archive.SizeOf(ctx, s.opts.Store, string(info.ID)); err != nil {
		return err
	}
	if err := s.opts.Catalogue.Put(ctx, info, t.words()); err != nil {
		return err
	}
	settler, waits := s.opts.Store.(archive.Settler)
	if !waits {
		return s.forget(ctx, info.ID)
	}
	s.done.Go(func() {
		err := settler.Settle(s.ctx)
		if err == nil {
			err = s.forget(s.ctx, info.ID)
		}
		if err != nil { // it is sealed anew by the next gateway, which finds it in the directory
			s.opts.Logger.Warn("the log of a sealed session is kept", "session", info.ID, "error", err)
		}
	})
	return nil
}

// forget locks what was sealed and lets the log forget the session.
func (s *Sealer) forget(ctx context.Context, id events.SessionID) error {
	if s.opts.LockFor > 0 {
		if err := archive.LockRecording(ctx, s.opts.Store, s.opts.Captures, string(id), time.Now().Add(s.opts.LockFor)); err != nil {
			return fmt.Errorf("not locked: %w", err)
		}
	}
	return errors.Join(s.opts.Log.Forget(ctx, id), s.opts.Directory.Delete(ctx, id))
}

// keyframes says where a player should be able to start.
type keyframes struct {
	last time.Time
	size int
	any  bool
}

func (k *keyframes) due(r *events.Record) bool {
	k.size += len(r.Payload)
	k.any = k.any || r.Kind == events.KindPageState
	if !k.any || k.last.IsZero() && r.Kind != events.KindPageState {
		return false
	}
	if !k.last.IsZero() && r.Time.Sub(k.last) < keyframeEvery && k.size < keyframeBytes {
		return false
	}
	k.last, k.size = r.Time, 0
	return true
}

// frames is every page's state after a record, the one on show last.
func (t *timeline) frames(r *events.Record) [][]byte {
	var out [][]byte
	add := func(page events.PageID, m *events.Model) {
		state := events.Record{Offset: r.Offset, Time: r.Time, From: 1, Page: page, Kind: events.KindPageState, Payload: m.State().Append(nil)}
		out = append(out, events.AppendRecord(nil, &state))
	}
	for page, m := range t.models {
		if page != t.active && page+4 > t.active { // older ones do not come back
			add(page, m)
		}
	}
	if m := t.models[t.active]; m != nil {
		add(t.active, m)
	}
	return out
}

// assetFinder looks up every file that the pages of a session used.
type assetFinder struct {
	s       *Sealer
	info    events.SessionInfo
	t       *timeline
	seen    map[string]bool
	direct  map[string]bool // named by markup, not by a style sheet that may never use it
	wanted  []archive.PageCapture
	found   []archive.PageCapture
	missing []archive.PageCapture
}

// maxAssets bounds what one session's pages may name.
const maxAssets = 50_000

func (a *assetFinder) want(page events.PageID, u string) {
	key := captureKey(uint32(page), u)
	if a.seen[key] || len(a.seen) >= maxAssets {
		return
	}
	a.seen[key] = true
	a.wanted = append(a.wanted, archive.PageCapture{Page: uint32(page), URL: u})
}

func (a *assetFinder) visitor(page events.PageID) assetURLs {
	return assetURLs{func(u *url.URL) string {
		a.want(page, asSent(u))
		return ""
	}}
}

// markup is a visitor that tells markup from style.
type markup struct {
	assetURLs
	a    *assetFinder
	page events.PageID
}

// Attr implements events.URLs.
func (m markup) Attr(base string, el *events.Node, name, value string) string {
	direct := assetURLs{func(u *url.URL) string {
		m.a.direct[captureKey(uint32(m.page), asSent(u))] = true
		return m.visit(u)
	}}
	if name == "style" || el.Name == "link" && name == "href" && !strings.Contains(strings.ToLower(relOf(el)), "stylesheet") {
		direct = m.assetURLs
	}
	return direct.Attr(base, el, name, value)
}

func relOf(el *events.Node) string {
	rel, _ := el.Attr("rel")
	return rel
}

// add looks at a record, after the timeline did.
func (a *assetFinder) add(r *events.Record) {
	m := a.t.models[r.Page]
	switch r.Kind {
	case events.KindPageState:
		if m != nil {
			m.State().AppendFor(nil, markup{a.visitor(r.Page), a, r.Page})
		}
	case events.KindPageEvents:
		// The timeline has applied it: the model knows every document's base.
		if b, err := events.DecodeBatch(r.Payload); err == nil && m != nil {
			m.Visit(b, markup{a.visitor(r.Page), a, r.Page})
		}
	}
}

// find looks the files up, and those that style sheets name in turn.
func (a *assetFinder) find(ctx context.Context) error {
	for len(a.wanted) > 0 {
		next := a.wanted[0]
		a.wanted = a.wanted[1:]
		page := events.PageID(next.Page)
		from, to := a.window(page)
		c, err := findCapture(ctx, a.s.opts.Captures, next.URL, a.info.Visit, from, to)
		if errors.Is(err, archive.ErrAbsent) {
			if a.direct[captureKey(next.Page, next.URL)] {
				a.missing = append(a.missing, next)
			}
			continue
		}
		if err != nil {
			return err
		}
		next.Time, next.Ref, next.Type, next.Size, next.Status = c.Time, c.Ref, c.Type, c.Size, c.Status
		next.Location, next.Header, next.Source, next.Why = c.Location, c.Header, c.Source, c.Why
		switch {
		case c.Location != "": // where it led is looked up like any other
			if a.direct[captureKey(next.Page, next.URL)] {
				a.direct[captureKey(next.Page, c.Location)] = true
			}
			a.want(page, c.Location)
			a.found = append(a.found, next)
			continue
		case c.Ref == "":
			a.missing = append(a.missing, next)
			continue
		}
		if next.Private, err = a.s.library.TakeOver(ctx, string(a.info.ID), c); err == nil && strings.HasPrefix(c.Type, "text/css") {
			var sheet []byte
			if sheet, err = a.s.library.Captured(ctx, c); err == nil {
				base, _ := copied(next.URL)
				a.visitor(page).CSS(base, string(sheet))
			}
		}
		if errors.Is(err, archive.ErrAbsent) || errors.Is(err, archive.ErrDamaged) {
			a.missing = append(a.missing, archive.PageCapture{Page: next.Page, URL: next.URL, Why: archive.WhyLost})
			continue
		}
		if err != nil {
			return err
		}
		a.found = append(a.found, next)
	}
	return nil
}

// window is from when to when a page was the newest.
func (a *assetFinder) window(page events.PageID) (from, to time.Time) {
	from, to = a.t.loaded[page], a.info.Ended.Add(time.Minute)
	for other, at := range a.t.loaded {
		if other > page && at.Before(to) {
			to = at
		}
	}
	return from, to
}
