package replayui

import (
	"net/http"
	"strings"
	"testing"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// spoil writes something else in place of an object of a recording.
func (s *stage) spoil(t *testing.T, id events.SessionID, part string) {
	t.Helper()
	spoilt := 0
	for o, err := range s.store.List(t.Context(), "recordings/"+string(id)+"/") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(o.Name, "/"+part) {
			spoilt++
			if err := archive.PutBytes(t.Context(), s.store, o.Name, make([]byte, o.Size)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if spoilt != 1 {
		t.Fatalf("%d objects are %s", spoilt, part)
	}
}

// Whatever part of a recording is damaged, who asks for it is told which one it is,
// and all else is served.
func TestEachDamagedPartIsNamedAndTheOthersAreServed(t *testing.T) {
	type answer struct {
		status  int
		says    string
		saysNot string
	}
	const gone = http.StatusGone
	const sheet = "/a.css"
	whole := map[string]answer{
		"/open": {200, sheet, "damaged"}, "/recording": {200, `"found":1`, ""}, "/segments/0": {200, sheet, ""},
		"/events": {200, "typed into", "damaged"}, "/fidelity": {200, sheet, ""}, "asset": {200, "/bg.png", ""},
	}
	for part, differs := range map[string]map[string]answer{
		"segment-0000": {"/open": {200, `"found":1`, sheet}, "/segments/0": {gone, "segment-0000", sheet}},
		"events-0000":  {"/open": {200, `"damaged":"events-0000 is damaged`, ""}, "/events": {200, `"damaged":["events-0000 is damaged`, "typed into"}},
		"manifest":     {"/fidelity": {gone, "manifest is damaged", ""}, "asset": {404, "does not hold", ""}},
		"index": {
			"/open": {gone, "index is damaged", ""}, "/recording": {gone, "index", ""}, "/segments/0": {gone, "index", ""}, "/events": {gone, "index", ""},
			"/fidelity": {gone, "index", ""}, "asset": {404, "does not hold", ""},
		},
		"top": {
			"/open": {gone, "top is damaged", ""}, "/recording": {gone, "top", ""}, "/segments/0": {gone, "top", ""}, "/events": {gone, "top", ""},
			"/fidelity": {gone, "top", ""}, "asset": {404, "does not hold", ""},
		},
	} {
		t.Run(part, func(t *testing.T) {
			s := newStage(t)
			id := s.record(t)
			s.spoil(t, id, part)
			for path, want := range whole {
				if other, is := differs[path]; is {
					want = other
				}
				at := "/api/sessions/" + string(id) + path
				if path == "asset" {
					at = "/archive/" + string(id) + "/1/http/site" + sheet
				}
				status, body := s.call(t, "otto", "GET", at, "")
				if status != want.status || !strings.Contains(body, want.says) || want.saysNot != "" && strings.Contains(body, want.saysNot) {
					t.Errorf("%s: %d, not %d with %q and without %q: %.300q", path, status, want.status, want.says, want.saysNot, body)
				}
			}
		})
	}
}
