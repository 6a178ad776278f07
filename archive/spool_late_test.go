package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
)

// late is a far store that takes what is put, says nothing until the caller has
// gone, and stores it when the test lets it.
type late struct {
	archive.Store
	mu   sync.Mutex
	slow bool
	held []func()
}

func (l *late) Put(ctx context.Context, name string, content io.ReaderAt, size int64) error {
	l.mu.Lock()
	slow := l.slow
	l.mu.Unlock()
	if !slow {
		return l.Store.Put(ctx, name, content, size)
	}
	b := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(content, 0, size), b); err != nil {
		return err
	}
	l.mu.Lock()
	l.held = append(l.held, func() { _ = l.Store.Put(context.Background(), name, bytes.NewReader(b), size) }) // as a server does
	l.mu.Unlock()
	<-ctx.Done()
	return ctx.Err()
}

// arrive stores what was held back, and says how much that was.
func (l *late) arrive() int {
	l.mu.Lock()
	held := l.held
	l.held, l.slow = nil, false
	l.mu.Unlock()
	for _, put := range held {
		put()
	}
	return len(held)
}

// tried waits until a number of requests were taken and given up.
func (l *late) tried(t *testing.T, s *archive.Spool, n int) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
		l.mu.Lock()
		held := len(l.held)
		l.mu.Unlock()
		if held >= n && s.Status().Retries > 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("nothing was tried")
		}
	}
}

func absentSoon(t *testing.T, s archive.Store, name string) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		_, err := s.Stat(t.Context(), name)
		if errors.Is(err, archive.ErrAbsent) {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is there: %v", name, err)
		}
	}
}

// What a far store does late does not bring back what was deleted meanwhile, whether
// the program lives on or another one comes after it.
func TestWhatArrivesLateDoesNotBringBackWhatWasDeleted(t *testing.T) {
	for _, killed := range []bool{false, true} {
		ctx := t.Context()
		near, far := newDisk(t), &late{Store: newDisk(t), slow: true}
		o := quick
		o.Late = 700 * time.Millisecond
		s, err := archive.NewSpool(ctx, near, &limited{far}, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := archive.PutBytes(ctx, s, "recordings/s/segment", []byte("a secret")); err != nil {
			t.Fatal(err)
		}
		far.tried(t, s, 1)
		if err := s.Delete(ctx, "recordings/s/segment"); err != nil {
			t.Fatal(err)
		}
		if err := s.Settle(ctx); err != nil { // nobody waits for what may come late
			t.Fatal(err)
		}
		if killed {
			s.Close()
			s = newSpool(t, near, &limited{far}, o)
		}
		if far.arrive() == 0 {
			t.Fatal("nothing came late")
		}
		if _, err := far.Stat(ctx, "recordings/s/segment"); err != nil && !killed {
			t.Errorf("it did not arrive: %v", err)
		}
		if _, err := s.Stat(ctx, "recordings/s/segment"); !errors.Is(err, archive.ErrAbsent) {
			t.Errorf("it is seen: %v", err)
		}
		for o, err := range s.List(ctx, "recordings/") {
			t.Errorf("%s is listed (%v)", o.Name, err)
		}
		absentSoon(t, far, "recordings/s/segment")
		emptied(t, near)
		s.Close()
	}
}

// What is stored again after a deletion is not deleted by what is done once more.
func TestWhatIsStoredAfterADeletionIsNotDeletedOnceMore(t *testing.T) {
	ctx := t.Context()
	near, far := newDisk(t), &late{Store: newDisk(t), slow: true}
	o := quick
	o.Late = 300 * time.Millisecond
	s := newSpool(t, near, &limited{far}, o)
	if err := archive.PutBytes(ctx, s, "a/one", []byte("first")); err != nil {
		t.Fatal(err)
	}
	far.tried(t, s, 1)
	if err := s.Delete(ctx, "a/one"); err != nil {
		t.Fatal(err)
	}
	if err := s.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	far.arrive()
	if err := archive.PutBytes(ctx, s, "a/one", []byte("second")); err != nil {
		t.Fatal(err)
	}
	if err := s.Settle(ctx); err != nil {
		t.Fatal(err)
	}
	emptied(t, near)
	time.Sleep(2 * o.Late)
	if got, err := archive.ReadObject(ctx, s, "a/one"); err != nil || !strings.HasPrefix(string(got), "second") {
		t.Errorf("%q %v", got, err)
	}
	if st := s.Status(); st.Objects != 0 || st.Bytes != 0 {
		t.Errorf("%+v", st)
	}
}
