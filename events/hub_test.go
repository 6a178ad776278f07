package events

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestALevelGrantedOnOnePageIsToldToTheOthers(t *testing.T) {
	session, ul, _, _, agent := newStage(t).live(t)
	other := &fakePeer{}
	if _, err := session.AttachUser(other, FromUser{Type: "hello", URL: "http://site/two", Tab: "two"}); err != nil {
		t.Fatal(err)
	}
	if err := ul.Text([]byte(`{"type":"level","level":"view"}`)); err != nil {
		t.Fatal(err)
	}
	other.waitText(t, `"type":"level"`, `"level":"view"`)
	agent.waitText(t, `"type":"level"`, `"level":"view"`)
}

func TestASessionFromCodeToEnd(t *testing.T) {
	st := newStage(t)
	session, ul, al, user, agent := st.live(t)
	batch := &Batch{Events: []PageEvent{{Op: OpValue, ID: 30, Text: "Bob", Cause: CauseUser}}}
	if err := ul.Binary(frame(KindPageEvents, 2, batch.Append(nil))); err != nil {
		t.Fatal(err)
	}
	user.waitText(t, `"seq":2`)
	if err := al.Text([]byte(`{"type":"request","page":1,"node":30,"action":"fill","value":"Eve","seen":7,"ref":"r1"}`)); err != nil {
		t.Fatal(err)
	}
	agent.waitText(t, `"accepted"`, `"ref":"r1"`, `"id":1`)
	user.waitText(t, `"request"`, `"node":30`, `"value":"Eve"`, `"seen":2`)
	if err := ul.Binary(frame(KindEventConfirmation, 3, []byte(`{"request":1,"outcome":"denied","reason":"conflict"}`))); err != nil {
		t.Fatal(err)
	}
	user.waitText(t, `"seq":3`)
	if got := agent.kinds(); got != "6 6 6 1 2 3 4" {
		t.Errorf("agent saw %s", got)
	}
	for _, c := range []string{
		`{"type":"request","page":1,"node":999,"action":"click","ref":"a"}`,
		`{"type":"request","page":1,"node":30,"action":"eval","ref":"b"}`,
		`{"type":"request","page":1,"action":"navigate","value":"javascript:x","ref":"c"}`,
		`{"type":"request","page":1,"action":"navigate","value":"//evil/","ref":"d"}`,
	} {
		if err := al.Text([]byte(c)); err != nil {
			t.Fatal(err)
		}
	}
	for _, ref := range []string{"a", "b", "c", "d"} {
		agent.waitText(t, `"rejected"`, `"ref":"`+ref+`"`)
	}
	// A late console gets the page as it is now.
	late := &fakePeer{}
	if _, err := session.AttachAgent(late, ann); err != nil {
		t.Fatal(err)
	}
	s, err := DecodeState(late.records[0].Payload)
	if err != nil || len(s.Events) != 1 || s.Events[0].Text != "Bob" {
		t.Errorf("late: %+v %v", s, err)
	}
	if err := ul.Text([]byte(`{"type":"end"}`)); err != nil {
		t.Fatal(err)
	}
	info := <-st.ended
	user.waitText(t, `"ended"`)
	agent.waitText(t, `"ended"`)
	var offsets []Offset
	for r, err := range st.log.Read(t.Context(), info.ID, 0) {
		if err != nil {
			t.Fatal(err)
		}
		offsets = append(offsets, r.Offset)
	}
	if len(offsets) != int(info.Last) || offsets[len(offsets)-1] != info.Last || info.State != StateEnded {
		t.Errorf("%v, %+v", offsets, info)
	}
	if st.Session(info.ID) != nil {
		t.Error("the session is still there")
	}
}

