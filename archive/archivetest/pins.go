package archivetest

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"github.com/pillion-dev/pillion/archive"
)

func pinOf(session string, page uint32, c archive.Capture) archive.Pin {
	return archive.Pin{Session: session, Page: page, Capture: c, At: at(500)}
}

func pin(t *testing.T, c archive.CaptureIndex, list ...archive.Pin) {
	t.Helper()
	if err := c.Pin(t.Context(), list); err != nil {
		t.Fatal(err)
	}
}

func unpin(t *testing.T, c archive.CaptureIndex, session string) {
	t.Helper()
	if err := c.Unpin(t.Context(), session); err != nil {
		t.Fatal(err)
	}
}

func pinned(t *testing.T, c archive.CaptureIndex) {
	whole := private(3, "v", "own")
	whole.Status, whole.Header, whole.Source = 200, map[string]string{"Etag": `"x"`}, archive.SourceRefetched
	redirect := archive.Capture{URL: "http://site/moved", Time: at(4), Location: "http://site/b.css", Status: 302}
	shared1, shared2 := shared(5, "w", "one"), shared(6, "", "two")
	add(t, c, whole, shared1, shared2)
	pin(t, c)
	pin(t, c, pinOf("s", 1, whole), pinOf("s", 1, redirect), pinOf("s", 2, shared1), pinOf("t", 1, shared2))
	pin(t, c, pinOf("s", 1, shared2), pinOf("s", 2, shared2)) // too late
	shared1.By = ""                                           // whoever it was
	for _, want := range []archive.Pin{pinOf("s", 1, whole), pinOf("s", 1, redirect), pinOf("s", 2, shared1), pinOf("t", 1, shared2)} {
		if got, err := c.Pinned(t.Context(), want.Session, want.Page, want.URL); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%+v, not %+v: %v", got, want, err)
		}
	}
	for _, q := range []archive.Pin{pinOf("s", 3, whole), pinOf("u", 1, whole), pinOf("t", 1, redirect)} {
		if got, err := c.Pinned(t.Context(), q.Session, q.Page, q.URL); !errors.Is(err, archive.ErrAbsent) {
			t.Errorf("%+v %v", got, err)
		}
	}
	list, err := c.PinsOf(t.Context(), "s")
	if err != nil || !reflect.DeepEqual(list, []archive.Pin{pinOf("s", 1, whole), pinOf("s", 1, redirect), pinOf("s", 2, shared1)}) {
		t.Errorf("%+v %v", list, err)
	}
	for _, want := range []string{"[s t]", "[t]", "[]"} {
		sessions, err := c.PinnedSessions(t.Context())
		slices.Sort(sessions)
		if err != nil || fmt.Sprint(sessions) != want {
			t.Errorf("%v, not %s: %v", sessions, want, err)
		}
		if len(sessions) > 0 {
			unpin(t, c, sessions[0])
		}
	}
}

func pinsHold(t *testing.T, c archive.CaptureIndex) {
	ref := func(content string) archive.Ref { return archive.RefOf([]byte(content)) }
	lent := private(11, "v", "lent") // its bytes are shared ones
	lent.Visit = ""
	whole, other, twice := private(10, "v", "own"), private(12, "v", "not pinned"), shared(13, "", "of two sessions")
	add(t, c, whole, lent, other, twice, private(14, "w", "w's"))
	pin(t, c, pinOf("s", 1, whole), pinOf("s", 2, lent), pinOf("s", 3, twice), pinOf("t", 1, twice))
	expire := func(what string, want archive.Expired) {
		t.Helper()
		gone, err := c.Expire(t.Context(), at(100), at(100))
		slices.Sort(gone.Refs)
		slices.Sort(want.Refs)
		if err != nil || !reflect.DeepEqual(gone, want) {
			t.Errorf("%s: %+v, not %+v: %v", what, gone, want, err)
		}
	}
	expire("with pins", archive.Expired{Private: []archive.OwnedRef{{Visit: "v", Ref: ref("not pinned")}}, Visits: []string{"w"}})
	ask(t, c, []question{{"v", 0, 99, ""}})
	if got, err := c.Pinned(t.Context(), "s", 1, sheetURL); err != nil || !reflect.DeepEqual(got.Capture, whole) {
		t.Errorf("%+v %v", got, err)
	}
	if needed, err := c.Needs(t.Context(), ref("lent")); err != nil || !needed {
		t.Errorf("a pinned blob is not needed: %v", err)
	}
	expire("again", archive.Expired{})
	unpin(t, c, "s")
	expire("of one session", archive.Expired{Refs: []archive.Ref{ref("lent")}, Visits: []string{"v"}})
	if err := c.Release(t.Context(), "t"); err != nil { // deleted before it was sealed
		t.Fatal(err)
	}
	expire("of none", archive.Expired{Refs: []archive.Ref{ref("of two sessions")}})
	expire("at the end", archive.Expired{})
}

func pinsTooLate(t *testing.T, c archive.CaptureIndex) {
	own, everybodys, needed := private(10, "v", "own"), shared(11, "", "everybody's"), shared(12, "", "needed")
	add(t, c, own, everybodys, needed)
	if err := c.Keep(t.Context(), "r", []archive.Ref{needed.Ref}); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Expire(t.Context(), at(100), at(100)); err != nil {
		t.Fatal(err)
	}
	pin(t, c, pinOf("s", 1, own), pinOf("s", 2, everybodys), pinOf("s", 3, needed))
	if list, err := c.PinsOf(t.Context(), "s"); err != nil || len(list) != 1 || list[0].Page != 3 {
		t.Errorf("%+v %v", list, err)
	}
}
