package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/archivetest"
	"github.com/pillion-dev/pillion/archive/disk"
)

// quick are options under which a test does not wait long.
var quick = archive.SpoolOptions{Backoff: time.Millisecond, MaxBackoff: 20 * time.Millisecond, Quick: 100 * time.Millisecond, Late: 30 * time.Millisecond}

func newDisk(t *testing.T) *disk.Store {
	t.Helper()
	s, err := disk.NewStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newSpool(t *testing.T, near, far archive.Store, o archive.SpoolOptions) *archive.Spool {
	t.Helper()
	s, err := archive.NewSpool(t.Context(), near, far, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// contents are the objects of a store.
func contents(t *testing.T, s archive.Store) map[string]string {
	t.Helper()
	all := map[string]string{}
	for o, err := range s.List(context.Background(), "") {
		if err != nil {
			t.Fatal(err)
		}
		b, err := archive.ReadObject(context.Background(), s, o.Name)
		if err != nil {
			t.Fatalf("%s: %v", o.Name, err)
		}
		all[o.Name] = string(b)
	}
	return all
}

func same(t *testing.T, got, want map[string]string) {
	t.Helper()
	for name, w := range want {
		if g, there := got[name]; !there || g != w {
			t.Errorf("%s: %d bytes (%t), not %d", name, len(g), there, len(w))
		}
	}
	for name := range got {
		if _, there := want[name]; !there {
			t.Errorf("%s is there", name)
		}
	}
}

func TestSpoolIsAStore(t *testing.T) {
	near, far := newDisk(t), newDisk(t)
	s := newSpool(t, near, far, archive.SpoolOptions{})
	archivetest.Store(t, s)
	if err := s.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	if left := contents(t, near); len(left) != 0 {
		t.Errorf("%d objects are left near", len(left))
	}
	same(t, contents(t, far), contents(t, s))
	if st := s.Status(); st.Objects != 0 || st.Bytes != 0 || !st.Oldest.IsZero() || st.Drained < 2500 || st.Refused != 0 || st.Retries != 0 {
		t.Errorf("%+v", st)
	}
}

// fickle is a far store whose faults a test sets: a store of files, with lies.
type fickle struct {
	archive.Store
	fault func(doing, name string) error // nil: none
}

var (
	errAway = errors.New("away")
	errHang = errors.New("hangs")
	errLost = errors.New("acknowledged and lost")
	errCut  = errors.New("acknowledged and cut")
	errFlip = errors.New("acknowledged and stored wrong")
)

func (f *fickle) does(ctx context.Context, doing, name string) error {
	err := f.fault(doing, name)
	if errors.Is(err, errHang) {
		<-ctx.Done()
		return ctx.Err()
	}
	return err
}

func (f *fickle) Put(ctx context.Context, name string, content io.ReaderAt, size int64) error {
	switch err := f.does(ctx, "put", name); {
	case errors.Is(err, errLost):
		return nil
	case errors.Is(err, errCut):
		return f.Store.Put(ctx, name, content, size/2)
	case errors.Is(err, errFlip):
		return f.Store.Put(ctx, name, strings.NewReader(strings.Repeat("~", int(size))), size)
	case err != nil:
		return err
	}
	return f.Store.Put(ctx, name, content, size)
}

func (f *fickle) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if err := f.does(ctx, "open", name); err != nil {
		return nil, err
	}
	return f.Store.Open(ctx, name)
}

func (f *fickle) Stat(ctx context.Context, name string) (archive.Object, error) {
	if err := f.does(ctx, "stat", name); err != nil {
		return archive.Object{}, err
	}
	return f.Store.Stat(ctx, name)
}

func (f *fickle) Delete(ctx context.Context, name string) error {
	if err := f.does(ctx, "delete", name); err != nil {
		return err
	}
	return f.Store.Delete(ctx, name)
}

// switched is a fault that a test switches on and off.
func switched(err error) (fault func(string, string) error, on *atomic.Bool) {
	on = &atomic.Bool{}
	on.Store(true)
	return func(string, string) error {
		if on.Load() {
			return err
		}
		return nil
	}, on
}

func TestNobodyWaitsForAFarStoreThatHangs(t *testing.T) {
	fault, hangs := switched(errHang)
	near, far := newDisk(t), newDisk(t)
	o := quick
	o.Quick = 50 * time.Millisecond
	s := newSpool(t, near, &limited{&fickle{far, fault}}, o)
	ctx := t.Context()
	blobs := archive.BlobsIn(s)
	want := map[string]string{}
	for i := range 50 {
		content := fmt.Sprint("asset ", i)
		ref, err := blobs.Put(ctx, []byte(content))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := blobs.Read(ctx, ref); err != nil || string(got) != content {
			t.Errorf("%q %v", got, err)
		}
		if err := s.Delete(ctx, fmt.Sprint("never/", i)); err != nil {
			t.Error(err)
		}
		name := "blobs/" + string(ref[7:9]) + "/" + string(ref[9:])
		want[name] = content
	}
	short, cancel := context.WithTimeout(ctx, 20*time.Millisecond)
	defer cancel()
	if err := s.Settle(short); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("settled: %v", err)
	}
	if st := s.Status(); st.Objects < 50 || st.Bytes < 50*4096 || st.Oldest.IsZero() {
		t.Errorf("%+v", st)
	}
	hangs.Store(false)
	if err := s.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	same(t, contents(t, far), want)
	if st := s.Status(); st.Objects != 0 || st.Retries == 0 || !st.Away.IsZero() {
		t.Errorf("%+v", st)
	}
}

// limited bounds each request, as a far store has to.
type limited struct{ archive.Store }

func (l *limited) Put(ctx context.Context, name string, content io.ReaderAt, size int64) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
	defer cancel()
	return l.Store.Put(ctx, name, content, size)
}

