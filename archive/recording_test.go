package archive_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
)

// evidence is an archive with recordings, and what they are checked with.
type evidence struct {
	dir     string
	store   *disk.Store
	vaults  *archive.Vaults
	key     ed25519.PrivateKey
	journal *archive.Journal
	assets  []archive.PageCapture
}

func newEvidence(t *testing.T) *evidence {
	t.Helper()
	e := &evidence{dir: t.TempDir(), key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))}
	var err error
	if e.store, err = disk.NewStore(e.dir); err != nil {
		t.Fatal(err)
	}
	if e.vaults, err = archive.NewVaults(e.store, bytes.Repeat([]byte{1}, archive.KeySize)); err != nil {
		t.Fatal(err)
	}
	if e.journal, err = archive.OpenJournal(filepath.Join(t.TempDir(), "sealed.log")); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.journal.Close() })
	for i, content := range []string{"body{}", "p{color:red}"} {
		ref, err := archive.BlobsIn(e.store).Put(t.Context(), []byte(content))
		if err != nil {
			t.Fatal(err)
		}
		e.assets = append(e.assets, archive.PageCapture{Page: 1, URL: fmt.Sprintf("http://site/%d.css", i), Ref: ref, Size: int64(len(content))})
	}
	return e
}

var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// write writes all of a recording but its top; 4 segments, 3 keyframes.
func (e *evidence) write(t *testing.T, session string, fill byte) *archive.RecordingWriter {
	t.Helper()
	ctx := t.Context()
	w, err := archive.NewRecordingWriter(ctx, e.store, e.vaults, session)
	if err != nil {
		t.Fatal(err)
	}
	for o := uint64(1); o <= 40; o++ {
		if o > 1 && o%10 == 1 {
			state := append(noise(2000), fmt.Appendf(nil, "state of %s before %d;", session, o)...)
			if err := w.Keyframe(ctx, [][]byte{state, []byte("beside")}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.Append(ctx, o, began.Add(time.Duration(o)*time.Second), recordOf(o, fill)); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// noise is the same each time, and packs badly.
func noise(n int) []byte {
	b := make([]byte, n)
	for i, x := 0, uint32(1); i < n; i++ {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func recordOf(o uint64, fill byte) []byte {
	return append(binary.AppendUvarint(nil, o), bytes.Repeat([]byte{byte(o) ^ fill}, 100)...)
}

func (e *evidence) contents(t *testing.T, session string) archive.Contents {
	t.Helper()
	vault, err := e.vaults.Make(t.Context(), archive.SessionOwner(session))
	if err != nil {
		t.Fatal(err)
	}
	private, err := vault.PutBlob(t.Context(), []byte("private of "+session))
	if err != nil {
		t.Fatal(err)
	}
	return archive.Contents{
		Session: map[string]string{"id": session}, Pages: []int{}, People: [][]byte{recordOf(3, 0)},
		Events:   []archive.Event{{T: 1000, Value: "first"}, {T: 39_000, Value: "last"}},
		Captures: append(slices.Clone(e.assets), archive.PageCapture{Page: 1, URL: "http://site/me", Ref: private, Private: true}),
		Missing:  []archive.PageCapture{{Page: 1, URL: "http://site/b.png", Why: archive.WhyNotSeen}},
	}
}

func (e *evidence) seal(t *testing.T, session string, fill byte) *archive.Recording {
	t.Helper()
	if _, err := e.write(t, session, fill).Seal(t.Context(), e.contents(t, session), e.key); err != nil {
		t.Fatal(err)
	}
	r := e.open(t, session)
	if err := e.journal.Enter(session, r.TopHash(), began, e.key); err != nil {
		t.Fatal(err)
	}
	return r
}

func (e *evidence) open(t *testing.T, session string) *archive.Recording {
	t.Helper()
	r, err := archive.OpenRecording(t.Context(), e.store, e.vaults, session)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func (e *evidence) verifying(session string) archive.Verifying {
	return archive.Verifying{
		Store: e.store, Vaults: e.vaults, Session: session, Keys: []ed25519.PublicKey{e.key.Public().(ed25519.PublicKey)}, Journal: e.journal, All: true,
	}
}

// problems are those of a recording, a line each.
func (e *evidence) problems(t *testing.T, session string) string {
	t.Helper()
	problems, err := archive.Verify(t.Context(), e.verifying(session))
	if errors.Is(err, archive.ErrAbsent) {
		return "absent"
	}
	if err != nil {
		t.Fatal(err)
	}
	lines := make([]string, len(problems))
	for i, p := range problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// files are the recording's own objects and those that it needs, by the path.
func (e *evidence) files(t *testing.T) map[string][]byte {
	t.Helper()
	all := map[string][]byte{}
	err := filepath.Walk(e.dir, func(path string, info os.FileInfo, err error) error {
		if err != nil || info.IsDir() {
			return err
		}
		all[path], err = os.ReadFile(path)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
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

func TestARecordingComesBack(t *testing.T) {
	e := newEvidence(t)
	r := e.seal(t, "s1", 0)
	if len(r.Segments) != 4 || len(r.Keyframes) != 3 || r.Duration != 39_000 || r.Keyframes[1].Offset != 20 || r.Segments[2].At != 20_000_000 || r.Found != 3 || r.Lost != 1 {
		t.Fatalf("%+v %+v", r.Top, r.Index)
	}
	n := uint64(0)
	for i := range r.Segments {
		b, err := r.SegmentBytes(t.Context(), i)
		if err != nil {
			t.Fatal(err)
		}
		if err := archive.Each(b, func(record []byte) error {
			if n++; !bytes.Equal(record, recordOf(n, 0)) {
				t.Errorf("record %d differs", n)
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	for i := range r.Keyframes {
		b, err := r.KeyframeBytes(t.Context(), i)
		if err != nil || !bytes.Contains(b, fmt.Appendf(nil, "state of s1 before %d;", 10*i+11)) || !bytes.HasSuffix(b, []byte("beside")) {
			t.Errorf("keyframe %d: %q %v", i, b, err)
		}
	}
	if n != 40 {
		t.Errorf("%d records", n)
	}
	if p := e.problems(t, "s1"); p != "" {
		t.Error(p)
	}
	if _, err := archive.OpenRecording(t.Context(), e.store, e.vaults, "nobody"); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("%v", err)
	}
}

func TestWhatARecordingNamesComesBack(t *testing.T) {
	e := newEvidence(t)
	r := e.seal(t, "s1", 0)
	m, err := r.Manifest(t.Context())
	if err != nil || len(m.Captures) != 3 || m.Missing[0].Why != archive.WhyNotSeen {
		t.Fatalf("%+v, %v", m, err)
	}
	for i, want := range []string{"body{}", "p{color:red}", "private of s1"} {
		if b, err := r.Asset(t.Context(), m.Captures[i]); err != nil || string(b) != want {
			t.Errorf("%q %v", b, err)
		}
	}
	if text, err := r.Events(t.Context(), 0); err != nil || string(text) != `["first","last"]` {
		t.Errorf("%s %v", text, err)
	}
}

func TestAGapIsNotSealed(t *testing.T) {
	e := newEvidence(t)
	w, err := archive.NewRecordingWriter(t.Context(), e.store, e.vaults, "s2")
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Append(t.Context(), 2, time.Now(), nil); err == nil {
		t.Error("a gap was sealed")
	}
}

func TestAClockThatJumpsMakesNoTimeThatGoesBack(t *testing.T) {
	var c archive.Clock
	for i, step := range []struct{ at, want time.Duration }{
		{0, 0}, {time.Second, time.Second}, {time.Hour, time.Hour}, {2 * time.Second, time.Hour}, {5 * time.Second, time.Hour + 3*time.Second}, {-time.Hour, time.Hour + 3*time.Second},
	} {
		if got := c.Add(began.Add(step.at)); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
}

func TestTheSameSessionIsSealedAlike(t *testing.T) {
	e := newEvidence(t)
	e.seal(t, "s1", 0)
	before := e.files(t)
	if err := archive.RemoveTop(t.Context(), e.store, "s1"); err != nil {
		t.Fatal(err)
	}
	e.seal(t, "s1", 0)
	if after := e.files(t); !maps.EqualFunc(before, after, bytes.Equal) {
		t.Errorf("%d and %d files, not alike", len(before), len(after))
	}
}

func TestNothingOfASessionCanBeReadInItsRecordingsObjects(t *testing.T) {
	e := newEvidence(t)
	e.seal(t, "s1", 0)
	for path, b := range e.files(t) {
		for _, told := range []string{"state of", "http://site", "first", "private"} {
			if !strings.Contains(path, "/blobs/") && bytes.Contains(b, []byte(told)) {
				t.Errorf("%s tells %q", path, told)
			}
		}
	}
	if err := e.vaults.Destroy(t.Context(), archive.SessionOwner("s1")); err != nil {
		t.Fatal(err)
	}
	if _, err := archive.OpenRecording(t.Context(), e.store, e.vaults, "s1"); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("without its key: %v", err)
	}
}

func TestOneOfTwoSealersIsTold(t *testing.T) {
	e := newEvidence(t)
	late, c := e.write(t, "s1", 0), e.contents(t, "s1")
	e.seal(t, "s1", 0)
	if _, err := late.Seal(t.Context(), c, e.key); !errors.Is(err, archive.ErrRace) {
		t.Errorf("over another's: %v", err)
	}
	other := e.write(t, "s2", 0)
	if err := e.vaults.Destroy(t.Context(), archive.SessionOwner("s2")); err != nil {
		t.Fatal(err)
	}
	if _, err := e.vaults.Make(t.Context(), archive.SessionOwner("s2")); err != nil {
		t.Fatal(err)
	}
	if _, err := other.Seal(t.Context(), archive.Contents{}, e.key); !errors.Is(err, archive.ErrRace) {
		t.Errorf("under a key that was replaced: %v", err)
	}
}
