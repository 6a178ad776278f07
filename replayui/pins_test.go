package replayui

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
	"github.com/pillion-dev/pillion/events"
)

// fetches has the index learn that a visit fetched a picture at a time; private
// ones are in its vault.
func (s *stage) fetches(t *testing.T, visit, path, content string, at time.Time, private bool) {
	t.Helper()
	c := archive.Capture{URL: "http://site" + path, By: visit, Time: at, Type: "image/png", Size: int64(len(content)), Status: 200, Source: archive.SourceTapped}
	var err error
	if private {
		c.Visit, c.Own = visit, true
		vault, verr := s.vaults.Make(t.Context(), archive.VisitOwner(visit))
		if verr != nil {
			t.Fatal(verr)
		}
		c.Ref, err = vault.PutBlob(t.Context(), []byte(content))
	} else {
		c.Ref, err = archive.BlobsIn(s.store).Put(t.Context(), []byte(content))
	}
	if err == nil {
		err = s.captures.Add(t.Context(), []archive.Capture{c})
	}
	if err != nil {
		t.Fatal(err)
	}
}

// shows sends a page state with pictures.
func shows(t *testing.T, link *events.UserLink, paths ...string) {
	t.Helper()
	body := element(2, "html")
	for i, path := range paths {
		body.Children = append(body.Children, element(events.NodeID(3+i), "img", "src", path))
	}
	state := &events.PageState{Width: 9, Height: 9, Document: &events.Node{ID: 1, Kind: events.DocumentNode, Text: "http://site/", Base: "http://site/", Children: []*events.Node{body}}}
	if err := link.Binary(append([]byte{byte(events.KindPageState), 1, 0}, state.Append(nil)...)); err != nil {
		t.Fatal(err)
	}
}

// pins is what a session's URLs are pinned to, by path.
func (s *stage) pins(t *testing.T, id events.SessionID) map[string]archive.Ref {
	t.Helper()
	list, err := s.captures.PinsOf(t.Context(), string(id))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]archive.Ref{}
	for _, p := range list {
		all[strings.TrimPrefix(p.URL, "http://site")] = p.Ref
	}
	return all
}

