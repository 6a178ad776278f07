package replayui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

func TestSignIn(t *testing.T) {
	s := newStage(t)
	for _, c := range []struct {
		body   string
		status int
	}{
		{`{"name":"ann","password":"pass-word"}`, http.StatusOK},
		{`{"name":"ann","password":"wrong"}`, http.StatusUnauthorized},
		{`{"name":"nobody","password":"pass-word"}`, http.StatusUnauthorized},
		{`nonsense`, http.StatusBadRequest},
	} {
		if status, body := s.call(t, "", "POST", "/api/signin", c.body); status != c.status {
			t.Errorf("%s: %d %s", c.body, status, body)
		}
	}
	if status, _ := s.call(t, "", "POST", "/api/signin", `{"name":"ann","password":"pass-word"}`, "Origin", "http://evil.example"); status != http.StatusForbidden {
		t.Errorf("from another site: %d", status)
	}
	if status, _ := s.call(t, "", "POST", "/api/signin", `{"name":"ann"}`, "Content-Type", "text/plain"); status != http.StatusUnsupportedMediaType {
		t.Errorf("as a form could: %d", status)
	}
	for range signInFailures {
		s.call(t, "", "POST", "/api/signin", `{"name":"bob","password":"guess"}`)
	}
	if status, _ := s.call(t, "", "POST", "/api/signin", `{"name":"bob","password":"pass-word"}`); status != http.StatusTooManyRequests {
		t.Errorf("after ten failures: %d", status)
	}
	if status, _ := s.call(t, "", "GET", "/api/me", "", "Authorization", "Bearer "+s.token("ann", time.Now().Add(-time.Second))); status != http.StatusUnauthorized {
		t.Errorf("an old token: %d", status)
	}
	if status, _ := s.call(t, "", "GET", "/api/me", "", "Authorization", "Bearer "+s.token("ann", time.Now().Add(time.Hour))+"x"); status != http.StatusUnauthorized {
		t.Errorf("a forged token: %d", status)
	}
}

// quiet is a Peer that nobody listens to.
type quiet struct{}

func (quiet) SendText(any)      {}
func (quiet) SendRecord([]byte) {}
func (quiet) Close(int, string) {}

// live starts a session that an agent sees.
func (s *stage) live(t *testing.T, peer events.Peer, visit string) (*events.Session, *events.UserLink) {
	t.Helper()
	session, err := s.hub.Start(t.Context(), events.SessionInfo{Org: "o", URL: "http://site/", Title: "T", Visit: visit})
	if err != nil {
		t.Fatal(err)
	}
	link, err := session.AttachUser(peer, events.FromUser{URL: "http://site/"})
	if err != nil {
		t.Fatal(err)
	}
	code, _ := session.Code()
	if status, body := s.call(t, "ann", "POST", "/api/join", `{"code":"`+string(code)+`"}`); status != http.StatusOK || !strings.Contains(body, string(session.Info().ID)) {
		t.Fatalf("join: %d %s", status, body)
	}
	if err := link.Text([]byte(`{"type":"consent","participant":2,"allow":true}`)); err != nil {
		t.Fatal(err)
	}
	return session, link
}

