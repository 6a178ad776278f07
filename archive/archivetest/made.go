package archivetest

import (
	"bytes"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/pillion-dev/pillion/archive"
)

// made: of many who make an object, one succeeds, and nobody replaces what is there.
func made(t *testing.T, s archive.Store) {
	m, can := s.(archive.Maker)
	if !can {
		t.Fatal("it cannot make objects")
	}
	ctx := t.Context()
	for round := range 5 {
		name := fmt.Sprint("made/", round)
		var wg sync.WaitGroup
		var first atomic.Pointer[string]
		for i := range 12 {
			wg.Go(func() {
				content := fmt.Sprintf("%d of %d", i, round)
				switch err := m.Make(ctx, name, []byte(content)); {
				case err == nil && !first.CompareAndSwap(nil, &content):
					t.Errorf("%s was made twice", name)
				case err != nil && !errors.Is(err, archive.ErrExists):
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if first.Load() == nil {
			t.Fatalf("nobody made %s", name)
		}
		if err := m.Make(ctx, name, []byte("later")); !errors.Is(err, archive.ErrExists) {
			t.Errorf("made again: %v", err)
		}
		if got, err := archive.ReadObject(ctx, s, name); err != nil || string(got) != *first.Load() {
			t.Errorf("%q, %v, not %q", got, err, *first.Load())
		}
		if err := s.Delete(ctx, name); err != nil {
			t.Fatal(err)
		}
		if err := m.Make(ctx, name, []byte("after")); err != nil {
			t.Errorf("made after it was deleted: %v", err)
		}
	}
	for _, name := range []string{"", "../evil", "a b"} {
		if err := m.Make(ctx, name, nil); err == nil || errors.Is(err, archive.ErrExists) {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// oneKey: whoever opens a vault at the same time as others has the same key as they.
func oneKey(t *testing.T, s archive.Store) {
	ctx := t.Context()
	for round := range 5 {
		owner := archive.SessionOwner(fmt.Sprint("together-", round))
		all := make([]*archive.Vault, 8)
		var wg sync.WaitGroup
		for i := range all {
			wg.Go(func() {
				v, err := archive.NewVaults(s, bytes.Repeat([]byte{9}, archive.KeySize))
				if err == nil {
					all[i], err = v.Make(ctx, owner)
				}
				if err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		for _, v := range all {
			if v == nil || !v.Same(all[0]) {
				t.Fatal("there are two keys")
			}
		}
	}
}