// sealed waits for a session's recording and returns the content of each file that
// it has, by path; those that were pinned are marked.
func (s *stage) sealed(t *testing.T, id events.SessionID) map[string]string {
	t.Helper()
	until(t, func() bool {
		_, err := s.directory.Get(t.Context(), id)
		return errors.Is(err, events.ErrNoSession)
	})
	rec, err := archive.OpenRecording(t.Context(), s.store, s.vaults, string(id))
	if err != nil {
		t.Fatal(err)
	}
	m, err := rec.Manifest(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, c := range slices.Concat(m.Captures, m.Missing) {
		content := "→ " + c.Location
		if c.Ref != "" {
			b, err := rec.Asset(t.Context(), c)
			if err != nil {
				t.Errorf("%s: %v", c.URL, err)
			}
			content = string(b)
		} else if c.Why != "" {
			content = "(" + string(c.Why) + ")"
		}
		if !c.Pinned.IsZero() {
			content += ", pinned"
		}
		all[strings.TrimPrefix(c.URL, "http://site")] = content
	}
	return all
}

// forget does what the collector does with what the index says is not needed.
func (s *stage) forget(t *testing.T, before time.Time) archive.Expired {
	t.Helper()
	gone, err := s.captures.Expire(t.Context(), before, before)
	for _, ref := range gone.Refs {
		err = errors.Join(err, archive.BlobsIn(s.store).Delete(t.Context(), ref))
	}
	for _, o := range gone.Private {
		vault, verr := s.vaults.Open(t.Context(), archive.VisitOwner(o.Visit))
		if verr == nil {
			verr = vault.DeleteBlob(t.Context(), o.Ref)
		}
		err = errors.Join(err, verr)
	}
	for _, visit := range gone.Visits {
		err = errors.Join(err, s.vaults.Destroy(t.Context(), archive.VisitOwner(visit)))
	}
	if err != nil {
		t.Fatal(err)
	}
	return gone
}

func equal(t *testing.T, what string, got, want map[string]string) {
	t.Helper()
	if !maps.Equal(got, want) {
		t.Errorf("%s: %q, not %q", what, got, want)
	}
}

func TestWhatAPageSawIsPinnedWhateverTheIndexLearnsLater(t *testing.T) {
	s := newStage(t)
	session, link := s.live(t, quiet{}, "v")
	id := session.Info().ID
	from, _, _ := session.PageWindow(1)
	in := func(ms int) time.Time { return from.Add(time.Duration(ms) * time.Millisecond) }
	time.Sleep(20 * time.Millisecond) // the page is named after what it fetched
	s.fetches(t, "v", "/captcha.png", "the first one", in(1), false)
	s.fetches(t, "v", "/captcha.png", "the one on show", in(2), false)
	s.fetches(t, "v", "/me.png", "me", in(3), true)
	s.fetches(t, "v", "/cached.png", "from the cache", in(-9000), false)
	s.fetches(t, "w", "/slow.png", "another's", in(-9000), false)
	s.fetches(t, "w", "/shared.png", "everybody's", in(-9000), false)
	if err := s.captures.Add(t.Context(), []archive.Capture{{URL: "http://site/moved.png", By: "v", Own: true, Time: in(4), Status: 302, Location: "http://site/me.png"}}); err != nil {
		t.Fatal(err)
	}
	shows(t, link, "/captcha.png", "/me.png", "/cached.png", "/slow.png", "/shared.png", "/moved.png", "/late.png", "/never.png")
	now := time.Now()
	s.wanted.look(t.Context(), now)
	if pins := s.pins(t, id); len(pins) != 0 {
		t.Errorf("at once: %v", pins)
	}
	s.wanted.look(t.Context(), now.Add(time.Minute))
	if got := slices.Sorted(maps.Keys(s.pins(t, id))); strings.Join(got, " ") != "/captcha.png /me.png /moved.png" {
		t.Errorf("what the page fetched itself: %q", got)
	}
	// A viewer sees what the recording will show.
	viewer := func(what, path, want string) {
		t.Helper()
		if status, body := s.call(t, "ann", "GET", "/archive/"+string(id)+"/1/http/site"+path, ""); status != http.StatusOK || body != want {
			t.Errorf("%s: %s is %d %q, not %q", what, path, status, body, want)
		}
	}
	viewer("at first", "/captcha.png", "the one on show")
	viewer("at first", "/moved.png", "me")
	s.fetches(t, "v", "/slow.png", "its own", time.Now(), false)
	s.fetches(t, "v", "/late.png", "late", time.Now(), false)
	s.wanted.look(t.Context(), now.Add(2*time.Minute)) // others' and older ones were waited with
	s.wanted.look(t.Context(), now.Add(time.Hour))     // what was missing is looked for again
	for _, path := range []string{"/captcha.png", "/me.png", "/cached.png", "/slow.png", "/shared.png", "/late.png"} {
		s.fetches(t, "v", path, "changed", in(0), path == "/me.png") // before all others
		s.fetches(t, "v", path, "fetched again", time.Now(), path == "/me.png")
	}
	want := map[string]string{
		"/captcha.png": "the one on show", "/me.png": "me", "/cached.png": "from the cache", "/slow.png": "its own", "/shared.png": "everybody's", "/late.png": "late",
	}
	for path, content := range want {
		viewer("later", path, content)
		want[path] += ", pinned"
	}
	session.End("user")
	want["/moved.png"], want["/never.png"] = "→ http://site/me.png, pinned", "(not-seen)"
	equal(t, "sealed", s.sealed(t, id), want)
	if pins := s.pins(t, id); len(pins) != 0 {
		t.Errorf("a sealed session has pins: %v", pins)
	}
}

func TestWhatIsPinnedOutlivesItsExpiryAndAGatewayThatIsStartedAnew(t *testing.T) {
	s := newStage(t)
	session, link := s.live(t, quiet{}, "v")
	id := session.Info().ID
	s.fetches(t, "v", "/me.png", "me", time.Now(), true)
	s.fetches(t, "v", "/all.png", "everybody's", time.Now(), false)
	s.fetches(t, "v", "/not-pinned.png", "of no page", time.Now(), true)
	pdf := archive.Capture{URL: "http://site/paper.pdf", By: "v", Visit: "v", Own: true, Time: time.Now(), Type: "application/pdf", Status: 200}
	vault, err := s.vaults.Make(t.Context(), archive.VisitOwner("v"))
	if err == nil {
		pdf.Ref, err = vault.PutBlob(t.Context(), []byte("%PDF"))
	}
	if err == nil {
		err = s.captures.Add(t.Context(), []archive.Capture{pdf})
	}
	if err != nil {
		t.Fatal(err)
	}
	shows(t, link, "/me.png", "/all.png")
	now := time.Now()
	s.wanted.look(t.Context(), now)                    // which finds the document
	s.wanted.look(t.Context(), now.Add(time.Minute))   // and pins what it found
	s.wanted.look(t.Context(), now.Add(2*time.Minute)) // nothing new
	if pins := s.pins(t, id); len(pins) != 3 {
		t.Fatalf("%v", pins)
	}

	// The gateway ends, and another one starts on what there is.
	s.hub.Close()
	if err := s.captures.Close(); err != nil {
		t.Fatal(err)
	}
	if s.captures, err = disk.NewCaptures(filepath.Join(s.dir, "captures.db")); err != nil {
		t.Fatal(err)
	}
	sealer := NewSealer(SealerOptions{Log: s.log, Directory: s.directory, Catalogue: s.catalogue, Store: s.store, Vaults: s.vaults, Captures: s.captures, Key: s.key})
	t.Cleanup(sealer.Close)
	wanted := NewWanted(s.captures, archive.NewLibrary(s.store, s.vaults), nil)
	hub, err := events.NewHub(t.Context(), events.HubOptions{Log: s.log, Directory: s.directory, Key: []byte("0123456789abcdef"), Ended: sealer.Ended, URLs: wanted.URLs})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(hub.Close)
	wanted.Start(hub, s.directory) // it looks for pins of sessions that are gone
	wanted.Close()
	if gone := s.forget(t, time.Now().Add(time.Hour)); len(gone.Private) != 1 || len(gone.Refs)+len(gone.Visits) != 0 {
		t.Errorf("beside pins: %+v", gone)
	}
	s.fetches(t, "v", "/all.png", "changed", time.Now(), false)
	live := hub.Session(id)
	if live == nil {
		t.Fatal("the session is not restored")
	}
	live.End("user")
	equal(t, "sealed", s.sealed(t, id), map[string]string{"/me.png": "me, pinned", "/all.png": "everybody's, pinned", "/paper.pdf": "%PDF, pinned"})
	if gone := s.forget(t, time.Now().Add(time.Hour)); strings.Join(gone.Visits, " ") != "v" {
		t.Errorf("once it is sealed: %+v", gone)
	}
	equal(t, "later still", s.sealed(t, id), map[string]string{"/me.png": "me, pinned", "/all.png": "everybody's, pinned", "/paper.pdf": "%PDF, pinned"})
}

func TestWhatWasNeverPinnedIsLookedUpWhenTheSessionIsSealed(t *testing.T) {
	s := newStage(t)
	session, link := s.live(t, quiet{}, "v")
	id := session.Info().ID
	s.fetches(t, "v", "/a.png", "at first", time.Now(), false)
	s.fetches(t, "v", "/a.png", "on show", time.Now(), true)
	shows(t, link, "/a.png", "/b.png")
	s.fetches(t, "v", "/b.png", "came then", time.Now().Add(time.Millisecond), false)
	s.fetches(t, "v", "/a.png", "fetched again", time.Now().Add(time.Millisecond), false)
	session.End("user")
	equal(t, "sealed", s.sealed(t, id), map[string]string{"/a.png": "on show", "/b.png": "came then"})
}

func TestPinsOfSessionsThatAreGoneAreForgotten(t *testing.T) {
	s := newStage(t)
	on, link := s.live(t, quiet{}, "v")
	s.fetches(t, "v", "/a.png", "a", time.Now(), false)
	shows(t, link, "/a.png")
	s.wanted.look(t.Context(), time.Now().Add(time.Minute))
	ended := events.SessionInfo{ID: "ended", State: events.StateEnded}
	pin := archive.Pin{Page: 1, Capture: archive.Capture{URL: "http://site/a.png", Location: "http://site/b.png"}}
	unsealed, gone := pin, pin
	unsealed.Session, gone.Session = "ended", "gone"
	if err := errors.Join(s.directory.Put(t.Context(), ended), s.captures.Pin(t.Context(), []archive.Pin{unsealed, gone})); err != nil {
		t.Fatal(err)
	}
	s.wanted.unpin(t.Context(), s.directory)
	sessions, err := s.captures.PinnedSessions(t.Context())
	slices.Sort(sessions)
	want := []string{string(on.Info().ID), "ended"}
	slices.Sort(want)
	if err != nil || !slices.Equal(sessions, want) {
		t.Errorf("%q, not %q: %v", sessions, want, err)
	}
}

// unsteady is an index that cannot write pins at first.
type unsteady struct {
	archive.CaptureIndex
	failures int
}

func (u *unsteady) Pin(ctx context.Context, pins []archive.Pin) error {
	if len(pins) > 0 && u.failures > 0 {
		u.failures--
		return errors.New("the disk is full")
	}
	return u.CaptureIndex.Pin(ctx, pins)
}

func TestAPinThatCannotBeWrittenIsTriedAgain(t *testing.T) {
	s := newStage(t)
	session, link := s.live(t, quiet{}, "v")
	s.fetches(t, "v", "/a.png", "a", time.Now(), false)
	s.wanted.captures = &unsteady{s.captures, 2}
	shows(t, link, "/a.png")
	for n := range 3 {
		if pins := s.pins(t, session.Info().ID); len(pins) != 0 {
			t.Fatalf("after %d: %v", n, pins)
		}
		s.wanted.look(t.Context(), time.Now().Add(time.Hour))
	}
	if pins := s.pins(t, session.Info().ID); len(pins) != 1 {
		t.Errorf("%v", pins)
	}
}

func TestWhatAViewerAsksForIsNotPinned(t *testing.T) {
	s := newStage(t)
	session, link := s.live(t, quiet{}, "v")
	id := session.Info().ID
	shows(t, link)
	s.wanted.name(id, 1, "http://site/named.png", false)
	if status, _ := s.call(t, "ann", "GET", "/archive/"+string(id)+"/1/http/site/viewer.png", ""); status != http.StatusNotFound {
		t.Error(status)
	}
	s.fetches(t, "v", "/viewer.png", "x", time.Now(), false)
	s.fetches(t, "v", "/named.png", "x", time.Now(), false)
	for i := range 3 {
		s.wanted.look(t.Context(), time.Now().Add(time.Duration(i)*time.Hour))
	}
	if pins := s.pins(t, id); len(pins) != 1 || pins["/named.png"] == "" {
		t.Errorf("%v", pins)
	}
}