// record plays a short session and returns its id once it is sealed.
func (s *stage) record(t *testing.T) events.SessionID {
	t.Helper()
	session, link := s.live(t, quiet{}, "")
	css, err := archive.BlobsIn(s.store).Put(t.Context(), []byte("body{background:url(/bg.png)}"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.captures.Add(t.Context(), capturesOf(css)); err != nil {
		t.Fatal(err)
	}
	state := &events.PageState{Title: "T", Width: 100, Height: 100, Document: &events.Node{ID: 1, Kind: events.DocumentNode, Text: "http://site/", Base: "http://site/", Children: []*events.Node{
		{ID: 2, Kind: events.ElementNode, Name: "html", Children: []*events.Node{
			{ID: 3, Kind: events.ElementNode, Name: "link", Attrs: []events.Attr{{Name: "rel", Value: "stylesheet"}, {Name: "href", Value: "a.css"}}},
			{ID: 4, Kind: events.ElementNode, Name: "input", Attrs: []events.Attr{{Name: "aria-label", Value: "Name"}}},
			{ID: 5, Kind: events.ElementNode, Name: "img", Attrs: []events.Attr{{Name: "src", Value: "/never.png"}}},
		}},
	}}}
	batch := &events.Batch{Events: []events.PageEvent{{Op: events.OpValue, ID: 4, Text: "Ann", Cause: events.CauseUser}}}
	for i, frame := range [][]byte{
		append([]byte{byte(events.KindPageState), 1, 0}, state.Append(nil)...), append([]byte{byte(events.KindPageEvents), 2, 0}, batch.Append(nil)...),
	} {
		if err := link.Binary(frame); err != nil {
			t.Fatal(i, err)
		}
	}
	id := session.Info().ID
	if status, body := s.call(t, "ann", "GET", "/archive/"+string(id)+"/1/http/site/a.css", ""); status != http.StatusOK || !strings.Contains(body, "/archive/"+string(id)+"/1/http/site/bg.png") {
		t.Errorf("live asset: %d %s", status, body)
	}
	session.End("user")
	// At once, whatever the directory knows: a player may be waiting for the recording.
	if status, body := s.call(t, "ann", "GET", "/api/sessions/"+string(id), ""); status != http.StatusOK || !strings.Contains(body, `"state":"ended"`) && !strings.Contains(body, `"state":"sealed"`) {
		t.Errorf("just ended: %d %s", status, body)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if _, err := s.catalogue.Get(t.Context(), id); err == nil {
			return id
		}
		if time.Now().After(deadline) {
			t.Fatal("not sealed")
		}
	}
}

func TestARecordingIsServedToThoseWhoMaySeeIt(t *testing.T) {
	s := newStage(t)
	id := s.record(t)
	base := "/api/sessions/" + string(id)
	for path, parts := range map[string][]string{
		base:                {`"state":"sealed"`},
		base + "/recording": {`"segments":[{"n":0`, `"keyframes":[]`, `"found":1`, `"missing":1`},
		base + "/events":    {`typed into “Name”`, `"type":"navigation"`, `allowed ann to see the page`},
		base + "/events?type=input&q=NAME&from=0":       {`typed into “Name”`},
		"/archive/" + string(id) + "/1/http/site/a.css": {"/archive/" + string(id) + "/1/http/site/bg.png"},
		"/api/sessions?q=typed":                         {string(id)},
	} {
		for _, who := range []string{"otto", "ann"} {
			status, body := s.call(t, who, "GET", path, "")
			for _, part := range parts {
				if status != http.StatusOK || !strings.Contains(body, part) {
					t.Errorf("%s %s: %d, no %s in %s", who, path, status, part, body)
				}
			}
		}
		for who, want := range map[string]int{"": http.StatusUnauthorized, "bob": http.StatusNotFound, "eve": http.StatusNotFound} {
			status, body := s.call(t, who, "GET", path, "")
			if strings.HasPrefix(path, "/api/sessions?") && who != "" {
				if strings.Contains(body, string(id)) {
					t.Errorf("%s finds it: %s", who, body)
				}
			} else if status != want {
				t.Errorf("%q %s: %d", who, path, status)
			}
		}
	}
	if status, _ := s.call(t, "otto", "GET", "/archive/"+string(id)+"/1/http/site/never.png", ""); status != http.StatusNotFound {
		t.Errorf("a missing asset: %d", status)
	}
	if status, _ := s.call(t, "otto", "POST", "/api/join", `{"code":"000000000000"}`); status != http.StatusForbidden {
		t.Errorf("an auditor joins: %d", status)
	}
	for _, path := range []string{base + "/segments/0", base + "/open"} {
		status, body := s.call(t, "otto", "GET", path, "")
		if status != http.StatusOK || !strings.Contains(body, "/archive/"+string(id)+"/1/http/site/a.css") {
			t.Errorf("%s: %d, %d bytes", path, status, len(body))
		}
	}
	if status, _ := s.call(t, "otto", "GET", base+"/segments/9", ""); status != http.StatusNotFound {
		t.Errorf("no such segment: %d", status)
	}
}

func TestTheUsersSideStartsOneSessionPerBrowser(t *testing.T) {
	s := newStage(t)
	post := func(body, cookie string) (*http.Response, sessionAnswer) {
		t.Helper()
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, s.site.URL+"/.pillion/session", bytes.NewBufferString(body))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("Origin", s.site.URL)
		req.Header.Set("Cookie", cookie)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var a sessionAnswer
		_ = json.NewDecoder(resp.Body).Decode(&a) // 204 has none
		return resp, a
	}
	if resp, _ := post(`{"resume":true}`, ""); resp.StatusCode != http.StatusNoContent {
		t.Errorf("nothing to resume: %s", resp.Status)
	}
	resp, first := post(`{"url":"http://site/"}`, "")
	cookie := resp.Cookies()[0]
	if resp.StatusCode != http.StatusCreated || len(first.Code) != 14 || first.Ticket == "" || !cookie.HttpOnly || cookie.SameSite != http.SameSiteStrictMode {
		t.Fatalf("%s %+v %v", resp.Status, first, cookie)
	}
	resp, again := post(`{"resume":true}`, cookie.Name+"="+cookie.Value)
	if resp.StatusCode != http.StatusOK || again.Code != first.Code || again.Ticket == first.Ticket {
		t.Errorf("%s %+v", resp.Status, again)
	}
	if resp, other := post(`{}`, cookie.Name+"="+cookie.Value+"x"); resp.StatusCode != http.StatusCreated || other.Code == first.Code {
		t.Errorf("a forged cookie: %s", resp.Status)
	}
	for _, ticket := range []string{"", "wrong"} {
		resp, err := http.Get(s.site.URL + "/.pillion/socket?ticket=" + ticket)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if resp.StatusCode != http.StatusForbidden {
			t.Errorf("ticket %q: %s", ticket, resp.Status)
		}
	}
}

const table = `{"hosts":[["https://legacy.internal",""],["https://shop.internal","https://shop.example.com"]],"assets":["cdn.example.com","*.img.example.com"],"prefix":"/.pillion/from/"}`

// getFrom asks a stage's site, without the client's own compression.
func (s *stage) getFrom(t *testing.T, path, coding string) (resp *http.Response, body string) {
	t.Helper()
	req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, s.site.URL+path, nil)
	req.Header.Set("Accept-Encoding", coding)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp, string(b)
}

