package archivetest

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

	"github.com/pillion-dev/pillion/archive"
)

// noise is content that no store can shorten, the same for the same seed.
func noise(seed uint64, size int) []byte {
	b := make([]byte, size)
	_, _ = rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)}).Read(b) // never fails
	return b
}

// large: an object of more parts than one, replaced by others.
func large(t *testing.T, s archive.Store) {
	ctx := t.Context()
	for i, size := range []int{21<<20 + 7, 33 << 20, 5} {
		content := noise(uint64(i), size)
		if err := archive.PutBytes(ctx, s, "large/one", content); err != nil {
			t.Fatal(err)
		}
		if o, err := s.Stat(ctx, "large/one"); err != nil || o.Size != int64(size) {
			t.Errorf("%+v %v", o, err)
		}
		if got, err := archive.ReadObject(ctx, s, "large/one"); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes of %d, %v", len(got), size, err)
		}
	}
	if err := s.Delete(ctx, "large/one"); err != nil {
		t.Error(err)
	}
}

// together: a name that many store at once has one of their contents, whole.
func together(t *testing.T, s archive.Store) {
	ctx := t.Context()
	var wg sync.WaitGroup
	for i := range 16 {
		wg.Go(func() {
			content := bytes.Repeat([]byte{byte('a' + i)}, 10_000+i)
			if err := archive.PutBytes(ctx, s, "together/one", content); err != nil {
				t.Error(err)
			}
			got, err := archive.ReadObject(ctx, s, "together/one")
			if err != nil || len(got) < 10_000 || len(got) != 10_000+int(got[0]-'a') || len(bytes.Trim(got, string(got[:1]))) != 0 {
				t.Errorf("%d bytes, %v", len(got), err)
			}
		})
	}
	wg.Wait()
	last := []byte("the last one")
	if err := archive.PutBytes(ctx, s, "together/one", last); err != nil {
		t.Fatal(err)
	}
	if got, err := archive.ReadObject(ctx, s, "together/one"); err != nil || !bytes.Equal(got, last) {
		t.Errorf("%q %v", got, err)
	}
	n := 0
	for o, err := range s.List(ctx, "together/") {
		if n++; err != nil || o.Size != int64(len(last)) {
			t.Errorf("%+v %v", o, err)
		}
	}
	if n != 1 {
		t.Errorf("listed %d times", n)
	}
}

// many: lists that are longer than a page.
func many(t *testing.T, s archive.Store) {
	const count = 2500
	ctx := t.Context()
	var wg sync.WaitGroup
	var next atomic.Int64
	for range 16 {
		wg.Go(func() {
			for i := next.Add(1); i <= count; i = next.Add(1) {
				if err := archive.PutBytes(ctx, s, fmt.Sprintf("many/%04d/x", i), []byte("x")); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	n := 0
	for o, err := range s.List(ctx, "many/") {
		n++
		if want := fmt.Sprintf("many/%04d/x", n); err != nil || o.Name != want || o.Size != 1 {
			t.Fatalf("%+v, not %s (%v)", o, want, err)
		}
	}
	if n != count {
		t.Errorf("%d of %d were listed", n, count)
	}
	ended, cancel := context.WithCancel(ctx)
	n = 0
	var failed error
	for _, err := range s.List(ended, "many/") {
		if n++; err != nil {
			failed = err
		}
		cancel()
	}
	if !errors.Is(failed, context.Canceled) {
		t.Errorf("a list of which the caller had enough ended after %d with %v", n, failed)
	}
	cancel()
}

// ended: what a caller gives up leaves things as they were.
func ended(t *testing.T, s archive.Store) {
	ctx := t.Context()
	if err := archive.PutBytes(ctx, s, "ended/before", []byte("before")); err != nil {
		t.Fatal(err)
	}
	content := noise(9, 18<<20)
	for _, name := range []string{"ended/before", "ended/never"} {
		on, cancel := context.WithCancel(ctx)
		if err := s.Put(on, name, &leaving{bytes.NewReader(content), cancel}, int64(len(content))); err == nil {
			t.Errorf("%s was stored for a caller who had gone", name)
		}
		cancel()
	}
	if got, err := archive.ReadObject(ctx, s, "ended/before"); err != nil || string(got) != "before" {
		t.Errorf("%d bytes, %v", len(got), err)
	}
	if _, err := s.Stat(ctx, "ended/never"); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("%v", err)
	}
	f, err := s.Open(ctx, "ended/before")
	if err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil { // nothing was read
		t.Error(err)
	}
}

// leaving is content whose caller goes away in the middle of it.
type leaving struct {
	io.ReaderAt
	leave context.CancelFunc
}

func (l *leaving) ReadAt(p []byte, off int64) (int, error) {
	if off > 17<<20 {
		l.leave()
	}
	return l.ReaderAt.ReadAt(p, off)
}

// replaced: readers of a name that is stored over and over see one content or
// another, never a mixture nor none.
func replaced(t *testing.T, s archive.Store) {
	ctx := t.Context()
	a, b := noise(1, 50_000), []byte(strings.Repeat("b", 70_000))
	if err := archive.PutBytes(ctx, s, "replaced/one", a); err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for reads := 0; ; reads++ {
				select {
				case <-done:
					if reads == 0 {
						t.Error("nothing was read")
					}
					return
				default:
				}
				if got, err := archive.ReadObject(ctx, s, "replaced/one"); err != nil || !bytes.Equal(got, a) && !bytes.Equal(got, b) {
					t.Errorf("%d bytes, %v", len(got), err)
					return
				}
			}
		})
	}
	for i := range 40 {
		if err := archive.PutBytes(ctx, s, "replaced/one", [][]byte{b, a}[i%2]); err != nil {
			t.Error(err)
		}
	}
	close(done)
	wg.Wait()
}
