package events

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// offer opens a session for an agent, with a console.
func (s *stage) offer(t *testing.T, who Account, preview bool) (*Session, *AgentLink, *fakePeer) {
	t.Helper()
	session, err := s.Open(t.Context(), who, preview)
	if err != nil {
		t.Fatal(err)
	}
	peer := &fakePeer{}
	link, err := session.AttachAgent(peer, who)
	if err != nil {
		t.Fatal(err)
	}
	return session, link, peer
}

// gone waits until a session has left nothing behind.
func (s *stage) gone(t *testing.T, id SessionID) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		left := 0
		for _, err := range s.log.Read(t.Context(), id, 0) {
			if err != nil {
				t.Fatal(err)
			}
			left++
		}
		if _, err := s.dir.Get(t.Context(), id); errors.Is(err, ErrNoSession) && left == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d records are left behind", left)
		}
	}
}

func TestAnAgentComesFirst(t *testing.T) {
	st := newStage(t)
	session, _, agent := st.offer(t, ann, false)
	code, _ := session.Code()
	if !agent.heard(`"welcome"`, `"offered"`, `"participant":2`) || !agent.heard(`"invited"`, code.Grouped(), `"link":"http://site/#pillion=`+string(code)) {
		t.Fatalf("Ann hears %q", agent.texts)
	}
	site := SessionInfo{Org: "o", URL: "http://site/a", User: "u", Visit: "v", Most: LevelPropose}
	if _, err := st.Enter("guest", string(code), SessionInfo{Org: "p"}); !errors.Is(err, ErrCode) {
		t.Errorf("on another organisation's site: %v", err)
	}
	if _, err := st.Redeem(bob, string(code)); !errors.Is(err, ErrCode) {
		t.Errorf("by an agent: %v", err)
	}
	entered, err := st.Enter("guest", " "+code.Grouped(), site)
	if err != nil || entered != session {
		t.Fatal(err)
	}
	if _, err := st.Enter("guest", string(code), site); !errors.Is(err, ErrCode) {
		t.Errorf("twice: %v", err)
	}
	if !agent.heard(`"state"`, `"asking"`) {
		t.Errorf("Ann hears %q", agent.texts)
	}
	user := &fakePeer{}
	link, err := session.AttachUser(user, FromUser{URL: "http://site/a"})
	if err != nil {
		t.Fatal(err)
	}
	if !user.heard(`"welcome"`, `"asking"`) || !user.heard(`"join"`, `"name":"Ann"`, `"first":true`) || user.heard(`"code"`) {
		t.Errorf("the user hears %q", user.texts)
	}
	if err := link.Text([]byte(`{"type":"consent","participant":2,"allow":true,"level":"act"}`)); err != nil {
		t.Fatal(err)
	}
	if info := session.Info(); info.State != StateLive || info.User != "u" || info.Visit != "v" || session.level != LevelPropose || !agent.heard(`"consent"`, `"allow":true`) {
		t.Errorf("%+v at level %s", info, session.level)
	}
}

func TestCodesOfOffersTellNothingAndLock(t *testing.T) {
	st := newStage(t)
	first, _, _ := st.offer(t, ann, false)
	second, _, bobs := st.offer(t, bob, false)
	code, _ := first.Code()
	for i := range agentFailures {
		if _, err := st.Enter("guest", fmt.Sprintf("%012d", i), SessionInfo{Org: "o"}); !errors.Is(err, ErrCode) {
			t.Errorf("wrong: %v", err)
		}
	}
	if _, err := st.Enter("guest", string(code), SessionInfo{Org: "o"}); !errors.Is(err, ErrTooManyCodes) {
		t.Errorf("after %d wrong ones: %v", agentFailures, err)
	}
	if _, err := st.Enter("another", string(code), SessionInfo{Org: "o"}); err != nil {
		t.Errorf("of another guest: %v", err)
	}
	late, _ := second.Code()
	st.clock.pass(CodeLife + time.Second)
	if _, err := st.Enter("another", string(late), SessionInfo{Org: "o"}); !errors.Is(err, ErrCode) {
		t.Errorf("expired: %v", err)
	}
	second.expire(st.clock.Now())
	again, _ := second.Code()
	if second.isOver() || again == late || !bobs.heard(`"invited"`, again.Grouped()) {
		t.Errorf("an agent who waits has no other code: %q", bobs.texts)
	}
	if _, err := st.Enter("another", string(late), SessionInfo{Org: "o"}); !errors.Is(err, ErrCode) {
		t.Errorf("the old one: %v", err)
	}
	for range int(offerLife / CodeLife) {
		st.clock.pass(CodeLife + time.Second)
		second.expire(st.clock.Now())
	}
	if !second.isOver() {
		t.Error("an offer that nobody took stays")
	}
	st.gone(t, second.info.ID)
	st.clock.pass(agentLock)
	if _, err := st.Enter("guest", "000000000000", SessionInfo{Org: "o"}); !errors.Is(err, ErrCode) {
		t.Errorf("after the lock: %v", err)
	}
}

