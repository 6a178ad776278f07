package replayui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// everyone adds accounts of each role in two organisations, beside those of the stage.
func (s *stage) everyone(t *testing.T) {
	t.Helper()
	for _, a := range []Account{
		{"sue", "o", events.RoleSupervisor}, {"adm", "o", events.RoleAdministrator},
		{"pat", "p", events.RoleAgent}, {"pia", "p", events.RoleSupervisor}, {"pam", "p", events.RoleAdministrator},
	} {
		if err := s.opts.Accounts.Add(a, "pass-word"); err != nil {
			t.Fatal(err)
		}
	}
}

// asks posts to the user's side of the site, as a page does.
func (s *stage) asks(t *testing.T, body, cookie string, headers ...string) (*http.Response, sessionAnswer) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.site.URL+"/.pillion/session", bytes.NewBufferString(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Origin", s.site.URL)
	if cookie != "" {
		req.Header.Set("Cookie", cookie)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	var a sessionAnswer
	_ = json.NewDecoder(resp.Body).Decode(&a) // errors have none
	return resp, a
}

// opens has an agent open a session, and returns its code.
func (s *stage) opens(t *testing.T, who, body string) (*events.Session, events.JoinCode) {
	t.Helper()
	status, text := s.call(t, who, "POST", "/api/sessions", body)
	var out struct{ Session events.SessionID }
	if err := json.Unmarshal([]byte(text), &out); err != nil || status != http.StatusCreated {
		t.Fatalf("%s opens: %d %s", who, status, text)
	}
	session := s.hub.Session(out.Session)
	code, _ := session.Code()
	return session, code
}

func TestAUserEntersWhatAnAgentOpened(t *testing.T) {
	s := newStage(t)
	session, code := s.opens(t, "ann", `{}`)
	body := `{"url":"http://site/a","code":"` + code.Grouped() + `"}`
	resp, a := s.asks(t, body, "")
	if resp.StatusCode != http.StatusCreated || a.State != events.StateAsking || a.Code != "" || a.Ticket == "" || len(resp.Cookies()) != 1 {
		t.Fatalf("%s %+v", resp.Status, a)
	}
	cookie := resp.Cookies()[0].Name + "=" + resp.Cookies()[0].Value
	if s.hub.Resume(resp.Cookies()[0].Value) != session {
		t.Error("the cookie is another session's")
	}
	if resp, _ := s.asks(t, body, ""); resp.StatusCode != http.StatusUnprocessableEntity {
		t.Errorf("a code that was used: %s", resp.Status)
	}
	if resp, a := s.asks(t, `{"resume":true}`, cookie); resp.StatusCode != http.StatusOK || a.State != events.StateAsking {
		t.Errorf("after a reload: %s %+v", resp.Status, a)
	}
	if resp, a := s.asks(t, `{"code":"000000000000"}`, cookie); resp.StatusCode != http.StatusOK || a.State != events.StateAsking {
		t.Errorf("another code, in a session: %s %+v", resp.Status, a)
	}
	if status, text := s.call(t, "ann", "GET", "/api/sessions", ""); status != http.StatusOK || !strings.Contains(text, string(session.Info().ID)) || strings.Contains(text, "http://site/a") {
		t.Errorf("Ann, not allowed yet, finds %d %s", status, text)
	}
	if status, text := s.call(t, "bob", "GET", "/api/sessions", ""); strings.Contains(text, string(session.Info().ID)) {
		t.Errorf("Bob finds %d %s", status, text)
	}
}

func TestACodeGoesBeforeACodeOfTheUsersOwn(t *testing.T) {
	s := newStage(t)
	resp, _ := s.asks(t, `{"url":"http://site/"}`, "")
	cookie := resp.Cookies()[0]
	own := s.hub.Resume(cookie.Value)
	if resp, _ := s.asks(t, `{"code":"000000000000"}`, cookie.Name+"="+cookie.Value); resp.StatusCode != http.StatusUnprocessableEntity || s.hub.Resume(cookie.Value) == nil {
		t.Errorf("a wrong one: %s", resp.Status)
	}
	session, code := s.opens(t, "ann", `{}`)
	resp, _ = s.asks(t, `{"code":"`+string(code)+`"}`, cookie.Name+"="+cookie.Value)
	if resp.StatusCode != http.StatusCreated || len(resp.Cookies()) != 1 || s.hub.Resume(resp.Cookies()[0].Value) != session || own.Info().State != events.StateEnded {
		t.Errorf("%s; the user's own is %s", resp.Status, own.Info().State)
	}
}

func TestGuessingCodesOnTheSiteIsStopped(t *testing.T) {
	for name, trusted := range map[string]bool{"by address": false, "by what our own proxy says": true} {
		s := newStage(t)
		s.opts.TrustForwarded = trusted
		_, code := s.opens(t, "ann", `{}`)
		for i := range 5 { // what a client claims of itself does not help
			resp, _ := s.asks(t, fmt.Sprintf(`{"code":"%012d"}`, i), "", "X-Forwarded-For", fmt.Sprintf("10.0.0.%d, 192.0.2.1", i))
			if resp.StatusCode != http.StatusUnprocessableEntity {
				t.Errorf("%s: guess %d: %s", name, i, resp.Status)
			}
		}
		good := `{"code":"` + string(code) + `"}`
		if resp, _ := s.asks(t, good, "", "X-Forwarded-For", "10.0.0.9, 192.0.2.1"); resp.StatusCode != http.StatusTooManyRequests {
			t.Errorf("%s: after five: %s", name, resp.Status)
		}
		want := map[bool]int{true: http.StatusCreated, false: http.StatusTooManyRequests}[trusted]
		if resp, _ := s.asks(t, good, "", "X-Forwarded-For", "192.0.2.2"); resp.StatusCode != want {
			t.Errorf("%s: another guest: %s", name, resp.Status)
		}
	}
}

func TestAPreviewIsForAdministratorsAndIsNotKept(t *testing.T) {
	s := newStage(t)
	s.everyone(t)
	session, code := s.opens(t, "adm", `{"preview":true}`)
	if !session.Info().Preview {
		t.Error("it is a session like others")
	}
	id := session.Info().ID
	if resp, _ := s.asks(t, `{"code":"`+string(code)+`"}`, ""); resp.StatusCode != http.StatusCreated {
		t.Fatal(resp.Status)
	}
	link, err := session.AttachUser(quiet{}, events.FromUser{URL: "http://site/"})
	if err != nil {
		t.Fatal(err)
	}
	for _, message := range []string{`{"type":"consent","participant":2,"allow":true}`, `{"type":"end"}`} {
		if err := link.Text([]byte(message)); err != nil {
			t.Fatal(err)
		}
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		_, err := s.opts.Directory.Get(t.Context(), id)
		if err != nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("it is kept")
		}
	}
	if _, err := s.catalogue.Get(t.Context(), id); err == nil {
		t.Error("there is a recording")
	}
}

