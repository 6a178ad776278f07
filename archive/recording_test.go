package archive_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
)

func sealed(t *testing.T) (s *disk.Store, dir string, key ed25519.PrivateKey) {
	t.Helper()
	dir = t.TempDir()
	s, err := disk.NewStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	_, key, err = ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	ref, err := archive.BlobsIn(s).Put(t.Context(), []byte("body{}"))
	if err != nil {
		t.Fatal(err)
	}
	w := archive.NewRecordingWriter(s, "s1")
	start := time.Unix(1_700_000_000, 0)
	for o := uint64(1); o <= 300; o++ {
		record := append(binary.AppendUvarint(nil, o), bytes.Repeat([]byte{byte(o)}, 10_000)...)
		if err := w.Append(t.Context(), o, start.Add(time.Duration(o)*time.Second), record); err != nil {
			t.Fatal(err)
		}
		if o%100 == 0 {
			if err := w.Keyframe(t.Context(), [][]byte{[]byte("state")}); err != nil {
				t.Fatal(err)
			}
		}
	}
	m, err := w.Seal(t.Context(), archive.Contents{
		Session: map[string]string{"id": "s1"}, Captures: []archive.PageCapture{{Page: 1, URL: "http://site/a.css", Ref: ref}},
	}, key)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Segments) != 3 || len(m.Keyframes) != 3 || m.Duration != 299_000 || m.Keyframes[1].Offset != 200 {
		t.Fatalf("%+v", m)
	}
	return s, dir, key
}

func TestARecordingComesBack(t *testing.T) {
	s, _, key := sealed(t)
	r, err := archive.OpenRecording(t.Context(), s, "s1")
	if err != nil {
		t.Fatal(err)
	}
	n := uint64(0)
	for i := range r.Segments {
		b, err := r.SegmentBytes(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if err := archive.Each(b, func([]byte) error { n++; return nil }); err != nil {
			t.Fatal(err)
		}
	}
	if n != 300 {
		t.Errorf("%d records", n)
	}
	if problems, err := archive.Verify(t.Context(), s, "s1", key.Public().(ed25519.PublicKey)); err != nil || len(problems) != 0 {
		t.Errorf("%q %v", problems, err)
	}
	other, _, _ := ed25519.GenerateKey(nil)
	if problems, _ := archive.Verify(t.Context(), s, "s1", other); len(problems) != 1 {
		t.Errorf("another key: %q", problems)
	}
	if _, err := archive.OpenRecording(t.Context(), s, "nobody"); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("%v", err)
	}
	w := archive.NewRecordingWriter(s, "s2")
	if err := w.Append(t.Context(), 2, time.Now(), nil); err == nil {
		t.Error("a gap was sealed")
	}
}

func TestEveryDamageIsFound(t *testing.T) {
	s, dir, _ := sealed(t)
	files := map[string]bool{}
	err := filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			files[path] = true
		}
		return err
	})
	if err != nil || len(files) != 9 {
		t.Fatalf("%v %v", files, err)
	}
	check := func(what string) {
		t.Helper()
		if problems, err := archive.Verify(t.Context(), s, "s1", nil); err != nil && !errors.Is(err, archive.ErrAbsent) || err == nil && len(problems) == 0 {
			t.Errorf("%s was not found (%v)", what, err)
		}
	}
	for path := range files {
		good, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(good); i += max(1, len(good)/40) {
			bad := bytes.Clone(good)
			bad[i] ^= 0x20
			write(t, path, bad)
			check(fmt.Sprintf("a flipped bit at %d of %s", i, filepath.Base(path)))
		}
		write(t, path, good[:len(good)/2])
		check("half of " + filepath.Base(path))
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		check("the loss of " + filepath.Base(path))
		write(t, path, good)
	}
	if problems, err := archive.Verify(t.Context(), s, "s1", nil); err != nil || len(problems) != 0 {
		t.Errorf("after all was put back: %q %v", problems, err)
	}
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// stores opens a store and a capture index of the test's own.
func stores(t *testing.T) (*disk.Store, *disk.Captures) {
	t.Helper()
	return storesIn(t, t.TempDir())
}

func storesIn(t *testing.T, dir string) (*disk.Store, *disk.Captures) {
	t.Helper()
	s, err := disk.NewStore(dir)
	if err != nil {
		t.Fatal(err)
	}
	index, err := disk.NewCaptures(filepath.Join(dir, "captures.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = index.Close() }) // read and written in the test
	return s, index
}