func (l *limited) Stat(ctx context.Context, name string) (archive.Object, error) {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
	defer cancel()
	return l.Store.Stat(ctx, name)
}

func (l *limited) Delete(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Millisecond)
	defer cancel()
	return l.Store.Delete(ctx, name)
}

func TestASpoolThatIsFullRefuses(t *testing.T) {
	fault, away := switched(errAway)
	near, far := newDisk(t), newDisk(t)
	o := quick
	o.Limit = 100 << 10
	s := newSpool(t, near, &fickle{far, fault}, o)
	ctx := t.Context()
	want := map[string]string{}
	refused := 0
	for i := range 20 {
		name, content := fmt.Sprint("some/", i), strings.Repeat("x", 10<<10)
		switch err := archive.PutBytes(ctx, s, name, []byte(content)); {
		case err == nil:
			want[name] = content
		case errors.Is(err, archive.ErrSpoolFull):
			refused++
		default:
			t.Fatal(err)
		}
	}
	if st := s.Status(); len(want) != 10 || refused != 10 || st.Refused != 10 || st.Bytes != 100<<10 || st.Away.IsZero() || st.LastFail == nil {
		t.Errorf("%d stored, %d refused, %+v", len(want), refused, st)
	}
	if err := s.Delete(ctx, "some/0"); err != nil { // makes room
		t.Fatal(err)
	}
	delete(want, "some/0")
	if err := archive.PutBytes(ctx, s, "some/new", []byte("x")); err != nil {
		t.Error(err)
	}
	want["some/new"] = "x"
	away.Store(false)
	if err := s.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	same(t, contents(t, far), want)
	if err := archive.PutBytes(ctx, s, "some/large", make([]byte, 100<<10)); err != nil {
		t.Errorf("there is room again: %v", err)
	}
}

func TestWhatWaitsSurvivesTheSpool(t *testing.T) {
	fault, away := switched(errAway)
	near, far := newDisk(t), newDisk(t)
	ctx := t.Context()
	for _, name := range []string{"old/deleted", "old/again", "old/kept"} {
		if err := archive.PutBytes(ctx, far, name, []byte("old")); err != nil {
			t.Fatal(err)
		}
	}
	s, err := archive.NewSpool(ctx, near, &fickle{far, fault}, quick)
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		archive.PutBytes(ctx, s, "new/one", []byte("one")),
		archive.PutBytes(ctx, s, "new/two", []byte("two")),
		s.Delete(ctx, "new/two"),
		s.Delete(ctx, "old/deleted"),
		s.Delete(ctx, "old/again"),
		archive.PutBytes(ctx, s, "old/again", []byte("again")),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{"new/one": "one", "old/again": "again", "old/kept": "old"}
	check := func(s *archive.Spool) {
		t.Helper()
		for name, content := range want {
			if name == "old/kept" {
				continue // far, which is away
			}
			if got, err := archive.ReadObject(ctx, s, name); err != nil || string(got) != content {
				t.Errorf("%s: %q %v", name, got, err)
			}
		}
		for _, name := range []string{"new/two", "old/deleted"} {
			if _, err := s.Open(ctx, name); !errors.Is(err, archive.ErrAbsent) {
				t.Errorf("%s: %v", name, err)
			}
			if _, err := s.Stat(ctx, name); !errors.Is(err, archive.ErrAbsent) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	check(s)
	s.Close()
	again := newSpool(t, near, &fickle{far, fault}, quick)
	check(again)
	away.Store(false)
	same(t, contents(t, again), want)
	if err := again.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	same(t, contents(t, far), want)
	emptied(t, near)
}

// emptied fails unless nothing is left near, soon: deletions are done once more
// where something may have come late.
func emptied(t *testing.T, near archive.Store) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		left := 0
		for _, err := range near.List(context.Background(), "") {
			if left++; err != nil {
				t.Fatal(err)
			}
		}
		if left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d objects are left near", left)
		}
	}
}

