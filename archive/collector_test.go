package archive_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync/atomic"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
)

func vaults(t *testing.T, s archive.Store) *archive.Vaults {
	t.Helper()
	v, err := archive.NewVaults(s, bytes.Repeat([]byte{3}, archive.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func collector(t *testing.T, s archive.Store, index archive.CaptureIndex) *archive.Collector {
	t.Helper()
	c, err := archive.NewCollector(archive.CollectorOptions{Store: s, Vaults: vaults(t, s), Captures: index, Overflow: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// failing is a store that keeps nothing.
type failing struct{ archive.Store }

func (failing) Put(context.Context, string, io.ReaderAt, int64) error { return errors.New("full") }

func TestWhatAFailingStoreLosesIsCounted(t *testing.T) {
	s, index := stores(t)
	c := collector(t, failing{s}, index)
	w := c.Begin(archive.Answer{Status: 200, URL: "http://site/a.css", Time: time.Now(), Header: http.Header{"Content-Type": {"text/css"}}})
	_, _ = w.Write([]byte("x"))
	w.Commit()
	c.Close()
	if c.Lost() != 1 {
		t.Errorf("%d answers lost", c.Lost())
	}
}

// picky is a store that takes no blob of which a word is in the content, until it is
// mended.
type picky struct {
	archive.Store
	word   string
	mended *atomic.Bool
}

func (p picky) Put(ctx context.Context, name string, content io.ReaderAt, size int64) error {
	b := make([]byte, size)
	_, _ = content.ReadAt(b, 0) // whole, or the store says so
	if bytes.Contains(b, []byte(p.word)) && !p.mended.Load() {
		return errors.New("not this one")
	}
	return p.Store.Put(ctx, name, content, size)
}

// Many answers are stored at once: the index tells of those that are there, whoever
// else got the same, and those that are not are asked for again.
func TestOnlyWhatWasStoredIsToldOf(t *testing.T) {
	s, index := stores(t)
	mended := &atomic.Bool{}
	c := collector(t, picky{s, "bad", mended}, index)
	now := time.Now().Add(-time.Minute).Truncate(time.Second)
	tell := func(at time.Time) {
		for i := range 600 {
			word := "good"
			if i%10 == 3 {
				word = "bad"
			}
			for _, visit := range []string{"ann", "bob"} { // both get the same, and nothing of it is private
				w := c.Begin(archive.Answer{
					Status: 200, URL: fmt.Sprintf("http://site/%d.css", i), Time: at, Visit: visit, Header: http.Header{"Content-Type": {"text/css"}},
				})
				_, _ = fmt.Fprintf(w, "%s %d", word, i/2*2)
				w.Commit()
			}
		}
	}
	seen := func(at time.Time) (there, lost int) {
		t.Helper()
		lib := archive.NewLibrary(s, vaults(t, s))
		for i := range 600 {
			found, err := index.Find(t.Context(), fmt.Sprintf("http://site/%d.css", i), "ann", at, at)
			if err != nil {
				t.Fatal(err)
			}
			if found.Ref == "" {
				if lost++; found.Why != archive.WhyLost {
					t.Errorf("%+v", found)
				}
				continue
			}
			if _, err := lib.Captured(t.Context(), found); err != nil {
				t.Errorf("the index tells of %s: %v", found.URL, err)
			}
			there++
		}
		return there, lost
	}
	tell(now)
	c.Close()
	if there, lost := seen(now); there != 540 || lost != 60 || c.Lost() != 120 {
		t.Errorf("%d are there, %d are not, %d were lost", there, lost, c.Lost())
	}
	c = collector(t, picky{s, "bad", mended}, index)
	tell(now.Add(time.Second))
	for deadline := time.Now().Add(20 * time.Second); c.Lost() < 120 && time.Now().Before(deadline); {
		time.Sleep(time.Millisecond)
	}
	mended.Store(true)
	tell(now.Add(2 * time.Second))
	c.Close()
	if there, lost := seen(now.Add(3 * time.Second)); there != 600 || lost != 0 {
		t.Errorf("after it was mended %d are there, %d are not", there, lost)
	}
}

// What was removed since nobody had seen it for long is stored again when it is seen.
func TestWhatIsSeenAgainAfterItWasRemovedIsStoredAgain(t *testing.T) {
	s, index := stores(t)
	c, err := archive.NewCollector(archive.CollectorOptions{Store: s, Vaults: vaults(t, s), Captures: index, Overflow: t.TempDir(), Every: 20 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	send := func(at time.Time) {
		w := c.Begin(archive.Answer{Status: 200, URL: "http://site/a.css", Time: at, Visit: at.String(), Header: http.Header{"Content-Type": {"text/css"}}})
		_, _ = w.Write([]byte("old"))
		w.Commit()
	}
	ref := archive.RefOf([]byte("old"))
	until := func(what string, there bool) {
		t.Helper()
		for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(time.Millisecond) {
			if _, err := archive.BlobsIn(s).Stat(t.Context(), ref); (err == nil) == there {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("it is not %s", what)
			}
		}
	}
	for range 5 {
		send(time.Now().Add(-100 * 24 * time.Hour))
		until("stored", true)
		until("removed", false)
	}
	now := time.Now()
	send(now)
	until("stored again", true)
	c.Close()
	if _, err := archive.BlobsIn(s).Read(t.Context(), ref); err != nil {
		t.Error(err)
	}
}

func TestAnswersThatStayTheSameAreFoundAtTheirTimes(t *testing.T) {
	s, index := stores(t)
	c := collector(t, s, index)
	start := time.Now().Add(-time.Minute).Truncate(time.Second)
	at := func(sec int) time.Time { return start.Add(time.Duration(sec) * time.Second) }
	for _, a := range []struct {
		sec  int
		body string
	}{{0, "old"}, {5, "old"}, {6, "old"}, {10, "old"}, {12, "new"}, {14, "new"}, {16, "old"}} {
		w := c.Begin(archive.Answer{Status: 200, URL: "http://site/a.css", Time: at(a.sec), Header: http.Header{"Content-Type": {"text/css"}}})
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
	for _, name := range []string{"lent", "shared", "recorded"} {
		ref, err := archive.BlobsIn(s).Put(t.Context(), []byte(name))
		if err != nil {
			t.Fatal(err)
		}
		refs[name] = ref
		capture := archive.Capture{URL: "http://site/" + name, Time: old, Ref: ref, Type: "image/png", By: "v", Own: name != "shared"}
		if err := index.Add(t.Context(), []archive.Capture{capture}); err != nil {
			t.Fatal(err)
		}
	}
	if err := index.Keep(t.Context(), "s1", []archive.Ref{refs["recorded"]}); err != nil {
		t.Fatal(err)
	}
	private := archive.Capture{URL: "http://site/private", Time: old, Visit: "v"}
	vaults := vaults(t, s)
	for _, owner := range []string{"v", "w"} {
		vault, err := vaults.Make(t.Context(), archive.VisitOwner(owner))
		if err != nil {
			t.Fatal(err)
		}
		if private.Ref, err = vault.PutBlob(t.Context(), []byte("private")); err != nil {
			t.Fatal(err)
		}
	}
	young := private
	young.Visit, young.Time, young.Ref = "w", time.Now(), archive.RefOf([]byte("another"))
	old2 := private
	old2.Visit = "w"
	if err := index.Add(t.Context(), []archive.Capture{private, old2, young}); err != nil {
		t.Fatal(err)
	}
	collector(t, s, index).Close()
	if _, err := vaults.Open(t.Context(), archive.VisitOwner("v")); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("the vault of a visit of which nothing is left: %v", err)
	}
	if vault, err := vaults.Open(t.Context(), archive.VisitOwner("w")); err != nil {
		t.Error(err)
	} else if _, err := vault.ReadBlob(t.Context(), private.Ref); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("an old blob of a visit that goes on: %v", err)
	}
	for name, ref := range refs {
		_, err := archive.BlobsIn(s).Stat(t.Context(), ref)
		if gone := errors.Is(err, archive.ErrAbsent); gone != (name == "lent") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
