package archive_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
)

func TestEveryFlippedBitAndEveryCutIsFound(t *testing.T) {
	e := newEvidence(t)
	e.seal(t, "s1", 0)
	files := e.files(t)
	if len(files) != 13 { // top, 4 segments, keyframes, events, manifest, index, 2 blobs, the key and a private blob
		t.Fatalf("%d files", len(files))
	}
	check := func(path, what string) {
		t.Helper()
		if e.problems(t, "s1") == "" {
			t.Errorf("%s of %s was not found", what, filepath.Base(path))
		}
	}
	for path, good := range files {
		for i := 0; i < len(good); i += max(1, len(good)/25) {
			bad := bytes.Clone(good)
			bad[i] ^= 1 << (i % 8)
			write(t, path, bad)
			check(path, fmt.Sprintf("a flipped bit at %d", i))
		}
		for _, n := range []int{0, 1, len(good) / 2, len(good) - 1} {
			write(t, path, good[:n])
			check(path, fmt.Sprintf("a cut at %d", n))
		}
		write(t, path, append(bytes.Clone(good), '\n'))
		check(path, "a byte more")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		check(path, "the loss")
		write(t, path, good)
	}
	if p := e.problems(t, "s1"); p != "" {
		t.Errorf("after all was put back: %s", p)
	}
}

// swap exchanges two objects' contents.
func swap(t *testing.T, files map[string][]byte, a, b string) {
	t.Helper()
	write(t, a, files[b])
	write(t, b, files[a])
}

// named is the file with a part of the name.
func named(t *testing.T, files map[string][]byte, part string) string {
	t.Helper()
	for path := range files {
		if strings.Contains(path, part) {
			return path
		}
	}
	t.Fatalf("no %s", part)
	return ""
}

func TestWhatWasExchangedIsFoundAndNamed(t *testing.T) {
	e := newEvidence(t)
	e.seal(t, "s1", 0)
	e.seal(t, "s2", 9)
	files := e.files(t)
	in := func(part string) string { return named(t, files, part) }
	for _, c := range []struct{ a, b, want string }{
		{"s1/segment-0001", "s1/segment-0002", "segment-0001: segment-0001 is damaged: its hash differs\nsegment-0002"},
		{"s1/segment-0001", "s2/segment-0001", "segment-0001"},
		{"s1/keyframes", "s2/keyframes", "keyframes-0000"},
		{"s1/index", "s2/index", "index: "},
		{"s1/manifest", "s2/manifest", "manifest: "},
		{"s1/top", "s2/top", "top: recording s1: the top is damaged: it is that of recording s2"},
		{"keys/session-s1", "keys/session-s2", "the recording's key"},
		{"private/session-s1", "private/session-s2", "asset http://site/me"},
	} {
		swap(t, files, in(c.a), in(c.b))
		if p := e.problems(t, "s1"); !strings.Contains(p, c.want) {
			t.Errorf("%s for %s: %q", c.b, c.a, p)
		}
		write(t, in(c.a), files[in(c.a)])
		write(t, in(c.b), files[in(c.b)])
	}
	// The first thing wrong is all that is told when that is asked for.
	swap(t, files, in("s1/segment-0001"), in("s1/segment-0002"))
	v := e.verifying("s1")
	v.All = false
	if problems, err := archive.Verify(t.Context(), v); err != nil || len(problems) != 1 || problems[0].Object != "segment-0001" {
		t.Errorf("%v %v", problems, err)
	}
	// Without the key of the vaults the objects are checked all the same.
	v.Vaults = nil
	if problems, err := archive.Verify(t.Context(), v); err != nil || len(problems) != 1 || problems[0].Object != "segment-0001" {
		t.Errorf("%v %v", problems, err)
	}
}

// resign writes a top anew, changed and signed with a key.
func resign(t *testing.T, path string, key ed25519.PrivateKey, change func(top *archive.Top)) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text, _, _ := bytes.Cut(b, []byte("\n"))
	var top archive.Top
	if err := json.Unmarshal(text, &top); err != nil {
		t.Fatal(err)
	}
	top.Key = base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	change(&top)
	if text, err = json.Marshal(top); err != nil {
		t.Fatal(err)
	}
	write(t, path, fmt.Appendf(nil, "%s\n%s\n", text, base64.StdEncoding.EncodeToString(ed25519.Sign(key, text))))
}