func TestTheCaptureScriptIsFetchedOnceAndSmall(t *testing.T) {
	s := newStage(t)
	budgets := map[string]int{s.side.Script(nil): 6_000, s.side.Script([]byte(table)): 6_000}
	for part, budget := range map[string]int{"en": 29_700, "de": 29_700, "fr": 29_700, "act": 8_000, "files": 1_500} {
		budgets["/.pillion/parts/"+part+".js?v="+s.scripts.version] = budget
	}
	for path, budget := range budgets {
		resp, body := s.getFrom(t, path, "gzip, br")
		if resp.Header.Get("Content-Encoding") != "br" || !strings.Contains(resp.Header.Get("Cache-Control"), "immutable") {
			t.Errorf("%v", resp.Header)
		}
		if len(body) > budget || len(body) < budget/2 {
			t.Errorf("%s has %d bytes, the budget is %d", path, len(body), budget)
		}
	}
	for name := range parts {
		if resp, _ := s.getFrom(t, "/.pillion/parts/"+name+".js", "gzip"); resp.StatusCode != http.StatusOK || resp.Header.Get("Cache-Control") != "no-cache" {
			t.Errorf("%s: %s %v", name, resp.Status, resp.Header)
		}
	}
	if resp, _ := s.getFrom(t, "/.pillion/parts/xx.js", "gzip"); resp.StatusCode != http.StatusNotFound {
		t.Errorf("no such part: %s", resp.Status)
	}
	if resp, _ := s.getFrom(t, "/.pillion/capture.js", "gzip"); resp.Header.Get("Content-Encoding") != "gzip" || resp.Header.Get("Cache-Control") != "no-cache" {
		t.Errorf("%v", resp.Header)
	}
}

func TestTheCaptureScriptKnowsTheTableOfItsVersion(t *testing.T) {
	s := newStage(t)
	plain, mapped := s.side.Script(nil), s.side.Script([]byte(table))
	if plain == mapped || s.side.Script([]byte("null")) != plain || s.side.Script([]byte(table)) != mapped {
		t.Errorf("%s, %s", plain, mapped)
	}
	for path, knows := range map[string]bool{mapped: true, plain: false, "/.pillion/capture.js": false, plain + "x": false} {
		resp, body := s.getFrom(t, path, "identity")
		if strings.Contains(body, table) != knows || strings.Contains(body, originsName) || strings.Contains(body, settingsName) {
			t.Errorf("%s: the table is there: %v", path, !knows)
		}
		if named := path == mapped || path == plain; strings.Contains(resp.Header.Get("Cache-Control"), "immutable") != named {
			t.Errorf("%s: %v", path, resp.Header)
		}
	}
}

func TestVariantsOfTheCaptureScriptAreBounded(t *testing.T) {
	s := newStage(t)
	first := s.side.Script([]byte(table))
	var wg sync.WaitGroup
	for i := range 2 * maxVariants {
		wg.Go(func() {
			s.side.Script(fmt.Appendf(nil, `{"hosts":[["http://a","http://b:%d"]],"assets":[],"prefix":""}`, i))
		})
	}
	wg.Wait()
	if n := len(s.scripts.all); n != maxVariants {
		t.Errorf("%d variants", n)
	}
	if _, body := s.getFrom(t, first, "identity"); !strings.Contains(body, table) {
		t.Error("the first one is gone")
	}
}

func TestTicketsOpenOnce(t *testing.T) {
	var ts tickets[int]
	now := time.Now()
	a, b := ts.issue(1, now), ts.issue(2, now)
	if v, ok := ts.use(a, now); !ok || v != 1 {
		t.Error("the first use failed")
	}
	if _, ok := ts.use(a, now); ok {
		t.Error("used twice")
	}
	if _, ok := ts.use(b, now.Add(ticketLife)); ok {
		t.Error("used late")
	}
}

func capturesOf(css archive.Ref) []archive.Capture {
	return []archive.Capture{{URL: "http://site/a.css", Time: time.Now(), Ref: css, Type: "text/css", Size: 10}}
}

func TestCookiesAreSecureBehindATrustedProxyThatEndsTLS(t *testing.T) {
	for _, trusted := range []bool{true, false} {
		s := &Server{opts: Options{TrustForwarded: trusted}}
		r := httptest.NewRequest(http.MethodPost, "/", nil)
		r.Header.Set("X-Forwarded-Proto", "https")
		w := httptest.NewRecorder()
		s.setSessionCookie(w, r, "x", 0)
		if c := w.Result().Cookies(); len(c) != 1 || c[0].Secure != trusted {
			t.Errorf("trusted %v: %v", trusted, c)
		}
	}
}
