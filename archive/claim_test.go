package archive_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/archivetest"
)

func claimedBy(store archive.Store, id string) *archive.Claimed {
	return archive.NewClaimed(store, func() (archive.Owner, error) {
		return archive.Owner{ID: id, Host: "host-of-" + id, Since: time.Now().UTC()}, nil
	})
}

func TestAClaimedStoreIsAStore(t *testing.T) {
	archivetest.Store(t, claimedBy(newDisk(t), "one"))
}

// Of many installations that come to a store at once, one may change it; the others
// read it, are told whose it is, and change nothing.
func TestAStoreIsOneInstallationsAlone(t *testing.T) {
	ctx := t.Context()
	far := newDisk(t)
	var mu sync.Mutex
	var mine []string
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			id := fmt.Sprint("gateway-", i)
			switch err := archive.PutBytes(ctx, claimedBy(far, id), "blobs/ab/"+id, []byte(id)); {
			case err == nil:
				mu.Lock()
				defer mu.Unlock()
				mine = append(mine, id)
			case !errors.Is(err, archive.ErrClaimed) || !strings.Contains(err.Error(), "host-of-gateway-") || !strings.Contains(err.Error(), id):
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if len(mine) != 1 {
		t.Fatalf("it is %q's", mine)
	}
	owner, err := archive.ReadOwner(ctx, far)
	if err != nil || owner.ID != mine[0] || time.Since(owner.Since) > time.Minute {
		t.Errorf("%+v %v", owner, err)
	}
	other, name := claimedBy(far, "another"), "blobs/ab/"+mine[0]
	for what, err := range map[string]error{
		"put": archive.PutBytes(ctx, other, name, []byte("x")), "make": other.Make(ctx, "made/x", nil), "delete": other.Delete(ctx, name), "claim": other.Claim(ctx),
	} {
		if !errors.Is(err, archive.ErrClaimed) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if got, err := archive.ReadObject(ctx, other, name); err != nil || string(got) != mine[0] {
		t.Errorf("%q %v", got, err)
	}
	if all := contents(t, far); len(all) != 2 {
		t.Errorf("%q", all)
	}
	if err := claimedBy(far, mine[0]).Delete(ctx, name); err != nil { // the next start of the same
		t.Error(err)
	}
}

// Whose a store is that is away is asked when it is back, before anything goes there.
func TestASpoolSendsNothingToAnothersStore(t *testing.T) {
	ctx := t.Context()
	fault, away := switched(errAway)
	far := newDisk(t)
	if err := claimedBy(far, "first").Claim(ctx); err != nil {
		t.Fatal(err)
	}
	if err := archive.PutBytes(ctx, far, "blobs/ab/theirs", []byte("theirs")); err != nil {
		t.Fatal(err)
	}
	s := newSpool(t, newDisk(t), claimedBy(&fickle{far, fault}, "second"), quick)
	for _, err := range []error{archive.PutBytes(ctx, s, "blobs/ab/ours", []byte("ours")), s.Delete(ctx, "blobs/ab/theirs")} {
		if err != nil {
			t.Fatal(err)
		}
	}
	away.Store(false)
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if err := s.Settle(short); !errors.Is(err, archive.ErrClaimed) {
		t.Errorf("%v", err)
	}
	if st := s.Status(); st.Objects != 2 || !errors.Is(st.LastFail, archive.ErrClaimed) {
		t.Errorf("%+v", st)
	}
	if all := contents(t, far); len(all) != 2 || all["blobs/ab/theirs"] != "theirs" {
		t.Errorf("%q", all)
	}
}

// A store that is away, or that says nonsense, is not claimed.
func TestAStoreThatCannotBeAskedIsNobodys(t *testing.T) {
	fault, away := switched(errAway)
	far := newDisk(t)
	c := claimedBy(&fickle{far, fault}, "one")
	if err := archive.PutBytes(t.Context(), c, "a/b", nil); !errors.Is(err, errAway) {
		t.Errorf("%v", err)
	}
	away.Store(false)
	if err := archive.PutBytes(t.Context(), far, "owner", []byte("{}")); err != nil {
		t.Fatal(err)
	}
	if err := archive.PutBytes(t.Context(), c, "a/b", nil); !errors.Is(err, archive.ErrDamaged) {
		t.Errorf("%v", err)
	}
	if f, err := far.Open(t.Context(), "a/b"); !errors.Is(err, archive.ErrAbsent) {
		t.Error(err)
		_, _ = io.Copy(io.Discard, f)
	}
}