func TestAForgedTopIsFound(t *testing.T) {
	e := newEvidence(t)
	e.seal(t, "s1", 0)
	files := e.files(t)
	path := named(t, files, "s1/top")
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{8}, 32))
	for what, c := range map[string]struct {
		key    ed25519.PrivateKey
		change func(*archive.Top)
		want   string
	}{
		"another key":               {other, func(*archive.Top) {}, "none of this archive's"},
		"a segment less":            {e.key, func(top *archive.Top) { top.Segments = top.Segments[:3]; top.Records = 30 }, "top: its chain is not that"},
		"a segment from the middle": {e.key, func(top *archive.Top) { top.Segments = append(top.Segments[:1:1], top.Segments[2:]...) }, "segment-0001: it has offsets 21 to 30, after 10"},
		"the records' number":       {e.key, func(top *archive.Top) { top.Records = 50 }, "record 41: it is not there"},
		"a chain":                   {e.key, func(top *archive.Top) { top.Segments[1].Chain = top.Segments[0].Chain }, "segment-0001, record 11: the chain breaks"},
		"nothing":                   {e.key, func(top *archive.Top) { top.Duration++ }, "another one than the journal"},
	} {
		resign(t, path, c.key, c.change)
		if p := e.problems(t, "s1"); !strings.Contains(p, c.want) {
			t.Errorf("%s: %q", what, p)
		}
		write(t, path, files[path])
	}
	// A signature of another text, and none.
	text, _, _ := bytes.Cut(files[path], []byte("\n"))
	for _, signature := range []string{"", "AAAA", base64.StdEncoding.EncodeToString(ed25519.Sign(e.key, []byte("x")))} {
		write(t, path, fmt.Appendf(nil, "%s\n%s\n", text, signature))
		if p := e.problems(t, "s1"); !strings.Contains(p, "does not match its signature") {
			t.Errorf("signature %q: %q", signature, p)
		}
	}
}

func TestAnOlderRecordingOfTheSameSessionIsFound(t *testing.T) {
	e := newEvidence(t)
	e.seal(t, "s1", 0)
	older := e.files(t)
	if err := archive.RemoveTop(t.Context(), e.store, "s1"); err != nil {
		t.Fatal(err)
	}
	e.seal(t, "s1", 5)
	if p := e.problems(t, "s1"); p != "" {
		t.Fatal(p)
	}
	for path, b := range older {
		write(t, path, b)
	}
	if p := e.problems(t, "s1"); !strings.Contains(p, "top: it is an older one") {
		t.Errorf("%q", p)
	}
	e.journal = nil
	if p := e.problems(t, "s1"); p != "" {
		t.Errorf("it is valid but for the journal: %q", p)
	}
}

func TestWhatIsWholeOfADamagedRecordingCanBeRead(t *testing.T) {
	e := newEvidence(t)
	e.seal(t, "s1", 0)
	files := e.files(t)
	write(t, named(t, files, "s1/segment-0001"), []byte("noise"))
	write(t, named(t, files, "s1/events"), []byte("noise"))
	r := e.open(t, "s1")
	for n := range r.Segments {
		if _, err := r.SegmentBytes(t.Context(), n); (err != nil) != (n == 1) {
			t.Errorf("segment %d: %v", n, err)
		}
	}
	if _, err := r.KeyframeBytes(t.Context(), 2); err != nil {
		t.Error(err)
	}
}

