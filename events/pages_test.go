package events

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

func TestAgentsFollowThePageInFront(t *testing.T) {
	active := func(p *play) PageID { return p.session.active }
	p := newPlay(t)
	behind, _ := p.page(FromUser{URL: "http://site/2", Tab: "b", Hidden: true})
	if active(p) != 1 || !p.ann.heard(`"type":"page"`, `"page":1,"pages":[{"page":1`, `{"page":2`) {
		t.Errorf("page %d is on show: %q", active(p), p.ann.texts)
	}
	// The one in front is loaded again: the one behind is not shown meanwhile.
	p.ul.Gone()
	if active(p) != 1 || p.ann.heard(`"suspended"`) {
		t.Errorf("page %d is on show", active(p))
	}
	p.tick(turnWindow - time.Second)
	if active(p) != 1 {
		t.Errorf("page %d is on show", active(p))
	}
	p.ul, p.user = p.page(FromUser{URL: "http://site/3", Tab: "a"})
	if active(p) != 3 {
		t.Errorf("page %d is on show", active(p))
	}
	p.ul.Gone()
	if p.tick(turnWindow); active(p) != 2 {
		t.Errorf("it does not come back, and page %d is on show", active(p))
	}
	behind.Gone()
	if !p.ann.heard(`"suspended"`) {
		t.Error("the user is away, and Ann is not told")
	}
	p.ann.forget()
	hidden, _ := p.page(FromUser{URL: "http://site/2", Tab: "b", Page: 2, Hidden: true})
	if !p.ann.heard(`"resumed"`) || active(p) != 2 {
		t.Errorf("page %d is on show: %q", active(p), p.ann.texts)
	}
	if p.says(hidden, `{"type":"visible"}`); p.session.pages[2].hidden {
		t.Error("what is in front counts as hidden")
	}
	front, _ := p.page(FromUser{URL: "http://site/4", Tab: "c"})
	if front.Gone(); active(p) != 2 {
		t.Errorf("another page in front, and %d is on show", active(p))
	}
}

func TestThePageThatTheUserPressesInIsInFront(t *testing.T) {
	p := newPlay(t)
	second, _ := p.page(FromUser{URL: "http://site/2", Tab: "b"})
	if err := second.Binary(frame(KindPageState, 1, samplePage().Append(nil))); err != nil {
		t.Fatal(err)
	}
	for i, c := range []struct {
		event PageEvent
		want  PageID
	}{
		{PageEvent{Op: OpText, ID: 5, Text: "changed", Cause: CausePage}, 2},
		{PageEvent{Op: OpPointer, N: [4]int64{1, 1}, Cause: CauseUser}, 2},
		{PageEvent{Op: OpClick, ID: 30, Cause: CausePage}, 2},
		{PageEvent{Op: OpClick, ID: 30, Cause: CauseRequest}, 2},
		{PageEvent{Op: OpHidden, N: [4]int64{1}, Cause: CausePage}, 2},
		{PageEvent{Op: OpClick, ID: 30, Cause: CauseUser}, 1},
	} {
		p.sends(KindPageEvents, (&Batch{Events: []PageEvent{c.event}}).Append(nil))
		if p.session.active != c.want {
			t.Fatalf("after %d page %d is on show", i, p.session.active)
		}
	}
	if err := second.Binary(frame(KindPageEvents, 2, (&Batch{Events: []PageEvent{{Op: OpHidden, Cause: CausePage}}}).Append(nil))); err != nil {
		t.Fatal(err)
	}
	if p.session.active != 2 {
		t.Error("a page that is hidden no more is not on show")
	}
}

func TestPagesAreToldApart(t *testing.T) {
	for name, c := range map[string]struct {
		hello FromUser
		page  PageID
	}{
		"a new one":                       {FromUser{Tab: "x"}, 3},
		"one that comes back":             {FromUser{Page: 2, Tab: "b"}, 2},
		"a number of another tab's":       {FromUser{Page: 2, Tab: "c"}, 3},
		"a number that the log lost":      {FromUser{Page: 7, Tab: "c"}, 8},
		"a number from nowhere":           {FromUser{Page: 1 << 31, Tab: "c"}, 3},
		"without a name for the tab":      {FromUser{Page: 1}, 1},
		"one that was given up":           {FromUser{Page: 1, Tab: "a"}, 1},
		"the largest number there is":     {FromUser{Page: 1<<32 - 1}, 3},
		"a tab that has a very long name": {FromUser{Tab: strings.Repeat("x", 1000)}, 3},
	} {
		p := newPlay(t)
		p.page(FromUser{URL: "http://site/2", Tab: "b"})
		link, peer := p.page(c.hello)
		if link.page.id != c.page || !peer.heard(`"welcome"`, fmt.Sprintf(`"page":%d`, c.page)) || len(link.page.tab) > maxTab {
			t.Errorf("%s: page %d", name, link.page.id)
		}
	}
}

