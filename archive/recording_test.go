package archive_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
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
	dir := t.TempDir()
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

func TestTheCollectorKeepsWhatShapesAPage(t *testing.T) {
	s, index := stores(t)
	c := archive.NewCollector(s, index, nil)
	header := func(pairs ...string) http.Header {
		h := http.Header{}
		for i := 0; i < len(pairs); i += 2 {
			h.Set(pairs[i], pairs[i+1])
		}
		return h
	}
	now := time.Now()
	for i, a := range []struct {
		archive.Answer
		kept bool
		whom string
	}{
		{archive.Answer{Header: header("Content-Type", "text/css; charset=utf-8")}, true, ""},
		{archive.Answer{Header: header("Content-Type", "text/css"), Credentials: true, Visit: "v"}, true, "v"},
		{archive.Answer{Header: header("Content-Type", "text/css"), Credentials: true}, false, ""},
		{archive.Answer{Header: header("Content-Type", "image/png", "Cache-Control", "private"), Visit: "v"}, true, "v"},
		{archive.Answer{Header: header("Content-Type", "image/png", "Cache-Control", "no-store"), Visit: "v"}, false, ""},
		{archive.Answer{Header: header("Content-Type", "image/png", "Content-Disposition", "attachment; filename=x")}, false, ""},
		{archive.Answer{Header: header("Content-Type", "application/json")}, false, ""},
		{archive.Answer{Header: header("Content-Type", "application/octet-stream"), URL: "http://site/f.woff2?x"}, true, ""},
	} {
		a.Time = now
		if a.URL == "" {
			a.URL = fmt.Sprintf("http://site/%d#part", i)
		}
		w := c.Begin(a.Answer)
		if (w != nil) != a.kept {
			t.Errorf("%d: kept %v", i, w != nil)
		}
		if w != nil {
			_, _ = w.Write([]byte(a.URL))
			w.Commit()
		}
	}
	half := c.Begin(archive.Answer{URL: "http://site/half", Time: now, Header: header("Content-Type", "text/css")})
	_, _ = half.Write([]byte("x"))
	half.Abort()
	large := c.Begin(archive.Answer{URL: "http://site/large", Time: now, Header: header("Content-Type", "text/css")})
	if _, err := large.Write(make([]byte, 17<<20)); err == nil {
		t.Error("too large, and taken")
	}
	large.Abort()
	c.Close()
	if c.Lost() != 1 {
		t.Errorf("%d answers lost", c.Lost())
	}
	found, err := index.Find(t.Context(), "http://site/1", "v", now, now.Add(time.Minute))
	if err != nil || found.Visit != "v" || !strings.HasPrefix(string(found.Ref), "sha256-") {
		t.Errorf("%+v %v", found, err)
	}
	if _, err := index.Find(t.Context(), "http://site/1", "other", now, now.Add(time.Minute)); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("another visit's: %v", err)
	}
	if _, err := index.Find(t.Context(), "http://site/half", "", now, now); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("half: %v", err)
	}
}

// failing is a store that keeps nothing.
type failing struct{ archive.Store }

func (failing) Put(context.Context, string, io.ReaderAt, int64) error { return errors.New("full") }

func TestWhatAFailingStoreLosesIsCounted(t *testing.T) {
	s, index := stores(t)
	c := archive.NewCollector(failing{s}, index, nil)
	w := c.Begin(archive.Answer{URL: "http://site/a.css", Time: time.Now(), Header: http.Header{"Content-Type": {"text/css"}}})
	_, _ = w.Write([]byte("x"))
	w.Commit()
	c.Close()
	if c.Lost() != 1 {
		t.Errorf("%d answers lost", c.Lost())
	}
}

func TestAnswersThatStayTheSameAreFoundAtTheirTimes(t *testing.T) {
	s, index := stores(t)
	c := archive.NewCollector(s, index, nil)
	start := time.Now().Add(-time.Minute).Truncate(time.Second)
	at := func(sec int) time.Time { return start.Add(time.Duration(sec) * time.Second) }
	for _, a := range []struct {
		sec  int
		body string
	}{{0, "old"}, {5, "old"}, {6, "old"}, {10, "old"}, {12, "new"}, {14, "new"}, {16, "old"}} {
		w := c.Begin(archive.Answer{URL: "http://site/a.css", Time: at(a.sec), Header: http.Header{"Content-Type": {"text/css"}}})
		_, _ = w.Write([]byte(a.body))
		w.Commit()
	}
	c.Close()
	for _, q := range []struct {
		from, to int
		want     string
	}{{1, 13, "old"}, {7, 13, "old"}, {9, 11, "old"}, {11, 20, "new"}, {13, 20, "new"}, {15, 20, "old"}, {17, 20, "old"}} {
		got, err := index.Find(t.Context(), "http://site/a.css", "", at(q.from), at(q.to))
		if err != nil || got.Ref != archive.RefOf([]byte(q.want)) {
			t.Errorf("a page from %d to %d saw %v (%v), not %q", q.from, q.to, got, err, q.want)
		}
	}
}

func TestOldPrivateAnswersGo(t *testing.T) {
	s, index := stores(t)
	old := time.Now().Add(-72 * time.Hour)
	refs := map[string]archive.Ref{}
	for _, name := range []string{"private", "shared", "recorded"} {
		ref, err := archive.BlobsIn(s).Put(t.Context(), []byte(name))
		if err != nil {
			t.Fatal(err)
		}
		refs[name] = ref
		capture := archive.Capture{URL: "http://site/" + name, Time: old, Ref: ref, Type: "image/png", Visit: "v"}
		if name == "shared" {
			capture.Visit = ""
		}
		if err := index.Add(t.Context(), []archive.Capture{capture}); err != nil {
			t.Fatal(err)
		}
	}
	if err := index.Keep(t.Context(), "s1", []archive.Ref{refs["recorded"]}); err != nil {
		t.Fatal(err)
	}
	archive.NewCollector(s, index, nil).Close()
	for name, ref := range refs {
		_, err := archive.BlobsIn(s).Stat(t.Context(), ref)
		if gone := errors.Is(err, archive.ErrAbsent); gone != (name == "private") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