func TestFramesComeOnceAndInOrder(t *testing.T) {
	st := newStage(t)
	session, ul, _, user, agent := st.live(t)
	b := (&Batch{}).Append(nil)
	if err := ul.Binary(frame(KindPageEvents, 2, b)); err != nil {
		t.Fatal(err)
	}
	user.waitText(t, `"seq":2`)
	before := agent.kinds()
	if err := ul.Binary(frame(KindPageEvents, 2, b)); err != nil || agent.kinds() != before {
		t.Errorf("a repeated frame: %v", err)
	}
	var broke *ProtocolError
	if err := ul.Binary(frame(KindPageEvents, 4, b)); !errors.As(err, &broke) || broke.Code != ClosePolicy {
		t.Errorf("a gap: %v", err)
	}
	for name, bad := range map[string][]byte{
		"empty": {}, "kind": frame(KindEventRequest, 3, nil), "payload": frame(KindPageEvents, 3, []byte{9}), "number": {2},
		"large": frame(KindPageEvents, 3, make([]byte, MaxFrame+1)),
	} {
		if err := ul.Binary(bad); !errors.As(err, &broke) || broke.Reason == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	// The page comes back after a killed gateway and goes on where it was.
	st.restart(t)
	again := st.Resume(st.Secret(session.Info().ID))
	if again == nil {
		t.Fatal("not restored")
	}
	user2, agent2 := &fakePeer{}, &fakePeer{}
	ul2, err := again.AttachUser(user2, FromUser{Page: 1, URL: "http://site/"})
	if err != nil {
		t.Fatal(err)
	}
	user2.waitText(t, `"welcome"`, `"page":1`, `"ack":2`, `"live"`)
	if _, err := again.AttachAgent(agent2, ann); err != nil {
		t.Fatal(err)
	}
	if got := agent2.kinds(); got != "1" {
		t.Errorf("the agent got %s", got)
	}
	if err := ul2.Binary(frame(KindPageEvents, 3, b)); err != nil {
		t.Fatal(err)
	}
	user2.waitText(t, `"ack"`, `"seq":3`)
}

func TestAPageThatDoesNotFitIsSentAgain(t *testing.T) {
	st := newStage(t)
	meter := &countingMeter{}
	st.opts.Meter = meter
	_, ul, _, user, _ := st.live(t)
	wrong := &Batch{Events: []PageEvent{{Op: OpDigest, N: [4]int64{1}}}}
	if err := ul.Binary(frame(KindPageEvents, 2, wrong.Append(nil))); err != nil {
		t.Fatal(err)
	}
	user.waitText(t, `"resync"`)
	unknown := &Batch{Events: []PageEvent{{Op: OpRemove, ID: 999}}}
	if err := ul.Binary(frame(KindPageEvents, 3, unknown.Append(nil))); err != nil {
		t.Fatal(err)
	}
	user.waitText(t, `"ack"`, `"seq":3`)
	if err := ul.Binary(frame(KindPageState, 4, samplePage().Append(nil))); err != nil {
		t.Fatal(err)
	}
	user.waitText(t, `"seq":4`)
	if meter.drift != 1 {
		t.Errorf("%d times were counted, not once", meter.drift)
	}
}

func TestWrongCodesTellNothingAndLock(t *testing.T) {
	st := newStage(t)
	session, err := st.Start(t.Context(), SessionInfo{Org: "o"})
	if err != nil {
		t.Fatal(err)
	}
	code, _ := session.Code()
	if len(code) != 12 || len(code.Grouped()) != 14 {
		t.Fatalf("code %q", code)
	}
	if _, err := st.Redeem(Account{Name: "Eve", Org: "other", Role: RoleAgent}, string(code)); !errors.Is(err, ErrCode) {
		t.Errorf("another organisation: %v", err)
	}
	if _, err := st.Redeem(ann, string(code)); err != nil {
		t.Fatal(err)
	}
	for i := range agentFailures {
		for j, wrong := range []string{string(code), "000000000000", "nonsense"} {
			if i == 0 || j == 0 {
				_, err = st.Redeem(Account{Name: fmt.Sprint("agent", j), Org: "o", Role: RoleAgent}, wrong)
				if !errors.Is(err, ErrCode) {
					t.Errorf("%q: %v", wrong, err)
				}
			}
		}
	}
	next, err := st.Start(t.Context(), SessionInfo{Org: "o"})
	if err != nil {
		t.Fatal(err)
	}
	code, _ = next.Code()
	locked := Account{Name: "agent0", Org: "o", Role: RoleAgent}
	if _, err := st.Redeem(locked, string(code)); !errors.Is(err, ErrTooManyCodes) {
		t.Errorf("after five: %v", err)
	}
	if _, err := st.Redeem(Account{Name: "aud", Org: "o", Role: RoleAuditor}, string(code)); !errors.Is(err, ErrCode) {
		t.Errorf("an auditor: %v", err)
	}
	st.clock.pass(CodeLife + time.Second)
	if _, err := st.Redeem(ann, string(code)); !errors.Is(err, ErrCode) {
		t.Errorf("expired: %v", err)
	}
}

func TestWhatWaitsTooLongEnds(t *testing.T) {
	st := newStage(t)
	waiting, err := st.Start(t.Context(), SessionInfo{Org: "o"})
	if err != nil {
		t.Fatal(err)
	}
	session, ul, al, user, agent := st.live(t)
	if err := al.Text([]byte(`{"type":"request","page":1,"node":30,"action":"click","seen":6,"ref":"x"}`)); err != nil {
		t.Fatal(err)
	}
	st.clock.pass(31 * time.Second)
	session.expire(st.clock.Now())
	user.waitText(t, `"expire"`, `"id":1`)
	if got := agent.kinds(); !strings.HasSuffix(got, "3") {
		t.Errorf("a browser that is there answers itself: %s", got)
	}
	st.clock.pass(answerWindow + time.Second)
	session.expire(st.clock.Now())
	if got := agent.kinds(); !strings.HasSuffix(got, "3 6 4") || user.closed == 0 {
		t.Errorf("the request did not expire: %s", got)
	}
	ul.Gone()
	agent.waitText(t, `"suspended"`)
	st.clock.pass(CodeLife)
	session.expire(st.clock.Now())
	waiting.expire(st.clock.Now())
	select {
	case <-st.ended:
		t.Fatal("a session ended for which somebody waits")
	default:
	}
	st.clock.pass(AwayWindow - CodeLife + time.Second)
	session.expire(st.clock.Now())
	if info := <-st.ended; info.ID != session.Info().ID {
		t.Errorf("ended %v", info)
	}
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		if _, err := st.dir.Get(t.Context(), waiting.Info().ID); errors.Is(err, ErrNoSession) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a session that nobody joined left something behind")
		}
	}
}

