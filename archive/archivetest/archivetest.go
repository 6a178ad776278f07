// Package archivetest is the conformance suite of the archive's backends.
package archivetest

import (
	"bytes"
	"context"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
)

// Store runs the suite of archive.Store, below a prefix where nothing is yet.
func Store(t *testing.T, s archive.Store) {
	t.Run("objects come back", func(t *testing.T) { objects(t, s) })
	t.Run("names are listed in order", func(t *testing.T) { listing(t, s) })
	t.Run("what is short is not stored", func(t *testing.T) { short(t, s) })
	t.Run("no name leads outside", func(t *testing.T) { names(t, s) })
	t.Run("objects of many parts", func(t *testing.T) { large(t, s) })
	t.Run("many store one name at once", func(t *testing.T) { together(t, s) })
	t.Run("what is replaced is read whole", func(t *testing.T) { replaced(t, s) })
	t.Run("what a caller gives up is not stored", func(t *testing.T) { ended(t, s) })
	t.Run("2,500 objects are listed", func(t *testing.T) { many(t, s) })
	t.Run("one of many makes an object", func(t *testing.T) { made(t, s) })
	t.Run("a vault that many make at once has one key", func(t *testing.T) { oneKey(t, s) })
	t.Run("blobs", func(t *testing.T) { blobs(t, archive.BlobsIn(s)) })
	t.Run("vaults", func(t *testing.T) { vaults(t, s) })
}

func objects(t *testing.T, s archive.Store) {
	ctx := t.Context()
	before := time.Now().Add(-time.Minute)
	for _, content := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("ab"), 1<<20)} {
		for _, stored := range [][]byte{[]byte("what was there before"), content} {
			if err := archive.PutBytes(ctx, s, "objects/one", stored); err != nil {
				t.Fatal(err)
			}
		}
		o, err := s.Stat(ctx, "objects/one")
		if err != nil || o.Size != int64(len(content)) || o.Name != "objects/one" || o.Time.Before(before) {
			t.Errorf("%+v %v", o, err)
		}
		f, err := s.Open(ctx, "objects/one")
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(f)
		_ = f.Close()
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	for range 2 {
		if err := s.Delete(ctx, "objects/one"); err != nil {
			t.Error(err)
		}
	}
	for _, gone := range []string{"objects/one", "objects/never", "objects"} {
		if _, err := s.Open(ctx, gone); !errors.Is(err, archive.ErrAbsent) {
			t.Errorf("open %q: %v", gone, err)
		}
		if _, err := s.Stat(ctx, gone); !errors.Is(err, archive.ErrAbsent) {
			t.Errorf("stat %q: %v", gone, err)
		}
	}
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if err := archive.PutBytes(ended, s, "objects/late", nil); err == nil {
		t.Error("stored for a caller who had gone")
	}
}

func listing(t *testing.T, s archive.Store) {
	ctx := t.Context()
	all := []string{"list/a-b", "list/a.b", "list/a/1", "list/a/2", "list/a/b/c", "list/b", "listed"}
	for _, i := range []int{3, 1, 5, 0, 6, 4, 2} {
		if err := archive.PutBytes(ctx, s, all[i], []byte(all[i])); err != nil {
			t.Fatal(err)
		}
	}
	for prefix, want := range map[string][]string{
		"list/": all[:6], "list": all, "list/a/": all[2:5], "list/a": all[:5], "list/a/2": all[3:4], "list/none": nil, "lists": nil,
	} {
		var got []string
		for o, err := range s.List(ctx, prefix) {
			if err != nil {
				t.Fatal(err)
			}
			if o.Size != int64(len(o.Name)) || o.Time.IsZero() {
				t.Errorf("%+v", o)
			}
			got = append(got, o.Name)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%q: %q", prefix, got)
		}
	}
	for o, err := range s.List(ctx, "list") {
		if err != nil || o.Name != all[0] {
			t.Errorf("%+v %v", o, err)
		}
		break // a caller may have seen enough
	}
}

