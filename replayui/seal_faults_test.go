package replayui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

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
	served := 0
	for n := range rec.Segments {
		b, err := viewSegment(t.Context(), o, n)
		if n == 1 {
			if asProblem(err).Status != 410 || !strings.Contains(asProblem(err).Detail, "segment-0001") {
				t.Errorf("the damaged one: %v", err)
			}
			continue
		}
		if err != nil {
			t.Errorf("segment %d: %v", n, err)
		}
		served += len(b)
	}
	// What changed a page that is not known is left out, until its next state comes.
	if served < 2*archive.SegmentBytes {
		t.Errorf("%d bytes are served", served)
	}
}