func TestOffersOverARestart(t *testing.T) {
	st := newStage(t)
	session, _, _ := st.offer(t, ann, false)
	old, _ := session.Code()
	st.restart(t)
	if session = st.Session(session.info.ID); session == nil {
		t.Fatal("not restored")
	}
	agent := &fakePeer{}
	if _, err := session.AttachAgent(agent, ann); err != nil {
		t.Fatal(err)
	}
	code, _ := session.Code()
	if !agent.heard(`"welcome"`, `"offered"`) || !agent.heard(`"invited"`, code.Grouped()) {
		t.Errorf("Ann hears %q", agent.texts)
	}
	if _, err := st.Enter("guest", string(old), SessionInfo{Org: "o"}); !errors.Is(err, ErrCode) {
		t.Errorf("the code of before: %v", err)
	}
	if _, err := st.Enter("guest", string(code), SessionInfo{Org: "o", Most: LevelPoint}); err != nil {
		t.Fatal(err)
	}
	// The directory may not have heard of it yet: the log says what the site allows.
	info, err := st.dir.Get(t.Context(), session.info.ID)
	if err != nil {
		t.Fatal(err)
	}
	info.Most, info.State = "", StateOffered
	stale := newSession(st.Hub, info)
	for r, err := range st.log.Read(t.Context(), info.ID, 0) {
		if err != nil {
			t.Fatal(err)
		}
		stale.replay(&r)
	}
	if stale.info.State != StateAsking || stale.info.Most != LevelPoint {
		t.Errorf("%+v", stale.info)
	}
}

func TestWhoOffersMayTakeItBack(t *testing.T) {
	for _, how := range []string{"leave", "end"} {
		st := newStage(t)
		session, link, agent := st.offer(t, ann, false)
		code, _ := session.Code()
		if err := link.Text([]byte(`{"type":"` + how + `"}`)); err != nil {
			t.Fatal(err)
		}
		if !session.isOver() || !agent.heard(`"ended"`) {
			t.Errorf("%s: %q", how, agent.texts)
		}
		if _, err := st.Enter("guest", string(code), SessionInfo{Org: "o"}); !errors.Is(err, ErrCode) {
			t.Errorf("%s: %v", how, err)
		}
		st.gone(t, session.info.ID)
	}
	if _, err := newStage(t).Open(t.Context(), Account{"Aud", "o", RoleAuditor}, false); !errors.Is(err, ErrNotMember) {
		t.Errorf("an auditor: %v", err)
	}
}

func TestAPreviewLeavesNothingBehind(t *testing.T) {
	for name, lost := range map[string]bool{"ended": false, "ended while the gateway is killed": true} {
		st := newStage(t)
		session, _, agent := st.offer(t, Account{"Adm", "o", RoleAdministrator}, true)
		code, _ := session.Code()
		if !agent.heard(`"welcome"`, `"preview":true`) {
			t.Errorf("%q", agent.texts)
		}
		if _, err := st.Enter("guest", string(code), SessionInfo{Org: "o"}); err != nil {
			t.Fatal(err)
		}
		link, err := session.AttachUser(&fakePeer{}, FromUser{URL: "http://site/"})
		if err != nil {
			t.Fatal(err)
		}
		if err := link.Text([]byte(`{"type":"consent","participant":2,"allow":true}`)); err != nil {
			t.Fatal(err)
		}
		if err := link.Binary(frame(KindPageState, 1, samplePage().Append(nil))); err != nil {
			t.Fatal(err)
		}
		agent.waitText(t, `"page"`)
		if got := agent.kinds(); !strings.HasSuffix(got, "1") {
			t.Errorf("the preview shows %s", got)
		}
		if lost { // the log has its end, nobody acted on it
			session.mu.Lock()
			session.publish(nil, Record{Kind: KindLifecycle, Payload: mustJSON(Lifecycle{Type: "ended"})})
			session.mu.Unlock()
			st.Close()
			st.restart(t)
		} else if err := link.Text([]byte(`{"type":"end"}`)); err != nil {
			t.Fatal(err)
		}
		st.gone(t, session.info.ID)
		select {
		case info := <-st.ended:
			t.Errorf("%s: a recording of %v", name, info.ID)
		default:
		}
	}
}