func TestTwoTabsThatWaitThroughARestart(t *testing.T) {
	st := newStage(t)
	session, err := st.Start(t.Context(), SessionInfo{Org: "o"})
	if err != nil {
		t.Fatal(err)
	}
	p := &play{stage: st, t: t, session: session}
	p.page(FromUser{Tab: "a"})
	p.page(FromUser{Tab: "b"})
	p.again()
	b, second := p.page(FromUser{Page: 2, Tab: "b"})
	a, first := p.page(FromUser{Page: 1, Tab: "a"})
	if a.page == b.page || first.closed != 0 || second.closed != 0 || !second.heard(`"welcome"`, `"code"`) {
		t.Errorf("pages %d and %d: %q", a.page.id, b.page.id, second.texts)
	}
}

func TestPagesAreBounded(t *testing.T) {
	p := newPlay(t)
	var err error
	links := []*UserLink{}
	for range 2 * maxPages {
		var l *UserLink
		if l, err = p.session.AttachUser(&fakePeer{}, FromUser{}); err != nil {
			break
		}
		links = append(links, l)
	}
	if err == nil || len(links) != maxPages-1 {
		t.Errorf("%d pages: %v", len(links)+1, err)
	}
	for _, l := range links {
		l.Gone()
	}
	p.page(FromUser{})
	if n := len(p.session.pages); n > keptPages+2 {
		t.Errorf("%d pages are kept", n)
	}
}

func TestAPagesTimeEndsWithTheNextOneHoweverLongThatIsGone(t *testing.T) {
	p := newPlay(t)
	begun, _, _ := p.session.PageWindow(1)
	var second time.Time
	for n := range 2 * keptPages {
		p.tick(time.Minute)
		link, _ := p.page(FromUser{URL: "http://site/", Tab: fmt.Sprint(n)})
		if n == 0 {
			second = link.page.loaded
		}
		link.Gone()
	}
	if p.session.pages[2] != nil {
		t.Error("the second page is not dropped")
	}
	for _, when := range []string{"now", "after a restart"} {
		from, to, _ := p.session.PageWindow(1)
		if !from.Equal(begun) || !to.Equal(second) || !second.After(begun) {
			t.Errorf("%s: from %v to %v, not from %v to %v", when, from, to, begun, second)
		}
		if from, _, _ := p.session.PageWindow(999); !from.IsZero() {
			t.Errorf("%s: a page that never was: %v", when, from)
		}
		p.again()
	}
}

func TestAnOldConnectionIsHeardNoMore(t *testing.T) {
	p := newPlay(t)
	_, peer := p.page(FromUser{Page: 1})
	if p.user.closed != ClosePolicy || peer.closed != 0 {
		t.Error("two connections of a page")
	}
	p.says(p.ul, `{"type":"level","level":"view"}`)
	p.says(p.ul, `{"type":"chat","text":"old"}`)
	if p.session.level != LevelAct || p.ann.heard("old") {
		t.Error("it is heard")
	}
	if p.says(p.ul, `{"type":"end"}`); !p.session.isOver() {
		t.Error("whoever ends, ends")
	}
}

func TestLocksAreShownKeptAndHaveOneHolder(t *testing.T) {
	lock := func(node NodeID, held bool, by ParticipantNo) []byte { return mustJSON(Lock{node, held, by}) }
	p := newPlay(t)
	for _, c := range []struct {
		frame []byte
		kept  bool
	}{
		{lock(30, true, 1), true}, {lock(30, true, 1), false}, {lock(30, true, 2), false}, {lock(5, false, 1), false},
		{lock(999, true, 1), false}, {lock(5, true, 9), false}, {lock(5, true, 2), true}, {lock(30, false, 1), true},
	} {
		before := len(p.records())
		p.sends(KindLock, c.frame)
		if kept := len(p.records()) > before; kept != c.kept || !p.user.heard(`"ack"`, fmt.Sprintf(`"seq":%d`, p.seq)) {
			t.Errorf("%s is kept: %v", c.frame, kept)
		}
	}
	for range 2 {
		if _, late := p.console(ann); late.kinds() != "1 5" || string(late.records[1].Payload) != string(lock(5, true, 2)) {
			t.Errorf("who comes late gets %s", late.everything())
		}
		p.again()
	}
	// The frames that were not kept are not in the log: the browser goes on after them.
	p.ul, p.user = p.page(FromUser{Page: 1})
	p.sends(KindPageEvents, (&Batch{Events: []PageEvent{{Op: OpRemove, ID: 5}}}).Append(nil))
	if _, late := p.console(ann); late.kinds() != "1" {
		t.Errorf("a lock of what is gone: %s", late.kinds())
	}
	p.sends(KindPageState, samplePage().Append(nil))
	if _, late := p.console(ann); late.kinds() != "1" || len(p.session.pages[1].locks) > 0 {
		t.Errorf("a lock of the page before: %s", late.kinds())
	}
	var broke *ProtocolError
	for _, bad := range []string{`{`, `{"node":0,"held":true,"by":1}`, `{"node":"a"}`} {
		if err := p.ul.Binary(frame(KindLock, p.seq+1, []byte(bad))); !errors.As(err, &broke) || broke.Code != CloseMalformed {
			t.Errorf("%s: %v", bad, err)
		}
	}
	for i := range 2 * maxLocks { // as many as there are nodes
		p.sends(KindPageEvents, (&Batch{Events: []PageEvent{{Op: OpInsert, ID: 4, Node: &Node{ID: NodeID(1000 + i), Kind: ElementNode, Name: "i"}}}}).Append(nil))
		p.sends(KindLock, lock(NodeID(1000+i), true, 1))
	}
	if n := len(p.session.pages[1].locks); n != maxLocks {
		t.Errorf("%d locks", n)
	}
}

