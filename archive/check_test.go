package archive_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
)

// kept is an archive with two sealed recordings, s1 and s2, that share a blob,
// and have each another one and something private.
type kept struct {
	store    *disk.Store
	vaults   *archive.Vaults
	captures *disk.Captures
	refs     map[string]archive.Ref
}

func keep(t *testing.T) *kept {
	t.Helper()
	store, index := stores(t)
	vaults, err := archive.NewVaults(store, bytes.Repeat([]byte{1}, archive.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	k := &kept{store, vaults, index, map[string]archive.Ref{}}
	for _, content := range []string{"both", "only s1", "only s2"} {
		if k.refs[content], err = archive.BlobsIn(store).Put(t.Context(), []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	for _, session := range []string{"s1", "s2"} {
		k.seal(t, session)
	}
	return k
}

func (k *kept) seal(t *testing.T, session string) {
	t.Helper()
	ctx := t.Context()
	vault, err := k.vaults.Make(ctx, archive.SessionOwner(session))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vault.PutBlob(ctx, []byte("private to "+session)); err != nil {
		t.Fatal(err)
	}
	if err := k.captures.Keep(ctx, session, []archive.Ref{k.refs["both"], k.refs["only "+session]}); err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	w, err := archive.NewRecordingWriter(ctx, k.store, k.vaults, session)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(ctx, 1, time.Now(), []byte{1}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Seal(ctx, archive.Contents{}, key); err != nil {
		t.Fatal(err)
	}
}

// check runs one and returns what it found, in words and in order.
func (k *kept) check(t *testing.T, with func(*archive.Check)) []string {
	t.Helper()
	c := archive.Check{
		Store: k.store, Vaults: k.vaults, Captures: k.captures, Listed: map[string]bool{"s1": true, "s2": true},
		Open: func(string) bool { return false }, Now: time.Now().Add(time.Hour), Grace: time.Minute, Alone: true,
	}
	var found []string
	c.Found = func(f archive.Fault) {
		words := string(f.Kind) + " " + f.Name
		for content, ref := range k.refs {
			words = strings.ReplaceAll(words, string(ref), "“"+content+"”")
		}
		if f.Mended {
			words += ", mended"
		}
		found = append(found, words)
	}
	if with != nil {
		with(&c)
	}
	if err := c.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

func mend(c *archive.Check) { c.Mend = true }

func anyTop(string, archive.Ref) bool { return true }

// leave puts an object into a recording's folder that its top does not name.
func (k *kept) leave(t *testing.T) {
	t.Helper()
	if err := archive.PutBytes(t.Context(), k.store, "recordings/s1/index.0123456789abcdef", []byte("x")); err != nil {
		t.Fatal(err)
	}
}

func names(t *testing.T, store archive.Store) []string {
	t.Helper()
	all := map[string]bool{}
	for o, err := range store.List(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		all[o.Name] = true
	}
	return slices.Sorted(maps.Keys(all))
}

func TestAnArchiveInOrderHasNoFaults(t *testing.T) {
	k := keep(t)
	if found := k.check(t, func(c *archive.Check) { c.Contents = true; c.Mend = true }); len(found) != 0 {
		t.Errorf("%q", found)
	}
}

func TestCheckFindsAndMends(t *testing.T) {
	remove := func(t *testing.T, k *kept, prefix string) {
		t.Helper()
		n := 0
		for _, name := range names(t, k.store) {
			if strings.HasPrefix(name, prefix) {
				n++
				if err := k.store.Delete(t.Context(), name); err != nil {
					t.Fatal(err)
				}
			}
		}
		if n == 0 {
			t.Fatalf("nothing begins with %s", prefix)
		}
	}
	backup := func(t *testing.T) archive.Store {
		t.Helper()
		return keep(t).store
	}
	for name, q := range map[string]struct {
		damage func(t *testing.T, k *kept)
		with   func(t *testing.T, c *archive.Check)
		want   string
		left   string // after mending
	}{
		"a missing blob": {
			damage: func(t *testing.T, k *kept) {
				if err := archive.BlobsIn(k.store).Delete(t.Context(), k.refs["both"]); err != nil {
					t.Fatal(err)
				}
			},
			want: "missing blob “both”", left: "missing blob “both”",
		},
		"a missing blob of which there is another copy": {
			damage: func(t *testing.T, k *kept) {
				if err := archive.BlobsIn(k.store).Delete(t.Context(), k.refs["both"]); err != nil {
					t.Fatal(err)
				}
			},
			with: func(t *testing.T, c *archive.Check) { c.Backup = backup(t) },
			want: "missing blob “both”",
		},
		"a damaged blob of which there is another copy": {
			damage: func(t *testing.T, k *kept) {
				digits := strings.TrimPrefix(string(k.refs["only s1"]), "sha256-")
				if err := archive.PutBytes(t.Context(), k.store, "blobs/"+digits[:2]+"/"+digits[2:], []byte("only s3")); err != nil {
					t.Fatal(err)
				}
			},
			with: func(t *testing.T, c *archive.Check) { c.Backup, c.Contents = backup(t), true },
			want: "damaged blob “only s1”",
		},
		"a blob that nobody needs": {
			damage: func(t *testing.T, k *kept) {
				if _, err := archive.BlobsIn(k.store).Put(t.Context(), []byte("nobody's")); err != nil {
					t.Fatal(err)
				}
			},
			want: "orphan blob " + string(archive.RefOf([]byte("nobody's"))),
		},
		"a recording that is gone": {
			damage: func(t *testing.T, k *kept) { remove(t, k, "recordings/s2/") },
			want:   "missing recording s2", left: "missing recording s2",
		},
		"a recording that the catalogue does not know": {
			damage: func(t *testing.T, k *kept) { k.refs["only s3"] = k.refs["both"]; k.seal(t, "s3") },
			with: func(_ *testing.T, c *archive.Check) {
				c.Enter = func(_ context.Context, session string) error { c.Listed[session] = true; return nil }
			},
			want: "unlisted recording s3",
		},
		"a key whose owner is gone": {
			damage: func(t *testing.T, k *kept) {
				if _, err := k.vaults.Make(t.Context(), archive.SessionOwner("s9")); err != nil {
					t.Fatal(err)
				}
			},
			want: "orphan key session-s9",
		},
		"what is left of an owner without a key": {
			damage: func(t *testing.T, k *kept) {
				vault, err := k.vaults.Make(t.Context(), "visit-9")
				if err != nil {
					t.Fatal(err)
				}
				if _, err := vault.PutBlob(t.Context(), []byte("x")); err != nil {
					t.Fatal(err)
				}
				remove(t, k, "keys/visit-9")
			},
			want: "orphan private visit-9",
		},
		"blobs kept for a recording that is gone": {
			damage: func(t *testing.T, k *kept) {
				if err := k.captures.Keep(t.Context(), "s9", []archive.Ref{k.refs["both"]}); err != nil {
					t.Fatal(err)
				}
			},
			want: "stale use s9",
		},
		"what a sealing that was killed left in a recording's folder": {
			damage: func(t *testing.T, k *kept) { k.leave(t) },
			with:   func(_ *testing.T, c *archive.Check) { c.Sealed = anyTop },
			want:   "left over recordings/s1/index.0123456789abcdef",
		},
		"and nobody knows which top is the last": {
			damage: func(t *testing.T, k *kept) { k.leave(t) },
			want:   "left over recordings/s1/index.0123456789abcdef", left: "left over recordings/s1/index.0123456789abcdef",
		},
		"and another top is the last": {
			damage: func(t *testing.T, k *kept) { k.leave(t) },
			with: func(_ *testing.T, c *archive.Check) {
				c.Sealed = func(string, archive.Ref) bool { return false }
			},
			want: "left over recordings/s1/index.0123456789abcdef", left: "left over recordings/s1/index.0123456789abcdef",
		},
		"and the session may be sealed anew": {
			damage: func(t *testing.T, k *kept) { k.leave(t) },
			with: func(_ *testing.T, c *archive.Check) {
				c.Sealed, c.Open = anyTop, func(session string) bool { return session == "s1" }
			},
			want: "left over recordings/s1/index.0123456789abcdef", left: "left over recordings/s1/index.0123456789abcdef",
		},
		"files that are pinned for a session that is gone": {
			damage: func(t *testing.T, k *kept) {
				c := archive.Capture{URL: "http://site/a", Location: "http://site/b", Time: time.Now()}
				if err := k.captures.Pin(t.Context(), []archive.Pin{{Session: "s9", Page: 1, Capture: c}, {Session: "s8", Page: 1, Capture: c}}); err != nil {
					t.Fatal(err)
				}
			},
			with: func(_ *testing.T, c *archive.Check) { c.Open = func(session string) bool { return session == "s8" } },
			want: "stale pins s9",
		},
		"parts of a recording that nobody will finish": {
			damage: func(t *testing.T, k *kept) {
				if err := archive.PutBytes(t.Context(), k.store, "recordings/s9/segment-0000.zst", []byte("x")); err != nil {
					t.Fatal(err)
				}
			},
			want: "unsealed recording s9",
		},
	} {
		t.Run(name, func(t *testing.T) {
			k := keep(t)
			q.damage(t, k)
			with := func(c *archive.Check) {
				if q.with != nil {
					q.with(t, c)
				}
			}
			if found := strings.Join(k.check(t, with), "|"); found != q.want {
				t.Fatalf("found %q, want %q", found, q.want)
			}
			k.check(t, func(c *archive.Check) { with(c); c.Mend = true })
			listed := func(c *archive.Check) {
				with(c)
				c.Listed["s3"] = name == "a recording that the catalogue does not know"
				if !c.Listed["s3"] {
					delete(c.Listed, "s3")
				}
			}
			if left := strings.Join(k.check(t, listed), "|"); left != q.left {
				t.Errorf("left %q, want %q", left, q.left)
			}
		})
	}
}

func TestWhatMayBeInUseIsLeftAlone(t *testing.T) {
	k := keep(t)
	if _, err := archive.BlobsIn(k.store).Put(t.Context(), []byte("just captured")); err != nil {
		t.Fatal(err)
	}
	if err := archive.PutBytes(t.Context(), k.store, "recordings/s9/segment-0000.zst", []byte("x")); err != nil {
		t.Fatal(err)
	}
	k.leave(t)
	before := names(t, k.store)
	young := func(c *archive.Check) { mend(c); c.Grace = 2 * time.Hour }
	if found := k.check(t, young); len(found) != 0 {
		t.Errorf("%q", found)
	}
	open := func(c *archive.Check) {
		mend(c)
		c.Sealed, c.Open = anyTop, func(session string) bool { return session != "s2" }
	}
	if found := k.check(t, open); len(found) != 2 || found[0] != "left over recordings/s1/index.0123456789abcdef" || !strings.HasPrefix(found[1], "orphan blob") {
		t.Errorf("%q", found)
	}
	if after := names(t, k.store); len(after) != len(before)-1 {
		t.Errorf("%q, then %q", before, after)
	}
}

// touched is a store in which a sealer writes what is about to be removed.
type touched struct{ archive.Store }

func (s touched) Stat(ctx context.Context, name string) (archive.Object, error) {
	o, err := s.Store.Stat(ctx, name)
	if strings.HasPrefix(name, "recordings/s1/index.") {
		o.Time = o.Time.Add(time.Second)
	}
	return o, err
}

func TestWhatIsWrittenAgainIsNotRemoved(t *testing.T) {
	k := keep(t)
	k.leave(t)
	found := k.check(t, func(c *archive.Check) { c.Store, c.Sealed, c.Mend = touched{k.store}, anyTop, true })
	if strings.Join(found, "|") != "left over recordings/s1/index.0123456789abcdef" {
		t.Errorf("%q", found)
	}
	if !slices.Contains(names(t, k.store), "recordings/s1/index.0123456789abcdef") {
		t.Error("it was removed")
	}
}

func TestErasedIsErased(t *testing.T) {
	k := keep(t)
	ctx := t.Context()
	for range 2 {
		if err := archive.Erase(ctx, k.store, k.vaults, k.captures, "s1"); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range names(t, k.store) {
		if strings.Contains(name, "s1") {
			t.Errorf("%s is left", name)
		}
	}
	gone, err := k.captures.Expire(ctx, time.Now(), time.Time{})
	if err != nil || fmt.Sprint(gone.Refs) != fmt.Sprint([]archive.Ref{k.refs["only s1"]}) {
		t.Errorf("unneeded: %v %v", gone, err)
	}
	if found := k.check(t, func(c *archive.Check) { delete(c.Listed, "s1") }); len(found) != 1 {
		t.Errorf("%q", found) // the blob that the collector is about to remove
	}
	vault, err := k.vaults.Open(ctx, archive.SessionOwner("s2"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := vault.ReadBlob(ctx, archive.RefOf([]byte("private to s2"))); err != nil {
		t.Errorf("the other recording's: %v", err)
	}
}

// locked is a store whose recordings nobody may delete yet.
type locked struct{ archive.Store }

func (l locked) Delete(ctx context.Context, name string) error {
	if strings.HasPrefix(name, "recordings/") {
		return fmt.Errorf("%s: %w until tomorrow", name, archive.ErrLocked)
	}
	return l.Store.Delete(ctx, name)
}

func TestALockedRecordingLosesItsKey(t *testing.T) {
	k := keep(t)
	err := archive.Erase(t.Context(), locked{k.store}, k.vaults, k.captures, "s1")
	if !errors.Is(err, archive.ErrLocked) {
		t.Errorf("%v", err)
	}
	if _, err := k.vaults.Open(t.Context(), archive.SessionOwner("s1")); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("its key: %v", err)
	}
}
