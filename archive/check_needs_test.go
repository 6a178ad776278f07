package archive_test

import (
	"crypto/ed25519"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
)

// needing seals s3, whose manifest names the blob of both others and one of its own.
func (k *kept) needing(t *testing.T) {
	t.Helper()
	ctx := t.Context()
	own, err := archive.BlobsIn(k.store).Put(ctx, []byte("only s3"))
	if err != nil {
		t.Fatal(err)
	}
	k.refs["only s3"] = own
	w, err := archive.NewRecordingWriter(ctx, k.store, k.vaults, "s3")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(ctx, 1, time.Now(), []byte{1}); err != nil {
		t.Fatal(err)
	}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	captures := []archive.PageCapture{{Page: 1, URL: "http://s/a", Ref: k.refs["both"]}, {Page: 1, URL: "http://s/b", Ref: own}, {Page: 1, URL: "http://s/c", Location: "http://s/a"}}
	if _, err := w.Seal(ctx, archive.Contents{Captures: captures}, key); err != nil {
		t.Fatal(err)
	}
	if err := k.captures.Keep(ctx, "s3", []archive.Ref{k.refs["both"], own}); err != nil {
		t.Fatal(err)
	}
}

// An index that was lost tells that nobody needs any blob. The recordings know
// better: nothing that they need is removed, and the index learns of it.
func TestALostIndexCostsNoRecordingItsFiles(t *testing.T) {
	k := keep(t)
	k.needing(t)
	three := func(c *archive.Check) { c.Listed["s3"] = true }
	if found := k.check(t, three); len(found) != 0 {
		t.Fatalf("%q", found)
	}
	empty, err := disk.NewCaptures(filepath.Join(t.TempDir(), "captures.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = empty.Close() }()
	k.captures = empty
	const told = "missing use s3|orphan blob “only s1”|orphan blob “only s2”" // s1 and s2 name no files
	if found := strings.Join(k.check(t, three), "|"); found != told {
		t.Errorf("%s", found)
	}
	k.check(t, func(c *archive.Check) { three(c); mend(c) })
	for _, content := range []string{"both", "only s3"} {
		if b, err := archive.BlobsIn(k.store).Read(t.Context(), k.refs[content]); err != nil || string(b) != content {
			t.Errorf("%q: %q %v", content, b, err)
		}
		if needed, err := empty.Needs(t.Context(), k.refs[content]); err != nil || !needed {
			t.Errorf("%q is not needed (%v)", content, err)
		}
	}
	if found := k.check(t, three); len(found) != 0 {
		t.Errorf("%q", found)
	}
}

// Where what a recording needs cannot be read, or a gateway may capture a blob
// again, none is removed.
func TestNoBlobIsRemovedThatMayBeNeeded(t *testing.T) {
	for name, with := range map[string]func(*testing.T, *kept, *archive.Check){
		"a manifest is damaged": func(t *testing.T, k *kept, _ *archive.Check) {
			for _, object := range names(t, k.store) {
				if strings.HasPrefix(object, "recordings/s3/manifest") {
					if err := archive.PutBytes(t.Context(), k.store, object, []byte("noise")); err != nil {
						t.Fatal(err)
					}
				}
			}
		},
		"a gateway runs": func(_ *testing.T, _ *kept, c *archive.Check) { c.Alone = false },
	} {
		k := keep(t)
		k.needing(t)
		nobodys, err := archive.BlobsIn(k.store).Put(t.Context(), []byte("nobody's"))
		if err != nil {
			t.Fatal(err)
		}
		found := strings.Join(k.check(t, func(c *archive.Check) {
			mend(c)
			c.Listed["s3"] = true
			with(t, k, c)
		}), "|")
		if !strings.Contains(found, "orphan blob "+string(nobodys)) || strings.Contains(found, "mended") || strings.Contains(found, "unreadable list s3") != (name == "a manifest is damaged") {
			t.Errorf("%s: %s", name, found)
		}
		if _, err := archive.BlobsIn(k.store).Read(t.Context(), nobodys); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