func TestAUserComesBackLateToAnAgentWhoWaits(t *testing.T) {
	st := newStage(t)
	session, ul, al, user, agent := st.live(t)
	ul.Gone()
	agent.waitText(t, `"suspended"`)
	st.clock.pass(AwayWindow - time.Minute)
	session.expire(st.clock.Now())
	again := st.Resume(st.Secret(session.Info().ID))
	if again == nil {
		t.Fatal("the session was not there any more")
	}
	back, err := again.AttachUser(user, FromUser{Page: 1, URL: "http://site/"})
	if err != nil {
		t.Fatal(err)
	}
	user.waitText(t, `"welcome"`, `"live"`)
	agent.waitText(t, `"resumed"`)
	// Nobody waits any more.
	back.Gone()
	al.Gone()
	st.clock.pass(ResumeWindow + time.Second)
	session.expire(st.clock.Now())
	if info := <-st.ended; info.ID != session.Info().ID {
		t.Errorf("ended %v", info)
	}
}

func TestARefusalEndsTheSession(t *testing.T) {
	st := newStage(t)
	session, err := st.Start(t.Context(), SessionInfo{Org: "o"})
	if err != nil {
		t.Fatal(err)
	}
	user, agent := &fakePeer{}, &fakePeer{}
	ul, err := session.AttachUser(user, FromUser{})
	if err != nil {
		t.Fatal(err)
	}
	code, _ := session.Code()
	if _, err := st.Redeem(ann, string(code)); err != nil {
		t.Fatal(err)
	}
	if _, err := session.AttachAgent(agent, Account{Name: "Other", Org: "o"}); !errors.Is(err, ErrNotMember) {
		t.Errorf("a stranger: %v", err)
	}
	if _, err := session.AttachAgent(agent, ann); err != nil {
		t.Fatal(err)
	}
	if err := ul.Text([]byte(`{"type":"consent","participant":2,"allow":false}`)); err != nil {
		t.Fatal(err)
	}
	agent.waitText(t, `"consent"`, `"allow":false`)
	agent.waitText(t, `"ended"`, `"refused"`)
}

func TestWhoIsNotAllowedYetHearsOfNoPage(t *testing.T) {
	st := newStage(t)
	session, ul, al, user, _ := st.live(t)
	if err := al.Text([]byte(`{"type":"invite"}`)); err != nil {
		t.Fatal(err)
	}
	code, _ := session.Code()
	bob := Account{Name: "Bob", Org: "o", Role: RoleAgent}
	if _, err := st.Redeem(bob, code.Grouped()); err != nil {
		t.Fatal(err)
	}
	peer := &fakePeer{}
	if _, err := session.AttachAgent(peer, bob); err != nil {
		t.Fatal(err)
	}
	if _, err := session.AttachUser(&fakePeer{}, FromUser{Type: "hello", URL: "http://site/second"}); err != nil {
		t.Fatal(err)
	}
	for _, text := range peer.texts {
		if strings.Contains(text, "http://site/") {
			t.Errorf("told before the user allowed it: %s", text)
		}
	}
	if len(peer.records) != 0 {
		t.Errorf("records before the user allowed it: %s", peer.kinds())
	}
	user.waitText(t, `"join"`, `"Bob"`)
	if err := ul.Text([]byte(`{"type":"consent","participant":3,"allow":true}`)); err != nil {
		t.Fatal(err)
	}
	peer.waitText(t, `"type":"page"`, `"url":"http://site/second"`)
}
