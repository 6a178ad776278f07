package replayui

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
// one is the visit's own, and the other was pinned for the first page.
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
	saw, err := archive.BlobsIn(s.store).Put(ctx, []byte("pinned"))
	if err != nil {
		t.Fatal(err)
	}
	then := archive.Capture{URL: "http://site/a.png", Time: start.Add(time.Second), Ref: saw, Type: "image/png", Size: 6}
	err = errors.Join(s.directory.Put(ctx, info), s.captures.Add(ctx, []archive.Capture{
		then,
		{URL: "http://site/a.png", Time: start, Ref: shared, Type: "image/png", Size: 6},
		{URL: "http://site/me.png", Time: start, Ref: own, Type: "image/png", Size: 3, Visit: info.Visit, By: info.Visit, Own: true},
	}), s.captures.Pin(ctx, []archive.Pin{{Session: string(id), Page: 1, Capture: then, At: start}}))
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
	for _, c := range m.Captures {
		content := map[string]string{"http://site/a.png": "shared", "http://site/me.png": "own"}[c.URL]
		if c.Page == 1 && content == "shared" {
			content = "pinned"
		}
		if c.Ref != archive.RefOf([]byte(content)) || (content == "pinned") == c.Pinned.IsZero() {
			t.Errorf("%s: %+v", what, c)
		}
	}
	if pins, err := s.captures.PinsOf(ctx, string(info.ID)); err != nil || len(pins) > 0 {
		t.Errorf("%s: pins are left: %+v %v", what, pins, err)
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

func (m mortalCaptures) Unpin(ctx context.Context, session string) error {
	return m.step(func() error { return m.CaptureIndex.Unpin(ctx, session) })
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
