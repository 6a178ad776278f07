package archivetest

import (
	"errors"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
)

const sheetURL = "http://site/a.css"

func at(s int) time.Time { return time.Unix(1_700_000_000+int64(s), 0).UTC() }

// shared is a capture of what one visit fetched, and others may have fetched alike.
func shared(s int, by, content string) archive.Capture {
	return archive.Capture{URL: sheetURL, By: by, Time: at(s), Ref: archive.RefOf([]byte(content)), Type: "text/css", Size: 3}
}

func private(s int, visit, content string) archive.Capture {
	c := shared(s, visit, content)
	c.Visit, c.Own = visit, true
	return c
}

// Captures runs the suite of archive.CaptureIndex; open returns an empty one.
func Captures(t *testing.T, open func(*testing.T) archive.CaptureIndex) {
	t.Run("what a page saw is found", func(t *testing.T) { found(t, open(t)) })
	t.Run("a visit's own comes first", func(t *testing.T) { own(t, open(t)) })
	t.Run("all fields come back", func(t *testing.T) { fields(t, open(t)) })
	t.Run("documents are listed", func(t *testing.T) { documents(t, open(t)) })
	t.Run("what is old goes", func(t *testing.T) { expiry(t, open(t)) })
	t.Run("runs of the same are thinned", func(t *testing.T) { thinning(t, open(t)) })
	t.Run("a pin stays what it was", func(t *testing.T) { pinned(t, open(t)) })
	t.Run("what is pinned does not go before its session does", func(t *testing.T) { pinsHold(t, open(t)) })
	t.Run("what is about to go is not pinned", func(t *testing.T) { pinsTooLate(t, open(t)) })
}

type question struct {
	visit    string
	from, to int
	want     string // a content; "" for none
}

func ask(t *testing.T, c archive.CaptureIndex, list []question) {
	t.Helper()
	for _, q := range list {
		got, err := c.Find(t.Context(), sheetURL, q.visit, at(q.from), at(q.to))
		if q.want == "" {
			if !errors.Is(err, archive.ErrAbsent) {
				t.Errorf("%+v: %+v %v", q, got, err)
			}
			continue
		}
		if err != nil || got.Ref != archive.RefOf([]byte(q.want)) || got.Type != "text/css" || got.Size != 3 || got.URL != sheetURL {
			t.Errorf("%+v: %+v %v", q, got, err)
		}
	}
}

func add(t *testing.T, c archive.CaptureIndex, list ...archive.Capture) {
	t.Helper()
	if err := c.Add(t.Context(), list); err != nil {
		t.Fatal(err)
	}
}

func found(t *testing.T, c archive.CaptureIndex) {
	add(t, c, shared(10, "", "shared"), private(20, "v", "private"), shared(30, "", "later"))
	ask(t, c, []question{
		{"", 5, 50, "shared"}, {"", 11, 50, "later"}, {"", 11, 30, "shared"}, {"v", 11, 30, "private"},
		{"v", 25, 28, "private"}, {"w", 25, 28, "shared"}, {"", 1, 2, "shared"}, {"", 90, 99, "later"},
	})
	if _, err := c.Find(t.Context(), "http://site/none", "v", at(0), at(99)); !errors.Is(err, archive.ErrAbsent) {
		t.Errorf("%v", err)
	}
}

// own: another visitor's picture of the same URL is not what this one saw.
func own(t *testing.T, c archive.CaptureIndex) {
	why := shared(60, "v", "")
	why.Ref, why.Why, why.Own = "", archive.WhyNoStore, true
	ofW := shared(15, "w", "w's alone")
	ofW.Own = true
	add(t, c, shared(10, "", "anybody's"), private(20, "v", "v's"), shared(22, "w", "anybody's, later"), ofW, why, shared(61, "v", "shown"))
	ask(t, c, []question{
		{"v", 9, 30, "v's"}, {"v", 21, 30, "v's"}, {"w", 9, 13, "anybody's"}, {"w", 9, 30, "w's alone"},
		{"u", 9, 30, "anybody's"}, {"u", 14, 19, "anybody's"}, {"u", 1, 2, "anybody's"}, {"v", 59, 70, "shown"}, {"u", 70, 80, "shown"},
	})
	got, err := c.Find(t.Context(), sheetURL, "v", at(59), at(61))
	if err != nil || got.Ref != "" || got.Why != archive.WhyNoStore {
		t.Errorf("%+v %v", got, err)
	}
	for visit, private := range map[string]string{"v": "v", "w": ""} {
		if got, err := c.Find(t.Context(), sheetURL, visit, at(15), at(21)); err != nil || got.Visit != private || !got.Own || got.By != visit {
			t.Errorf("%s: %+v %v", visit, got, err)
		}
	}
}