func TestARestartForgetsNothing(t *testing.T) {
	p := newPlay(t)
	p.brings(bob)
	p.allowsBob()
	p.says(p.al, `{"type":"hand","to":3}`)
	p.says(p.ul, `{"type":"level","level":"propose"}`)
	p.brings(Account{"Cid", "o", RoleAgent})
	p.again()
	s := p.session
	if s.level != LevelPropose || s.people.control != 3 || !s.Allowed(ann) || !s.Allowed(bob) || s.Allowed(Account{"Cid", "o", RoleAgent}) || strings.Join(s.info.Agents, " ") != "Ann Bob" {
		t.Errorf("level %s, control %d, %+v", s.level, s.people.control, s.info)
	}
	p.ul, p.user = p.page(FromUser{Page: 1})
	if !p.user.heard(`"join"`, `"name":"Cid"`, `"participant":4`) || !p.user.heard(`"welcome"`, `"level":"propose"`, `"control":3`) || p.user.heard(`"start"`) {
		t.Errorf("the user hears %q", p.user.texts)
	}
	if _, peer := p.console(bob); !peer.heard(`"welcome"`, `"live"`, `"control":3`, `"level":"propose"`, `"page":1`) {
		t.Errorf("Bob hears %q", peer.texts)
	}
}

// failingLog fails to keep and to read while it is down.
type failingLog struct {
	*MemLog
	down atomic.Bool
}

var errDown = errors.New("down")

func (l *failingLog) Append(id SessionID, records []Record, done func(error)) {
	if l.down.Load() {
		go done(errDown)
		return
	}
	l.MemLog.Append(id, records, done)
}

func (l *failingLog) Read(ctx context.Context, id SessionID, after Offset) iter.Seq2[Record, error] {
	if l.down.Load() {
		return func(yield func(Record, error) bool) { yield(Record{}, errDown) }
	}
	return l.MemLog.Read(ctx, id, after)
}

func TestASessionComesBackWithTheLog(t *testing.T) {
	st := newStage(t)
	log := &failingLog{MemLog: NewMemLog()}
	st.log = log
	st.restart(t)
	session, ul, _, user, agent := st.live(t)
	log.down.Store(true)
	if err := ul.Binary(frame(KindPageEvents, 2, (&Batch{}).Append(nil))); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(10 * time.Second); user.code() != CloseFailed || agent.code() != CloseFailed; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("nobody is told")
		}
	}
	var broke *ProtocolError
	if s := st.Resume(st.Secret(session.info.ID)); s == nil {
		t.Error("the browser is told that there is no session")
	} else if _, err := s.AttachUser(&fakePeer{}, FromUser{Page: 1}); !errors.As(err, &broke) || broke.Code != CloseRestart {
		t.Errorf("meanwhile: %v", err)
	}
	log.down.Store(false)
	for deadline := time.Now().Add(10 * time.Second); ; time.Sleep(time.Millisecond) {
		st.clock.pass(time.Second)
		session.expire(st.clock.Now())
		if s := st.Session(session.info.ID); s != nil && s != session {
			back := &fakePeer{}
			if _, err := s.AttachUser(back, FromUser{Page: 1}); err != nil || !back.heard(`"welcome"`, `"page":1`, `"ack":1`, `"live"`) {
				t.Errorf("it comes back to %q: %v", back.texts, err)
			}
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the session does not come back")
		}
	}
}
