// Package archivetest is the conformance suite of the archive's backends.
package archivetest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
)

// Blobs runs the suite of archive.BlobStore.
func Blobs(t *testing.T, s archive.BlobStore) {
	ctx := t.Context()
	for _, content := range [][]byte{nil, []byte("x"), bytes.Repeat([]byte("ab"), 1<<20)} {
		for range 2 {
			ref, err := s.Put(ctx, content)
			if err != nil || ref != archive.RefOf(content) {
				t.Fatalf("%s %v", ref, err)
			}
		}
		ref := archive.RefOf(content)
		if n, err := s.Stat(ctx, ref); err != nil || n != int64(len(content)) {
			t.Errorf("%d %v", n, err)
		}
		f, err := s.Open(ctx, ref)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(f)
		_ = f.Close()
		if err != nil || !bytes.Equal(got, content) {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if got, err := archive.ReadBlob(ctx, s, ref); err != nil || !bytes.Equal(got, content) {
			t.Errorf("%v", err)
		}
	}
	ref := archive.RefOf([]byte("x"))
	for range 2 {
		if err := s.Delete(ctx, ref); err != nil {
			t.Error(err)
		}
	}
	for _, gone := range []archive.Ref{ref, archive.RefOf([]byte("never")), "sha256-../../etc/passwd", ""} {
		if _, err := s.Open(ctx, gone); !errors.Is(err, archive.ErrAbsent) {
			t.Errorf("open %q: %v", gone, err)
		}
		if _, err := s.Stat(ctx, gone); !errors.Is(err, archive.ErrAbsent) {
			t.Errorf("stat %q: %v", gone, err)
		}
	}
}

// Objects runs the suite of archive.ObjectStore.
func Objects(t *testing.T, s archive.ObjectStore) {
	ctx := t.Context()
	for _, name := range []string{"b/2", "b/1", "c"} {
		for _, content := range []string{"old", name} {
			if err := s.PutObject(ctx, name, []byte(content)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if names, err := s.ListObjects(ctx, "b/"); err != nil || strings.Join(names, " ") != "b/1 b/2" {
		t.Errorf("%q %v", names, err)
	}
	if got, err := s.GetObject(ctx, "b/1"); err != nil || string(got) != "b/1" {
		t.Errorf("%q %v", got, err)
	}
	for range 2 {
		if err := s.DeleteObject(ctx, "b/1"); err != nil {
			t.Error(err)
		}
	}
	if _, err := s.GetObject(ctx, "b/1"); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("%v", err)
	}
	if err := s.PutObject(ctx, "../evil", nil); err == nil {
		t.Error("a name led outside")
	}
}

// Captures runs the suite of archive.CaptureIndex.
func Captures(t *testing.T, c archive.CaptureIndex) {
	ctx := t.Context()
	at := func(s int) time.Time { return time.Unix(1_700_000_000+int64(s), 0).UTC() }
	capture := func(s int, visit, content string) archive.Capture {
		return archive.Capture{URL: "http://site/a.css", Visit: visit, Time: at(s), Ref: archive.RefOf([]byte(content)), Type: "text/css", Size: 3}
	}
	if err := c.Add(ctx, []archive.Capture{capture(10, "", "shared"), capture(20, "v", "private"), capture(30, "", "later")}); err != nil {
		t.Fatal(err)
	}
	for _, q := range []struct {
		visit    string
		from, to int
		want     string
	}{
		{"", 5, 50, "shared"}, {"", 11, 50, "later"}, {"", 11, 30, "shared"}, {"v", 11, 30, "private"},
		{"v", 25, 28, "private"}, {"w", 25, 28, "shared"}, {"", 1, 2, "shared"}, {"", 90, 99, "later"},
	} {
		got, err := c.Find(ctx, "http://site/a.css", q.visit, at(q.from), at(q.to))
		if err != nil || got.Ref != archive.RefOf([]byte(q.want)) || got.Type != "text/css" || got.Size != 3 {
			t.Errorf("%+v: %+v %v", q, got, err)
		}
	}
	if _, err := c.Find(ctx, "http://site/none", "v", at(0), at(99)); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("%v", err)
	}
	if err := c.Add(ctx, []archive.Capture{capture(40, "v", "kept"), capture(41, "v", "shared"), capture(98, "v", "young")}); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := c.Keep(ctx, "recording", []archive.Ref{archive.RefOf([]byte("kept"))}); err != nil {
			t.Fatal(err)
		}
	}
	gone, err := c.Expire(ctx, at(90))
	if err != nil || len(gone) != 1 || gone[0] != archive.RefOf([]byte("private")) {
		t.Errorf("unneeded: %v %v", gone, err)
	}
	if got, err := c.Find(ctx, "http://site/a.css", "v", at(95), at(99)); err != nil || got.Ref != archive.RefOf([]byte("young")) {
		t.Errorf("after expiry: %+v %v", got, err)
	}
}