func fields(t *testing.T, c archive.CaptureIndex) {
	want := archive.Capture{
		URL: sheetURL, Time: at(3), By: "v", Visit: "v", Own: true, Type: "text/css", Status: 302, Location: "http://site/b.css",
		Header: map[string]string{"Etag": `"x"`, "Vary": "Accept"}, Source: archive.SourceRefetched, Why: archive.WhyStatus,
	}
	add(t, c, want)
	if got, err := c.Find(t.Context(), sheetURL, "v", at(0), at(9)); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("%+v %v", got, err)
	}
}

func documents(t *testing.T, c archive.CaptureIndex) {
	of := func(url, kind, visit, content string, s int) archive.Capture {
		d := private(s, visit, content)
		d.URL, d.Type = url, kind
		return d
	}
	add(t, c, of("http://site/a", "text/html; charset=utf-8", "v", "old", 10), of("http://site/a", "text/html", "v", "new", 20), of("http://site/p", "application/pdf", "v", "pdf", 15),
		of("http://site/i", "image/png", "v", "png", 15), of("http://site/w", "text/html", "w", "w", 15), of("http://site/late", "text/html", "v", "late", 30))
	list, err := c.Documents(t.Context(), "v", at(5), at(30))
	if err != nil || len(list) != 2 || list[0].Ref != archive.RefOf([]byte("new")) || list[1].URL != "http://site/p" || list[1].Visit != "v" {
		t.Errorf("%+v %v", list, err)
	}
	if list, err := c.Documents(t.Context(), "", at(0), at(99)); err != nil || len(list) > 0 {
		t.Errorf("of nobody: %+v %v", list, err)
	}
}

func expiry(t *testing.T, c archive.CaptureIndex) {
	lent := private(42, "v", "lent") // its bytes are shared ones
	lent.Visit = ""
	add(t, c, shared(1, "", "never seen again"), shared(10, "w", "shared"), private(20, "v", "private"), private(21, "old", "private"),
		private(40, "old", "kept"), lent, private(41, "v", "twice"), private(97, "v", "twice"), private(98, "v", "young"))
	for range 2 {
		if err := c.Keep(t.Context(), "recording", []archive.Ref{archive.RefOf([]byte("kept"))}); err != nil {
			t.Fatal(err)
		}
	}
	gone, err := c.Expire(t.Context(), at(90), at(5))
	slices.Sort(gone.Refs)
	refs := []archive.Ref{archive.RefOf([]byte("lent")), archive.RefOf([]byte("never seen again"))}
	slices.Sort(refs)
	want := archive.Expired{Refs: refs, Private: []archive.OwnedRef{{Visit: "v", Ref: archive.RefOf([]byte("private"))}}, Visits: []string{"old"}}
	if err != nil || !reflect.DeepEqual(gone, want) {
		t.Errorf("unneeded: %+v %v", gone, err)
	}
	ask(t, c, []question{{"v", 95, 99, "twice"}, {"v", 98, 99, "young"}, {"old", 0, 99, "shared"}, {"u", 0, 99, "shared"}})
	if got, err := c.Find(t.Context(), sheetURL, "w", at(0), at(99)); err != nil || got.By != "" {
		t.Errorf("who fetched it is still known: %+v %v", got, err)
	}
	if gone, err := c.Expire(t.Context(), at(200), at(200)); err != nil || len(gone.Visits) != 1 || len(gone.Refs) != 1 {
		t.Errorf("at the end: %+v %v", gone, err)
	}
	ask(t, c, []question{{"v", 0, 99, ""}})
}

func thinning(t *testing.T, c archive.CaptureIndex) {
	for s, content := range []string{"a", "a", "a", "a", "b", "b", "b", "a", "a", "a"} {
		add(t, c, shared(10*s, "v", content))
	}
	questions := []question{{"", 0, 100, "a"}, {"", 15, 16, "a"}, {"", 35, 39, "a"}, {"", 35, 45, "b"}, {"", 55, 56, "b"}, {"", 65, 69, "b"}, {"", 65, 75, "a"}, {"", 99, 100, "a"}}
	ask(t, c, questions)
	if gone, err := c.Expire(t.Context(), at(100), at(-1)); err != nil || len(gone.Refs)+len(gone.Visits)+len(gone.Private) > 0 {
		t.Errorf("%+v %v", gone, err)
	}
	ask(t, c, questions)
}
