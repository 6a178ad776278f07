package archive_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/archivetest"
)

func TestSplitIsAStore(t *testing.T) {
	near, rest := newDisk(t), newDisk(t)
	archivetest.Store(t, archive.Split(near, []string{"list/a/", "together/", "objects/", "keys/session-b"}, rest))
	if len(contents(t, near)) == 0 || len(contents(t, rest)) == 0 {
		t.Error("all of it is in one")
	}
}

// What visits fetched goes to no bucket: it is kept, read and expired while the
// bucket hangs, and nobody waits.
func TestVisitsNeedNoFarStore(t *testing.T) {
	fault, _ := switched(errHang)
	near, far := newDisk(t), newDisk(t)
	spool := newSpool(t, newDisk(t), &limited{&fickle{far, fault}}, quick)
	s := archive.Split(near, archive.Passing, spool)
	vaults, err := archive.NewVaults(s, make([]byte, archive.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	owner := archive.VisitOwner("a visit")
	vault, err := vaults.Make(ctx, owner)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := vault.PutBlob(ctx, []byte("a user's own picture"))
	if err != nil {
		t.Fatal(err)
	}
	if again, err := vaults.Open(ctx, owner); err != nil {
		t.Error(err)
	} else if got, err := again.ReadBlob(ctx, ref); err != nil || string(got) != "a user's own picture" {
		t.Errorf("%q %v", got, err)
	}
	if all := contents(t, near); len(all) != 2 {
		t.Errorf("%d objects are near", len(all))
	}
	if err := vaults.Destroy(ctx, owner); err != nil {
		t.Error(err)
	}
	if _, err := vaults.Open(ctx, owner); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("%v", err)
	}
	if st := spool.Status(); st.Objects != 0 {
		t.Errorf("%+v", st)
	}
	l, ok := s.(archive.Locker)
	if !ok || !errors.Is(l.Lock(ctx, "blobs/x", time.Now()), archive.ErrNoLocks) || !strings.HasPrefix(archive.Passing[0], "keys/") {
		t.Error("it locks")
	}
}

func TestBesideASpoolIsAStore(t *testing.T) {
	near, far := newDisk(t), newDisk(t)
	archivetest.Store(t, archive.Beside(near, far))
	// What a spool left there is seen, and what it has still to delete is not.
	fault, _ := switched(errAway)
	spool := newSpool(t, near, &fickle{far, fault}, quick)
	ctx := t.Context()
	if err := errors.Join(archive.PutBytes(ctx, far, "beside/gone", []byte("x")), archive.PutBytes(ctx, spool, "beside/one", []byte("one")), spool.Delete(ctx, "beside/gone")); err != nil {
		t.Fatal(err)
	}
	s := archive.Beside(near, far)
	if got, err := archive.ReadObject(ctx, s, "beside/one"); err != nil || string(got) != "one" {
		t.Errorf("%q %v", got, err)
	}
	var names []string
	for o, err := range s.List(ctx, "beside/") {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, o.Name)
	}
	if o, err := s.Stat(ctx, "beside/one"); err != nil || o.Name != "beside/one" || len(names) != 1 || names[0] != "beside/one" {
		t.Errorf("%+v %v %q", o, err, names)
	}
	for _, err := range []error{func() error { _, err := s.Open(ctx, "beside/gone"); return err }(), func() error { _, err := s.Stat(ctx, "beside/gone"); return err }()} {
		if !errors.Is(err, archive.ErrAbsent) {
			t.Errorf("%v", err)
		}
	}
	// What is deleted here is not sent by the spool.
	if err := s.Delete(ctx, "beside/one"); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.ReadObject(ctx, s, "beside/one"); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("%v", err)
	}
}