func TestWhatTheFarStoreLocksComesBack(t *testing.T) {
	far := newDisk(t)
	s := newSpool(t, newDisk(t), &fickle{far, func(doing, _ string) error {
		if doing == "delete" {
			return fmt.Errorf("kept: %w", archive.ErrLocked)
		}
		return nil
	}}, quick)
	ctx := t.Context()
	if err := errors.Join(archive.PutBytes(ctx, s, "a/one", []byte("one")), s.Settle(ctx)); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, "a/one"); !errors.Is(err, archive.ErrLocked) {
		t.Errorf("deleted: %v", err)
	}
	if got, err := archive.ReadObject(ctx, s, "a/one"); err != nil || string(got) != "one" {
		t.Errorf("%q %v", got, err)
	}
	if err := s.Lock(ctx, "a/one", time.Now()); !errors.Is(err, archive.ErrNoLocks) {
		t.Errorf("%v", err)
	}
}

// Names are stored, replaced, deleted and read at random while the far store does
// what it likes and the spool is closed and opened: at each moment a name has the
// content that it was given last, and in the end so it is in the far store.
func TestSpoolAgainstAModel(t *testing.T) {
	for seed := range uint64(12) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) { modelled(t, seed) })
	}
}

func modelled(t *testing.T, seed uint64) {
	var honest atomic.Bool
	var dice sync.Mutex
	r := rand.New(rand.NewPCG(seed, 1))
	near, far := newDisk(t), newDisk(t)
	lying := &fickle{far, func(doing, _ string) error {
		dice.Lock()
		defer dice.Unlock()
		if honest.Load() || r.IntN(3) > 0 {
			return nil
		}
		if doing == "put" {
			return []error{errAway, errLost, errCut, errFlip}[r.IntN(4)]
		}
		return errAway
	}}
	ctx := t.Context()
	var all sync.Map
	for range 4 {
		s, err := archive.NewSpool(ctx, near, lying, quick)
		if err != nil {
			t.Fatal(err)
		}
		var wg sync.WaitGroup
		for g := range 6 {
			wg.Go(func() { modelledNames(t, s, rand.New(rand.NewPCG(seed, uint64(g+2))), g, &all) })
		}
		wg.Wait()
		s.Close()
	}
	honest.Store(true)
	s := newSpool(t, near, lying, quick)
	if err := s.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	all.Range(func(name, content any) bool {
		want[name.(string)] = content.(string)
		return true
	})
	same(t, contents(t, far), want)
	emptied(t, near)
	same(t, contents(t, far), want)
	if st := s.Status(); st.Bytes != 0 || st.Objects != 0 {
		t.Errorf("%+v", st)
	}
}

// modelledNames uses names of its own, one thing after the other.
func modelledNames(t *testing.T, s *archive.Spool, r *rand.Rand, g int, all *sync.Map) {
	ctx := t.Context()
	for range 60 {
		name := fmt.Sprintf("blobs/%d/%d", g, r.IntN(4))
		if r.IntN(2) == 0 {
			name = fmt.Sprintf("g/%d/%d", g, r.IntN(4))
		}
		before, there := all.Load(name)
		switch r.IntN(4) {
		case 0:
			if err := s.Delete(ctx, name); err != nil {
				t.Errorf("delete %s: %v", name, err)
			}
			all.Delete(name)
		case 1, 2:
			content := strings.Repeat(fmt.Sprint(r.Uint32(), " "), r.IntN(2000))
			if err := s.Put(ctx, name, strings.NewReader(content), int64(len(content))); err != nil {
				t.Errorf("put %s: %v", name, err)
			}
			all.Store(name, content)
		default:
			got, err := archive.ReadObject(ctx, s, name)
			switch {
			case errors.Is(err, errAway): // it says so
			case errors.Is(err, archive.ErrAbsent):
				if there {
					t.Errorf("%s is absent", name)
				}
			case err != nil || !there || string(got) != before:
				t.Errorf("%s: %d bytes, %v", name, len(got), err)
			}
		}
	}
}

func TestSettleWaitsForWhatWasStoredBefore(t *testing.T) {
	near, far := newDisk(t), newDisk(t)
	s := newSpool(t, near, far, quick)
	for i := range 200 {
		name := fmt.Sprint("a/", i%7)
		content := []byte(fmt.Sprint(i))
		if err := archive.PutBytes(t.Context(), s, name, content); err != nil {
			t.Fatal(err)
		}
		if i%3 > 0 {
			continue
		}
		if err := s.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, err := archive.ReadObject(t.Context(), far, name); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%s: %q %v", name, got, err)
		}
	}
}