// live is a session of Ann's with the user on one page, and an asset of it.
func (s *stage) liveSession(t *testing.T) (*events.Session, *events.UserLink) {
	t.Helper()
	session, err := s.hub.Start(t.Context(), events.SessionInfo{Org: "o", URL: "http://site/"})
	if err != nil {
		t.Fatal(err)
	}
	link, err := session.AttachUser(quiet{}, events.FromUser{URL: "http://site/"})
	if err != nil {
		t.Fatal(err)
	}
	code, _ := session.Code()
	if status, body := s.call(t, "ann", "POST", "/api/join", `{"code":"`+string(code)+`"}`); status != http.StatusOK {
		t.Fatalf("join: %d %s", status, body)
	}
	css, err := archive.BlobsIn(s.store).Put(t.Context(), []byte("a{}"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.captures.Add(t.Context(), capturesOf(css)); err != nil {
		t.Fatal(err)
	}
	return session, link
}

func TestWhoMayDoWhatWithASessionThatIsOn(t *testing.T) {
	s := newStage(t)
	s.everyone(t)
	session, link := s.liveSession(t)
	id := string(session.Info().ID)
	asset := "/archive/" + id + "/1/http/site/a.css"
	if status, _ := s.call(t, "ann", "GET", asset, ""); status != http.StatusNotFound {
		t.Errorf("before the user allowed it: %d", status)
	}
	if err := link.Text([]byte(`{"type":"consent","participant":2,"allow":true}`)); err != nil {
		t.Fatal(err)
	}
	people := []string{"", "ann", "bob", "sue", "adm", "otto", "pat", "pia", "pam", "eve"}
	for _, c := range []struct {
		method, path, body string
		want               [10]int // in the order of people
	}{
		{"POST", "/api/sessions", `{}`, [10]int{401, 201, 201, 201, 201, 403, 201, 201, 201, 403}},
		{"POST", "/api/sessions", `{"preview":true}`, [10]int{401, 403, 403, 403, 201, 403, 403, 403, 201, 403}},
		{"POST", "/api/sessions", `nonsense`, [10]int{401, 400, 400, 400, 400, 403, 400, 400, 400, 403}},
		{"POST", "/api/sessions/none/watch", `{}`, [10]int{401, 403, 403, 404, 404, 403, 403, 404, 404, 403}},
		{"GET", "/api/sessions/" + id, "", [10]int{401, 200, 404, 200, 200, 200, 404, 404, 404, 404}},
		{"GET", asset, "", [10]int{401, 200, 404, 404, 404, 404, 404, 404, 404, 404}},
		{"POST", "/api/sessions/" + id + "/ticket", `{}`, [10]int{401, 200, 404, 404, 404, 403, 404, 404, 404, 403}},
		{"GET", "/api/sessions/" + id + "/socket?ticket=x", "", [10]int{403, 403, 403, 403, 403, 403, 403, 403, 403, 403}},
		{"GET", "/api/sessions/" + id + "/recording", "", [10]int{401, 404, 404, 404, 404, 404, 404, 404, 404, 404}},
		{"GET", "/api/sessions/" + id + "/events", "", [10]int{401, 404, 404, 404, 404, 404, 404, 404, 404, 404}},
		{"POST", "/api/sessions/" + id + "/watch", `{}`, [10]int{401, 403, 403, 200, 200, 403, 403, 404, 404, 403}},
		{"POST", "/api/sessions/" + id + "/ticket", `{}`, [10]int{401, 200, 404, 200, 200, 403, 404, 404, 404, 403}},
		{"GET", asset, "", [10]int{401, 200, 404, 404, 404, 404, 404, 404, 404, 404}}, // who watches is not allowed yet
	} {
		for i, who := range people {
			if status, body := s.call(t, who, c.method, c.path, c.body); status != c.want[i] {
				t.Errorf("%q %s %s %s: %d, want %d: %s", who, c.method, c.path, c.body, status, c.want[i], body)
			}
		}
	}
	if err := link.Text([]byte(`{"type":"consent","participant":3,"allow":true}`)); err != nil {
		t.Fatal(err)
	}
	if status, _ := s.call(t, "sue", "GET", asset, ""); status != http.StatusOK {
		t.Errorf("a supervisor who is allowed: %d", status)
	}
	if err := link.Text([]byte(`{"type":"consent","participant":4,"allow":false}`)); err != nil {
		t.Fatal(err)
	}
	if status, _ := s.call(t, "adm", "POST", "/api/sessions/"+id+"/watch", `{}`); status != http.StatusNotFound {
		t.Errorf("who was refused asks again: %d", status)
	}
	if status, _ := s.call(t, "sue", "POST", "/api/sessions/"+id+"/watch", `{}`, "Origin", "http://evil.example"); status != http.StatusForbidden {
		t.Errorf("from another site: %d", status)
	}
}
