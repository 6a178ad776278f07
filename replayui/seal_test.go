package replayui

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/events/sqlite"
)

// sealing is what a sealer works on, in a place of its own.
type sealing struct {
	dir       string
	store     *disk.Store
	captures  *disk.Captures
	catalogue *sqlite.Catalogue
	directory *events.MemDirectory
	journal   *archive.Journal
	key       ed25519.PrivateKey
}

func newSealing(t *testing.T) *sealing {
	t.Helper()
	s := &sealing{dir: t.TempDir(), key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32)), directory: events.NewMemDirectory()}
	var err error
	must := func() {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	s.store, err = disk.NewStore(filepath.Join(s.dir, "archive"))
	must()
	s.captures, err = disk.NewCaptures(filepath.Join(s.dir, "captures.db"))
	must()
	s.catalogue, err = sqlite.Open(filepath.Join(s.dir, "catalogue.db"))
	must()
	s.journal, err = archive.OpenJournal(filepath.Join(s.dir, "sealed.log"))
	must()
	t.Cleanup(func() {
		_ = s.captures.Close()
		_ = s.catalogue.Close()
		_ = s.journal.Close()
	})
	return s
}

func (s *sealing) vaults(t *testing.T, store archive.Store) *archive.Vaults {
	t.Helper()
	v, err := archive.NewVaults(store, bytes.Repeat([]byte{5}, archive.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// session logs a session of three pages, with large texts, and two files of which
// one is the visit's own.
func (s *sealing) session(t *testing.T, id events.SessionID, start time.Time) (events.SessionInfo, *events.MemLog) {
	t.Helper()
	ctx := t.Context()
	info := events.SessionInfo{ID: id, Org: "o", State: events.StateEnded, Visit: "v-" + string(id), URL: "http://site/", Started: start, Ended: start.Add(time.Minute)}
	list := []events.Record{{Kind: events.KindLifecycle, From: 1, Payload: []byte(`{"type":"started","url":"http://site/"}`)}}
	for p := events.PageID(1); p <= 3; p++ {
		opened, err := json.Marshal(events.Lifecycle{Type: "page-opened", URL: "http://site/", Loaded: start})
		if err != nil {
			t.Fatal(err)
		}
		state := &events.PageState{Title: fmt.Sprintf("Page %d", p), Width: 9, Height: 9, Document: &events.Node{ID: 1, Kind: events.DocumentNode, Text: "http://site/", Base: "http://site/", Children: []*events.Node{
			{ID: 2, Kind: events.ElementNode, Name: "html", Children: []*events.Node{
				{ID: 3, Kind: events.ElementNode, Name: "img", Attrs: []events.Attr{{Name: "src", Value: "/a.png"}}},
				{ID: 4, Kind: events.ElementNode, Name: "img", Attrs: []events.Attr{{Name: "src", Value: "/me.png"}}},
				{ID: 5, Kind: events.TextNode, Text: "text"},
			}},
		}}}
		list = append(list, events.Record{Kind: events.KindLifecycle, Page: p, Payload: opened}, events.Record{Kind: events.KindPageState, From: 1, Page: p, Payload: state.Append(nil)})
		for i := range 4 {
			text := strings.Repeat(fmt.Sprintf("%d %d ", p, i), 30_000)
			b := events.Batch{Events: []events.PageEvent{{Op: events.OpText, ID: 5, Text: text}}}
			list = append(list, events.Record{Kind: events.KindPageEvents, From: 1, Page: p, Payload: b.Append(nil)})
		}
	}
	for i := range list {
		list[i].Offset, list[i].Time = events.Offset(i+1), start.Add(time.Duration(i)*time.Second).UTC()
	}
	info.Last = events.Offset(len(list))
	log := events.NewMemLog()
	done := make(chan error, 1)
	log.Append(id, list, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	shared, err := archive.BlobsIn(s.store).Put(ctx, []byte("shared"))
	if err != nil {
		t.Fatal(err)
	}
	vault, err := s.vaults(t, s.store).Make(ctx, archive.VisitOwner(info.Visit))
	if err != nil {
		t.Fatal(err)
	}
	own, err := vault.PutBlob(ctx, []byte("own"))
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(s.directory.Put(ctx, info), s.captures.Add(ctx, []archive.Capture{
		{URL: "http://site/a.png", Time: start, Ref: shared, Type: "image/png", Size: 6},
		{URL: "http://site/me.png", Time: start, Ref: own, Type: "image/png", Size: 3, Visit: info.Visit, By: info.Visit, Own: true},
	}))
	if err != nil {
		t.Fatal(err)
	}
	return info, log
}

// sealer is one that does not work by itself.
func (s *sealing) sealer(t *testing.T, store archive.Store, log events.Log) *Sealer {
	t.Helper()
	sealer := NewSealer(SealerOptions{
		Log: log, Directory: s.directory, Catalogue: s.catalogue, Store: store, Vaults: s.vaults(t, store), Captures: s.captures, Key: s.key, Journal: s.journal,
		Retry: time.Millisecond,
	})
	t.Cleanup(sealer.Close)
	return sealer
}

// whole fails unless a session is sealed, and only that.
func (s *sealing) whole(t *testing.T, what string, info events.SessionInfo, log *events.MemLog) {
	t.Helper()
	ctx := t.Context()
	problems, err := archive.Verify(ctx, archive.Verifying{
		Store: s.store, Vaults: s.vaults(t, s.store), Session: string(info.ID), Keys: []ed25519.PublicKey{s.key.Public().(ed25519.PublicKey)}, Journal: s.journal, All: true,
	})
	if err != nil || len(problems) > 0 {
		t.Fatalf("%s: %v %v", what, problems, err)
	}
	rec, err := archive.OpenRecording(ctx, s.store, s.vaults(t, s.store), string(info.ID))
	if err != nil {
		t.Fatal(err)
	}
	m, err := rec.Manifest(ctx)
	if err != nil || rec.Records != uint64(info.Last) || len(rec.Segments) < 4 || len(rec.Keyframes) < 2 || len(m.Captures) != 6 || len(m.Missing) != 0 {
		t.Errorf("%s: %d records, %d segments, %d keyframes, %+v, %v", what, rec.Records, len(rec.Segments), len(rec.Keyframes), m, err)
	}
	for r, err := range log.Read(ctx, info.ID, 0) {
		t.Errorf("%s: the log has record %d, %v", what, r.Offset, err)
		break
	}
	if known, err := s.catalogue.Get(ctx, info.ID); err != nil || known.State != events.StateSealed || known.Stored == 0 {
		t.Errorf("%s: %+v %v", what, known, err)
	}
	if found, _, err := s.catalogue.Find(ctx, events.Query{Text: "Page"}); err != nil || len(found) == 0 {
		t.Errorf("%s: not found by its words: %v", what, err)
	}
	if _, err := s.directory.Get(ctx, info.ID); !errors.Is(err, events.ErrNoSession) {
		t.Errorf("%s: the directory has it: %v", what, err)
	}
}

var errDead = errors.New("the program was killed")

// life is a program's, which dies at its nth step: nothing that it does from then
// on is done.
type life struct {
	steps, end atomic.Int64
	half       bool // the step at which it dies is done, and nobody hears of it
}

func (l *life) step(do func() error) error {
	switch n := l.steps.Add(1); {
	case n < l.end.Load():
		return do()
	case n == l.end.Load() && l.half:
		_ = do() // nobody hears of it
	}
	return errDead
}

// The parts of a program, as long as it lives.
type mortalStore struct {
	archive.Store
	*life
}

func (m mortalStore) Put(ctx context.Context, name string, content io.ReaderAt, size int64) error {
	return m.step(func() error { return m.Store.Put(ctx, name, content, size) })
}

func (m mortalStore) Delete(ctx context.Context, name string) error {
	return m.step(func() error { return m.Store.Delete(ctx, name) })
}

type mortalLog struct {
	events.Log
	*life
}

func (m mortalLog) Forget(ctx context.Context, id events.SessionID) error {
	return m.step(func() error { return m.Log.Forget(ctx, id) })
}

type mortalDirectory struct {
	events.Directory
	*life
}

func (m mortalDirectory) Delete(ctx context.Context, id events.SessionID) error {
	return m.step(func() error { return m.Directory.Delete(ctx, id) })
}

type mortalCatalogue struct {
	events.Catalogue
	*life
}

func (m mortalCatalogue) Put(ctx context.Context, info events.SessionInfo, text string) error {
	return m.step(func() error { return m.Catalogue.Put(ctx, info, text) })
}

type mortalCaptures struct {
	archive.CaptureIndex
	*life
}

func (m mortalCaptures) Keep(ctx context.Context, recording string, refs []archive.Ref) error {
	return m.step(func() error { return m.CaptureIndex.Keep(ctx, recording, refs) })
}

func TestASealingThatIsKilledAnywhereIsFinishedByTheNext(t *testing.T) {
	for _, half := range []bool{false, true} {
		for n := int64(1); ; n++ {
			s := newSealing(t)
			info, log := s.session(t, "s1", began)
			l := &life{half: half}
			l.end.Store(n)
			store := mortalStore{s.store, l}
			first := NewSealer(SealerOptions{
				Log: mortalLog{log, l}, Directory: mortalDirectory{s.directory, l}, Catalogue: mortalCatalogue{s.catalogue, l}, Store: store,
				Vaults: s.vaults(t, store), Captures: mortalCaptures{s.captures, l}, Key: s.key, Journal: s.journal,
			})
			err := first.Seal(t.Context(), info)
			first.Close()
			if err == nil {
				if n < 15 {
					t.Errorf("it had %d steps only", n-1)
				}
				s.whole(t, "with nobody killed", info, log)
				break
			}
			if !errors.Is(err, errDead) {
				t.Fatalf("killed at step %d: %v", n, err)
			}
			// What the next program finds is in the directory, else it was all done.
			what := fmt.Sprintf("killed at step %d (done: %v)", n, half)
			list, err := s.directory.List(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for _, left := range list {
				if err := s.sealer(t, s.store, log).Seal(t.Context(), left); err != nil {
					t.Fatalf("%s, the next: %v", what, err)
				}
			}
			s.whole(t, what, info, log)
		}
	}
}

// began is when sessions of tests begin.
var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func TestTwoGatewaysThatSealOneSessionEndWithOneRecording(t *testing.T) {
	for range 10 {
		s := newSealing(t)
		info, log := s.session(t, "s1", began)
		var all sync.WaitGroup
		for range 3 {
			sealer := s.sealer(t, s.store, log)
			all.Go(func() {
				for try := 0; ; try++ {
					err := sealer.Seal(t.Context(), info)
					if err == nil {
						return
					}
					if try == 20 {
						t.Errorf("%v", err)
						return
					}
				}
			})
		}
		all.Wait()
		s.whole(t, "by three at once", info, log)
	}
}

// failing is a store that does not take what is under a prefix, until it is mended.
type failing struct {
	archive.Store
	prefix string
	mended *atomic.Bool
	stuck  chan struct{} // not nil: it waits instead
}

func (f failing) Put(ctx context.Context, name string, content io.ReaderAt, size int64) error {
	if strings.HasPrefix(name, f.prefix) && !f.mended.Load() {
		if f.stuck != nil {
			<-f.stuck
		}
		return errors.New("the store is away")
	}
	return f.Store.Put(ctx, name, content, size)
}

func TestASessionThatCannotBeSealedKeepsNoOtherAndIsTriedAgain(t *testing.T) {
	for _, stuck := range []chan struct{}{nil, make(chan struct{})} {
		s := newSealing(t)
		bad, badLog := s.session(t, "bad", began)
		store := failing{s.store, "recordings/bad/", &atomic.Bool{}, stuck}
		logs := logs{"bad": badLog}
		var good []events.SessionInfo
		for i := range 5 {
			info, log := s.session(t, events.SessionID(fmt.Sprintf("good%d", i)), began)
			logs[info.ID] = log
			good = append(good, info)
		}
		sealer := s.sealer(t, store, logs)
		sealer.Ended(bad)
		for _, info := range good {
			sealer.Ended(info)
		}
		until(t, func() bool { return sealer.Waiting() == 1 && (stuck != nil || sealer.Failed() > 2) })
		for _, info := range good {
			s.whole(t, "beside one that fails", info, logs[info.ID])
		}
		store.mended.Store(true)
		if stuck != nil {
			close(stuck)
		}
		until(t, func() bool { return sealer.Waiting() == 0 })
		s.whole(t, "once the store is back", bad, badLog)
	}
}

// logs are one for each session.
type logs map[events.SessionID]*events.MemLog

func (l logs) Append(id events.SessionID, records []events.Record, done func(error)) {
	l[id].Append(id, records, done)
}

func (l logs) Read(ctx context.Context, id events.SessionID, after events.Offset) iter.Seq2[events.Record, error] {
	return l[id].Read(ctx, id, after)
}
func (l logs) Forget(ctx context.Context, id events.SessionID) error { return l[id].Forget(ctx, id) }
func (l logs) Close() error                                          { return nil }

func until(t *testing.T, there func() bool) {
	t.Helper()
	for range 3000 {
		if there() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("it did not come about")
}

// lying is a store that says that it stored what it did not, the first time.
type lying struct {
	archive.Store
	lied *sync.Map
}

func (l lying) Put(ctx context.Context, name string, content io.ReaderAt, size int64) error {
	if _, before := l.lied.LoadOrStore(name, true); !before && strings.HasPrefix(name, "recordings/") && !strings.HasSuffix(name, "/top") {
		return archive.PutBytes(ctx, l.Store, name, []byte("something else"))
	}
	return l.Store.Put(ctx, name, content, size)
}

func TestTheLogIsKeptUntilTheRecordingReadsBack(t *testing.T) {
	s := newSealing(t)
	info, log := s.session(t, "s1", began)
	sealer := s.sealer(t, lying{s.store, &sync.Map{}}, log)
	if err := sealer.Seal(t.Context(), info); err != nil {
		t.Fatal(err)
	}
	s.whole(t, "by a store that lied once", info, log)
}

// settling is a store that is a while behind.
type settling struct {
	archive.Store
	behind *atomic.Int64
}

func (s settling) Settle(context.Context) error {
	if s.behind.Add(-1) >= 0 {
		return errors.New("the far store is away")
	}
	return nil
}

func TestTheLogIsKeptUntilTheFarStoreHasTheRecording(t *testing.T) {
	s := newSealing(t)
	info, log := s.session(t, "s1", began)
	store := settling{s.store, &atomic.Int64{}}
	store.behind.Store(3)
	sealer := s.sealer(t, store, log)
	for range 3 {
		if err := sealer.Seal(t.Context(), info); err == nil || !strings.Contains(err.Error(), "away") {
			t.Fatalf("%v", err)
		}
		n := 0
		for _, err := range log.Read(t.Context(), info.ID, 0) {
			if n++; err != nil {
				t.Fatal(err)
			}
		}
		if n != int(info.Last) {
			t.Fatalf("the log has %d records of %d", n, info.Last)
		}
	}
	if err := sealer.Seal(t.Context(), info); err != nil {
		t.Fatal(err)
	}
	s.whole(t, "when it is back", info, log)
}

func TestAClockThatJumpsMakesNoTimeOfARecordingGoBack(t *testing.T) {
	s := newSealing(t)
	info, log := s.session(t, "s1", began)
	var list []events.Record
	for r, err := range log.Read(t.Context(), info.ID, 0) {
		if err != nil {
			t.Fatal(err)
		}
		switch len(list) {
		case 4:
			r.Time = r.Time.Add(24 * time.Hour)
		case 9:
			r.Time = r.Time.Add(-24 * time.Hour)
		}
		list = append(list, r)
	}
	jumping := events.NewMemLog()
	done := make(chan error, 1)
	jumping.Append(info.ID, list, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := s.sealer(t, s.store, jumping).Seal(t.Context(), info); err != nil {
		t.Fatal(err)
	}
	s.whole(t, "with a clock that jumps", info, jumping)
	rec, err := archive.OpenRecording(t.Context(), s.store, s.vaults(t, s.store), "s1")
	if err != nil {
		t.Fatal(err)
	}
	o := &openRecording{Recording: rec, info: info}
	last := time.Time{}
	for n, segment := range rec.Segments {
		b, err := viewSegment(t.Context(), o, n)
		if err != nil {
			t.Fatal(err)
		}
		if err := archive.Each(b, func(record []byte) error {
			r, err := events.DecodeRecord(record)
			if r.Time.Before(last) {
				t.Errorf("record %d goes back by %v", r.Offset, last.Sub(r.Time))
			}
			last = r.Time
			return err
		}); err != nil {
			t.Fatal(err)
		}
		if at := last.Sub(rec.Start).Milliseconds(); at != segment.T1 {
			t.Errorf("segment %d ends at %d ms, and its last record is at %d", n, segment.T1, at)
		}
	}
}

func TestWhatIsWholeOfADamagedRecordingIsServed(t *testing.T) {
	s := newSealing(t)
	info, log := s.session(t, "s1", began)
	if err := s.sealer(t, s.store, log).Seal(t.Context(), info); err != nil {
		t.Fatal(err)
	}
	for o, err := range s.store.List(t.Context(), "recordings/s1/") {
		if err == nil && (strings.Contains(o.Name, "segment-0001.") || strings.Contains(o.Name, "keyframes-0000.")) {
			err = archive.PutBytes(t.Context(), s.store, o.Name, []byte("noise"))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	rec, err := archive.OpenRecording(t.Context(), s.store, s.vaults(t, s.store), "s1")
	if err != nil {
		t.Fatal(err)
	}
	o := &openRecording{Recording: rec, info: info}
	for n := range rec.Segments {
		b, err := viewSegment(t.Context(), o, n)
		if n == 1 {
			if asProblem(err).Status != 410 || !strings.Contains(asProblem(err).Detail, "segment-0001") {
				t.Errorf("the damaged one: %v", err)
			}
			continue
		}
		if err != nil || len(b) == 0 {
			t.Errorf("segment %d: %d bytes, %v", n, len(b), err)
		}
	}
}