func short(t *testing.T, s archive.Store) {
	if err := s.Put(t.Context(), "short/one", strings.NewReader("abc"), 5); err == nil {
		t.Error("3 bytes of 5 were stored")
	}
	if _, err := s.Stat(t.Context(), "short/one"); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("%v", err)
	}
}

func names(t *testing.T, s archive.Store) {
	for _, name := range []string{"", "/", "/a", "a/", "a//b", "..", "../evil", "a/../b", "a/./b", "a/..", "a b", "a\\b", "ä", "a\x00b", "a?b", "a%2fb", "~new/a", strings.Repeat("a/", 300) + "a"} {
		if err := archive.PutBytes(t.Context(), s, name, nil); err == nil {
			t.Errorf("%q was stored", name)
		}
		if _, err := s.Open(t.Context(), name); err == nil {
			t.Errorf("%q was opened", name)
		}
		if err := s.Delete(t.Context(), name); err == nil {
			t.Errorf("%q was deleted", name)
		}
	}
}

func blobs(t *testing.T, b archive.Blobs) {
	ctx := t.Context()
	for _, content := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("ab"), 1<<20)} {
		for range 2 {
			if ref, err := b.Put(ctx, content); err != nil || ref != archive.RefOf(content) {
				t.Fatalf("%s %v", ref, err)
			}
		}
		ref := archive.RefOf(content)
		if n, err := b.Stat(ctx, ref); err != nil || n != int64(len(content)) {
			t.Errorf("%d %v", n, err)
		}
		if got, err := b.Read(ctx, ref); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
	}
	ref := archive.RefOf([]byte("x"))
	for range 2 {
		if err := b.Delete(ctx, ref); err != nil {
			t.Error(err)
		}
	}
	for _, gone := range []archive.Ref{ref, archive.RefOf([]byte("never")), "sha256-../../etc/passwd", ""} {
		if _, err := b.Read(ctx, gone); !errors.Is(err, archive.ErrAbsent) {
			t.Errorf("read %q: %v", gone, err)
		}
		if _, err := b.Stat(ctx, gone); !errors.Is(err, archive.ErrAbsent) {
			t.Errorf("stat %q: %v", gone, err)
		}
	}
}

func vaults(t *testing.T, s archive.Store) {
	ctx := t.Context()
	v, err := archive.NewVaults(s, bytes.Repeat([]byte{7}, archive.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	ann, err := v.Make(ctx, "session-ann")
	if err != nil {
		t.Fatal(err)
	}
	bob, err := v.Make(ctx, "session-bob")
	if err != nil {
		t.Fatal(err)
	}
	secret := []byte("a picture of Ann's")
	for range 2 {
		if _, err := ann.PutBlob(ctx, secret); err != nil {
			t.Fatal(err)
		}
	}
	ref := archive.RefOf(secret)
	if _, err := bob.ReadBlob(ctx, ref); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("of another owner: %v", err)
	}
	for o, err := range s.List(ctx, "") {
		if err != nil {
			t.Fatal(err)
		}
		content, err := archive.ReadObject(ctx, s, o.Name)
		if err != nil || bytes.Contains(content, secret) || strings.Contains(o.Name, string(ref[len("sha256-"):])) {
			t.Errorf("%s: %q %v", o.Name, content, err)
		}
	}
	again, err := v.Open(ctx, "session-ann")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.ReadBlob(ctx, ref); err != nil || !bytes.Equal(got, secret) {
		t.Errorf("%q %v", got, err)
	}
	other, err := archive.NewVaults(s, bytes.Repeat([]byte{8}, archive.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open(ctx, "session-ann"); !errors.Is(err, archive.ErrDamaged) {
		t.Errorf("under another installation's key: %v", err)
	}
	for range 2 {
		if err := v.Destroy(ctx, "session-ann"); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := v.Open(ctx, "session-ann"); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("after its end: %v", err)
	}
	for o, err := range s.List(ctx, "private/session-ann/") {
		t.Errorf("%s is left (%v)", o.Name, err)
	}
	if _, err := v.Open(ctx, "session-bob"); err != nil {
		t.Errorf("the other's: %v", err)
	}
}