func TestTheJournalIsSignedAndChained(t *testing.T) {
	name := filepath.Join(t.TempDir(), "sealed.log")
	j, err := archive.OpenJournal(name)
	if err != nil {
		t.Fatal(err)
	}
	key := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))
	keys := []ed25519.PublicKey{key.Public().(ed25519.PublicKey)}
	enter := func(session, top string) {
		t.Helper()
		if err := j.Enter(session, archive.RefOf([]byte(top)), began, key); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range [][2]string{{"a", "1"}, {"b", "1"}, {"a", "2"}, {"a", "2"}} {
		enter(e[0], e[1])
	}
	_ = j.Close()
	good, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.SplitAfter(good, []byte("\n"))
	if len(lines) != 4 || len(lines[3]) != 0 {
		t.Fatalf("%q", good)
	}
	read, err := archive.ReadJournal(name, keys)
	if err != nil {
		t.Fatal(err)
	}
	if last, _ := read.Last("a"); last.N != 3 || !read.Knows("a", archive.RefOf([]byte("1"))) || read.Knows("b", archive.RefOf([]byte("2"))) || fmt.Sprint(read.Sessions()) != "[a b]" {
		t.Errorf("%+v", last)
	}
	for what, bad := range map[string][]byte{
		"an entry taken out": bytes.Join([][]byte{lines[0], lines[2]}, nil), "the first taken out": bytes.Join(lines[1:], nil),
		"another order": bytes.Join([][]byte{lines[1], lines[0], lines[2]}, nil), "another top": bytes.Replace(good, []byte("sha256-"), []byte("sha256-0"), 1),
	} {
		write(t, name, bad)
		if _, err := archive.ReadJournal(name, keys); err == nil {
			t.Errorf("%s was not found", what)
		}
	}
	write(t, name, good)
	if _, err := archive.ReadJournal(name, []ed25519.PublicKey{ed25519.NewKeyFromSeed(make([]byte, 32)).Public().(ed25519.PublicKey)}); err == nil {
		t.Error("it was signed by somebody else")
	}
	// A gateway that was killed while it wrote leaves half a line.
	write(t, name, good[:len(good)-9])
	if j, err = archive.OpenJournal(name); err != nil {
		t.Fatal(err)
	}
	enter("a", "2")
	_ = j.Close()
	if again, err := os.ReadFile(name); err != nil || !bytes.Equal(again, good) {
		t.Errorf("%q %v", again, err)
	}
}

func TestRecordingsOfBothVersionsCanBeRead(t *testing.T) {
	vector := func(version string) *evidence {
		dir := t.TempDir()
		if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", version))); err != nil {
			t.Fatal(err)
		}
		store, err := disk.NewStore(dir)
		if err != nil {
			t.Fatal(err)
		}
		vaults, err := archive.NewVaults(store, bytes.Repeat([]byte{1}, archive.KeySize))
		if err != nil {
			t.Fatal(err)
		}
		return &evidence{dir: dir, store: store, vaults: vaults, key: ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, 32))}
	}
	for version, want := range map[string]string{
		"v1": "1: 5 records in 2 segments, 1 keyframes, 3 of 1 files, 4 s",
		"v2": "2: 40 records in 4 segments, 3 keyframes, 30 of 3 files, 39 s",
	} {
		e := vector(version)
		r := e.open(t, "vector")
		m, err := r.Manifest(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		records := 0
		for n := range r.Segments {
			b, err := r.SegmentBytes(t.Context(), n)
			if err != nil {
				t.Fatal(err)
			}
			if err := archive.Each(b, func([]byte) error { records++; return nil }); err != nil {
				t.Fatal(err)
			}
		}
		last := len(r.Keyframes) - 1
		if _, err := r.KeyframeBytes(t.Context(), last); err != nil {
			t.Error(err)
		}
		got := fmt.Sprintf("%d: %d records in %d segments, %d keyframes, %d of %d files, %d s",
			r.Version, records, len(r.Segments), len(r.Keyframes), r.Keyframes[last].Offset, len(m.Captures), r.Duration/1000)
		if got != want {
			t.Errorf("%s, want %s", got, want)
		}
		if b, err := r.Asset(t.Context(), m.Captures[0]); err != nil || string(b) != "body{}" {
			t.Errorf("%q %v", b, err)
		}
		if text, err := r.Events(t.Context(), 0); err != nil || !json.Valid(text) {
			t.Errorf("%s %v", text, err)
		}
		if p := e.problems(t, "vector"); p != "" {
			t.Errorf("%s: %s", version, p)
		}
		for path, good := range e.files(t) {
			write(t, path, good[:len(good)-1])
			if e.problems(t, "vector") == "" {
				t.Errorf("%s: a cut of %s was not found", version, filepath.Base(path))
			}
			write(t, path, good)
		}
	}
}
