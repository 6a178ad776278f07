package replayui

import (
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// asked is a Peer that remembers what its browser is asked for.
type asked struct {
	quiet
	mu          sync.Mutex
	sure, maybe []string
}

func (p *asked) SendText(v any) {
	if m, ok := v.(events.ToUser); ok && m.Type == "fetch" {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.sure, p.maybe = append(p.sure, m.URLs...), append(p.maybe, m.Maybe...)
	}
}

func (p *asked) take() (sure, maybe string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	slices.Sort(p.sure)
	slices.Sort(p.maybe)
	sure, maybe = strings.Join(p.sure, " "), strings.Join(p.maybe, " ")
	p.sure, p.maybe = nil, nil
	return sure, maybe
}

func element(id events.NodeID, name string, attrs ...string) *events.Node {
	n := &events.Node{ID: id, Kind: events.ElementNode, Name: name}
	for i := 0; i < len(attrs); i += 2 {
		n.Attrs = append(n.Attrs, events.Attr{Name: attrs[i], Value: attrs[i+1]})
	}
	return n
}

func TestABrowserIsAskedForWhatTheArchiveLacks(t *testing.T) {
	s := newStage(t)
	user := &asked{}
	session, link := s.live(t, user, "v")
	now := time.Now()
	css, err := archive.BlobsIn(s.store).Put(t.Context(), []byte("@font-face{src:url(f.woff2)}"))
	if err != nil {
		t.Fatal(err)
	}
	capture := func(path string, why archive.Why, ref archive.Ref, location string) archive.Capture {
		return archive.Capture{URL: "http://site" + path, By: "v", Own: true, Time: now, Why: why, Ref: ref, Type: "text/css", Location: location}
	}
	if err := s.captures.Add(t.Context(), []archive.Capture{
		capture("/a.css", "", css, ""), capture("/secret.png", archive.WhyNoStore, "", ""), capture("/half.png", archive.WhyBroken, "", ""), capture("/moved.png", "", "", "http://site/new.png"),
	}); err != nil {
		t.Fatal(err)
	}
	body := element(2, "html")
	body.Children = []*events.Node{
		element(3, "link", "rel", "stylesheet", "href", "/a.css"), element(4, "img", "src", "/cached.png"), element(5, "img", "src", "/secret.png"), element(6, "img", "src", "/half.png"),
		element(7, "img", "src", "/moved.png"), element(8, "img", "src", "/1.png", "srcset", "/1.png 1x, /2.png 2x"), element(9, "img", "src", "http://elsewhere/x.png"),
		element(10, "link", "rel", "icon", "href", "/icon.png"), element(11, "div", "style", "background: url(/back.png)"),
	}
	state := &events.PageState{Width: 100, Height: 100, Document: &events.Node{ID: 1, Kind: events.DocumentNode, Text: "http://site/", Base: "http://site/", Children: []*events.Node{body}}}
	if err := link.Binary(append([]byte{byte(events.KindPageState), 1, 0}, state.Append(nil)...)); err != nil {
		t.Fatal(err)
	}
	var fetched []string
	s.wanted.FetchWith(func(visit, u string) bool {
		fetched = append(fetched, visit+" "+u)
		return strings.HasSuffix(u, "/listed.png")
	})
	s.wanted.name(session.Info().ID, 1, "http://elsewhere/listed.png", true)
	s.wanted.look(t.Context(), now)
	if sure, maybe := user.take(); sure+maybe != "" {
		t.Errorf("at once, although it may be on its way: %q %q", sure, maybe)
	}
	later := now.Add(time.Minute)
	s.wanted.look(t.Context(), later)
	if sure, maybe := user.take(); sure != "http://site/cached.png http://site/half.png" || maybe != "http://site/1.png http://site/2.png http://site/back.png http://site/icon.png" {
		t.Errorf("%q %q", sure, maybe)
	}
	s.wanted.look(t.Context(), later) // what the sheet names, and where the redirect led
	if sure, maybe := user.take(); sure != "http://site/new.png" || maybe != "http://site/f.woff2" {
		t.Errorf("%q %q", sure, maybe)
	}
	s.wanted.look(t.Context(), later.Add(time.Minute))
	if sure, maybe := user.take(); sure+maybe != "" {
		t.Errorf("asked twice: %q %q", sure, maybe)
	}
	slices.Sort(fetched)
	if got := strings.Join(fetched, ","); got != "v http://elsewhere/listed.png,v http://elsewhere/x.png" {
		t.Errorf("other origins: %s", got)
	}
	for u, want := range map[string]archive.Why{"http://site/cached.png": archive.WhyNotSeen, "http://elsewhere/x.png": archive.WhyOtherHost, "http://site/half.png": archive.WhyBroken} {
		if c, err := s.captures.Find(t.Context(), u, "v", now, later); err != nil || c.Why != want {
			t.Errorf("%s: %+v %v", u, c, err)
		}
	}
	id := string(session.Info().ID)
	if status, _ := s.call(t, "ann", "GET", "/archive/"+id+"/1/http/site/viewer.png", ""); status != http.StatusNotFound {
		t.Error(status)
	}
	s.wanted.look(t.Context(), later)
	if sure, _ := user.take(); sure != "http://site/viewer.png" {
		t.Errorf("what a viewer found missing: %q", sure)
	}
}

func TestABrowserHandsInWhatItWasAskedForAndNothingElse(t *testing.T) {
	s := newStage(t)
	session, _ := s.live(t, quiet{}, "v")
	id := session.Info().ID
	s.wanted.name(id, 1, "http://site/a.png", true)
	s.wanted.sessions[id].may["http://site/a.png"] = true
	hand := func(u, cookie string) int {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.site.URL+"/.pillion/kept?url="+u, strings.NewReader("\x89PNG\r\n\x1a\nhanded in"))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Pillion-Type", "image/png")
		req.Header.Set("Pillion-Etag", `"1"`)
		req.AddCookie(&http.Cookie{Name: sessionCookie, Value: cookie})
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		return resp.StatusCode
	}
	secret := s.hub.Secret(id)
	for _, c := range []struct {
		url, cookie string
		want        int
	}{
		{"http://site/other.png", secret, http.StatusNotFound}, {"http://site/a.png", "forged", http.StatusNotFound},
		{"http://site/a.png", secret, http.StatusNoContent}, {"http://site/a.png", secret, http.StatusNotFound},
	} {
		if got := hand(c.url, c.cookie); got != c.want {
			t.Errorf("%s: %d, not %d", c.url, got, c.want)
		}
	}
	s.collector.Close()
	now := time.Now()
	c, err := s.captures.Find(t.Context(), "http://site/a.png", "v", now.Add(-time.Minute), now.Add(time.Minute))
	if err != nil || c.Source != archive.SourceRefetched || c.Visit != "v" || c.Header["Etag"] != `"1"` {
		t.Errorf("%+v %v", c, err)
	}
	// Only a browser vouches for it: nobody else gets it.
	if c, err := s.captures.Find(t.Context(), "http://site/a.png", "w", now.Add(-time.Minute), now.Add(time.Minute)); err == nil {
		t.Errorf("another visit: %+v", c)
	}
}

func TestWhatASessionNamesIsBounded(t *testing.T) {
	s := newStage(t)
	session, _ := s.live(t, quiet{}, "v")
	id := session.Info().ID
	for i := range 2 * maxNamed {
		s.wanted.name(id, 1, "http://site/"+strings.Repeat("x", i%7)+string(rune('a'+i%26))+time.Duration(i).String(), true)
	}
	if n := len(s.wanted.sessions[id].open); n != maxNamed {
		t.Errorf("%d files", n)
	}
	session.End("user")
	s.wanted.look(t.Context(), time.Now())
	if len(s.wanted.sessions) != 0 {
		t.Error("a session that is over is remembered")
	}
}
