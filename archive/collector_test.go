package archive_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
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
