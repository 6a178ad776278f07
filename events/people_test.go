package events

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

var (
	bob = Account{Name: "Bob", Org: "o", Role: RoleAgent}
	sue = Account{Name: "Sue", Org: "o", Role: RoleSupervisor}
)

func TestASecondPersonSeesNothingBeforeTheUserSaysYes(t *testing.T) {
	p := newPlay(t)
	bl, peer := p.brings(bob)
	if !p.user.heard(`"join"`, `"participant":3`, `"name":"Bob"`) || p.user.heard(`"participant":3`, `"first":true`) {
		t.Errorf("the user is asked: %q", p.user.texts)
	}
	if !peer.heard(`"welcome"`, `"asking"`) {
		t.Errorf("Bob hears %q", peer.texts)
	}
	// Whatever happens meanwhile is not for him.
	p.sends(KindPageEvents, (&Batch{Events: []PageEvent{{Op: OpValue, ID: 30, Text: "secret"}, {Op: OpTitle, Text: "secret"}}}).Append(nil))
	p.sends(KindLock, []byte(`{"node":30,"held":true,"by":1}`))
	p.says(p.ul, `{"type":"level","level":"propose"}`)
	p.says(p.ul, `{"type":"chat","text":"secret"}`)
	other, _ := p.page(FromUser{URL: "http://site/secret", Title: "secret"})
	p.says(other, `{"type":"visible"}`)
	p.says(p.ul, `{"type":"visible"}`)
	other.Gone()
	for _, m := range []string{`{"type":"state"}`, `{"type":"invite"}`, `{"type":"take"}`, `{"type":"hand","to":3}`, `{"type":"chat","text":"from Bob"}`,
		`{"type":"pointer","page":1,"node":30}`, `{"type":"draw","page":1,"drawing":{"id":1,"shape":"highlight","node":30}}`} {
		p.says(bl, "%s", m)
	}
	p.asks(bl, nil)
	if all := peer.everything(); len(peer.records) > 0 || strings.Contains(all, "secret") || strings.Contains(all, "http://site/") || peer.heard(`"page"`) || peer.heard(`"level"`) {
		t.Errorf("Bob learns %s", all)
	}
	if p.user.heard("from Bob") || p.user.heard(`"request"`) || p.user.heard(`"pointer"`) || p.user.heard(`"draw"`) || p.session.Allowed(bob) {
		t.Errorf("Bob reaches the user: %q", p.user.texts)
	}
	peer.forget()
	p.user.forget()
	p.allowsBob()
	for _, want := range [][]string{{`"consent"`, `"allow":true`, `"level":"propose"`}, {`"type":"page"`, `"pages":[{"page":1`}, {`"people"`, `"name":"Bob"`, `"control":2`}} {
		if !peer.heard(want...) {
			t.Errorf("no %q among %q", want, peer.texts)
		}
	}
	if got := peer.kinds(); got != "6 1 5" || !strings.Contains(peer.everything(), "secret") {
		t.Errorf("Bob gets %s", got)
	}
	if !p.user.heard(`"agents"`, `"name":"Bob"`) || p.user.heard(`"start"`) || !p.session.Allowed(bob) {
		t.Errorf("the user hears %q", p.user.texts)
	}
	p.says(bl, `{"type":"chat","text":"from Bob"}`)
	if !p.user.heard(`"chat"`, "from Bob", `"from":3`) {
		t.Error("Bob is not heard")
	}
	if got := p.asks(bl, nil); !peer.heard("rejected", got, "turn") {
		t.Errorf("two act: %q", peer.texts)
	}
}

func TestWhoIsRefusedStaysOut(t *testing.T) {
	p := newPlay(t)
	bl, peer := p.brings(bob)
	p.says(p.ul, `{"type":"consent","participant":3,"allow":false}`)
	if !peer.heard(`"consent"`, `"allow":false`) || !peer.heard(`"ended"`, "refused") || peer.closed != 1000 {
		t.Errorf("Bob hears %q, closed %d", peer.texts, peer.closed)
	}
	for _, m := range []string{`{"type":"state"}`, `{"type":"take"}`, `{"type":"chat","text":"x"}`, `{"type":"end"}`, `{"type":"leave"}`} {
		p.says(bl, "%s", m)
	}
	if _, err := p.session.AttachAgent(&fakePeer{}, bob); !errors.Is(err, ErrNotMember) {
		t.Errorf("he comes back: %v", err)
	}
	if p.session.isOver() || p.session.Member(bob) || strings.Join(p.session.Info().Agents, " ") != "Ann" {
		t.Errorf("%+v", p.session.Info())
	}
	p.again()
	if _, err := p.session.AttachAgent(&fakePeer{}, bob); !errors.Is(err, ErrNotMember) {
		t.Errorf("he comes back after a restart: %v", err)
	}
}

func TestThoseAboveAgentsWatch(t *testing.T) {
	p := newPlay(t)
	id := p.session.info.ID
	waiting, err := p.Start(t.Context(), SessionInfo{Org: "o"})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		who  Account
		id   SessionID
		want error
	}{
		"an agent": {bob, id, ErrNoSession}, "an auditor": {Account{"Aud", "o", RoleAuditor}, id, ErrNoSession},
		"of another organisation": {Account{"Sue", "p", RoleSupervisor}, id, ErrNoSession},
		"none":                    {sue, "nonsense", ErrNoSession}, "one that waits": {sue, waiting.info.ID, ErrNoSession},
		"a supervisor": {sue, id, nil}, "again": {sue, id, nil},
	} {
		if _, err := p.Watch(c.who, c.id); !errors.Is(err, c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	sl, peer := p.console(sue)
	p.allowsBob()
	if peer.kinds() != "6 1" {
		t.Errorf("she sees %s", peer.kinds())
	}
	p.says(sl, `{"type":"take"}`)
	if !p.user.heard(`"agents"`, `"control":3`) || !p.ann.heard(`"people"`, `"control":3`) {
		t.Error("a supervisor does not take over")
	}
	p.says(p.al, `{"type":"take"}`)
	if p.session.people.control != 3 {
		t.Error("an agent takes over from one who is there")
	}
	sl.Gone()
	if !p.user.heard(`"gone"`, `"participant":3`) {
		t.Error("nobody is told")
	}
	if p.says(p.al, `{"type":"take"}`); p.session.people.control != 2 {
		t.Error("nobody can act while the one who may is away")
	}
	max := Account{"Max", "o", RoleSupervisor}
	for range 2 {
		_, err = p.Watch(max, id)
		p.says(p.ul, `{"type":"consent","participant":4,"allow":false}`)
	}
	if !errors.Is(err, ErrNotMember) {
		t.Errorf("who was refused asks again: %v", err)
	}
}

func TestControlIsHandedOverAndEndsWithWhoHasIt(t *testing.T) {
	p := newPlay(t)
	bl, peer := p.brings(bob)
	p.says(p.al, `{"type":"hand","to":3}`)
	if p.session.people.control != 2 {
		t.Error("to one who is not allowed yet")
	}
	p.allowsBob()
	before := len(p.records())
	for _, m := range []string{`{"type":"hand","to":2}`, `{"type":"hand","to":9}`, `{"type":"take"}`} {
		p.says(p.al, "%s", m)
	}
	p.says(bl, `{"type":"hand","to":3}`)
	if got := len(p.records()); got != before || p.session.people.control != 2 {
		t.Errorf("%d records for nothing, control %d", got-before, p.session.people.control)
	}
	open := p.asks(p.al, nil)
	p.says(p.al, `{"type":"hand","to":3}`)
	if !peer.heard(`"people"`, `"control":3`) || !p.ann.heard("accepted", open) {
		t.Error("it is not handed over")
	}
	if ref := p.asks(p.al, nil); !p.ann.heard("rejected", ref, "turn") {
		t.Error("both act")
	}
	if ref := p.asks(bl, nil); !peer.heard("accepted", ref) {
		t.Error("nobody acts")
	}
	p.user.forget()
	p.says(bl, `{"type":"leave"}`)
	if !p.user.heard(`"gone"`, `"participant":3`) || !p.user.heard(`"expire"`, `"id":3`) || p.user.heard(`"expire"`, `"id":1`) || p.session.people.control != 0 {
		t.Errorf("control %d; the user hears %q", p.session.people.control, p.user.texts)
	}
	for _, m := range []string{`{"type":"take"}`, `{"type":"invite"}`, `{"type":"end"}`, `{"type":"chat","text":"ghost"}`} {
		p.says(bl, "%s", m)
	}
	if p.session.isOver() || p.session.people.control != 0 || p.user.heard("ghost") {
		t.Error("who left goes on")
	}
	if p.says(p.al, `{"type":"take"}`); p.session.people.control != 2 {
		t.Error("nobody can act any more")
	}
	p.says(p.al, `{"type":"leave"}`)
	if info := <-p.ended; info.ID != p.session.info.ID || !p.user.heard(`"ended"`, "agent") {
		t.Error("a session for nobody goes on")
	}
}

func TestAnInvitationIsForOneAndForAWhile(t *testing.T) {
	p := newPlay(t)
	invite := func() JoinCode {
		p.ann.forget()
		p.says(p.al, `{"type":"invite"}`)
		code, _ := p.session.Code()
		if !p.ann.heard(`"invited"`, code.Grouped()) || p.ann.heard(`"link"`) {
			t.Errorf("Ann hears %q", p.ann.texts)
		}
		return code
	}
	first := invite()
	if invite() != first {
		t.Error("two codes are out")
	}
	if _, err := p.Watch(sue, p.session.info.ID); err != nil {
		t.Fatal(err)
	}
	if invite() != first {
		t.Error("who watches uses a code up")
	}
	if _, err := p.Redeem(ann, string(first)); err != nil {
		t.Errorf("Ann uses her own code: %v", err)
	}
	second := invite()
	if second == first {
		t.Error("a code that was used is given out again")
	}
	p.clock.pass(CodeLife + time.Second)
	p.session.expire(p.clock.Now())
	if _, err := p.Redeem(bob, string(second)); !errors.Is(err, ErrCode) || p.session.isOver() {
		t.Errorf("an old one: %v", err)
	}
	third := invite()
	p.again()
	if _, err := p.Redeem(bob, string(third)); !errors.Is(err, ErrCode) {
		t.Errorf("after a restart: %v", err)
	}
	p.al, p.ann = p.console(ann)
	if _, err := p.Redeem(bob, string(invite())); err != nil || !p.session.Member(bob) {
		t.Errorf("a new one after a restart: %v", err)
	}
}

func TestAPersonWithTwoConsoles(t *testing.T) {
	p := newPlay(t)
	second, peer := p.console(ann)
	if peer.kinds() != "1" {
		t.Errorf("the second one shows %s", peer.kinds())
	}
	late := p.offset()
	p.sends(KindPageEvents, (&Batch{}).Append(nil))
	first, other := p.asks(p.al, nil), p.asks(second, func(m *FromAgent) { m.Seen = late })
	if !p.ann.heard("accepted", first) || !peer.heard("accepted", other) {
		t.Error("one console makes the other one's view old")
	}
	if ref := p.asks(second, func(m *FromAgent) { m.Ref = first }); !peer.heard("rejected", ref, "repeated") {
		t.Error("the same name on another console")
	}
	p.user.forget()
	if p.al.Gone(); p.user.heard(`"gone"`) {
		t.Error("gone, with a console open")
	}
	if second.Gone(); !p.user.heard(`"gone"`) {
		t.Error("nobody is told")
	}
	oldest := p.ann
	for i := range maxConsoles + 1 {
		if _, next := p.console(ann); i == 0 {
			oldest = next
		}
	}
	if oldest.closed != ClosePolicy || len(p.session.people.all[2].peers) != maxConsoles {
		t.Errorf("%d consoles, the oldest closed with %d", len(p.session.people.all[2].peers), oldest.closed)
	}
}

func TestThoseWhoJoinAreBounded(t *testing.T) {
	p := newPlay(t)
	var err error
	for i := 0; err == nil && i < 2*maxPeople; i++ {
		who := Account{fmt.Sprint("sup", i), "o", RoleSupervisor}
		if _, err = p.Watch(who, p.session.info.ID); err == nil {
			link, _ := p.console(who)
			p.says(link, `{"type":"leave"}`)
		}
	}
	if !errors.Is(err, ErrBusy) || p.session.people.last != maxPeople || p.session.isOver() {
		t.Errorf("%d people: %v", p.session.people.last, err)
	}
}

func TestTheLowestOfWhatIsGrantedCounts(t *testing.T) {
	for most, want := range map[Level][4]Level{
		"":           {LevelView, LevelPoint, LevelPropose, LevelAct},
		LevelAct:     {LevelView, LevelPoint, LevelPropose, LevelAct},
		LevelPropose: {LevelView, LevelPoint, LevelPropose, LevelPropose},
		LevelView:    {LevelView, LevelView, LevelView, LevelView},
	} {
		p := newPlay(t)
		p.session.info.Most = most
		p.says(p.ul, `{"type":"level","level":"view"}`)
		other, otherPeer := p.page(FromUser{URL: "http://site/2", Tab: "other"})
		for i, level := range levels {
			p.user.forget()
			p.ann.forget()
			otherPeer.forget()
			p.says(other, `{"type":"level","level":%q}`, level)
			if p.session.level != want[i] {
				t.Errorf("at most %q, %s: %s", most, level, p.session.level)
			}
			if told := fmt.Sprintf(`"level":%q`, want[i]); !p.user.heard(`"type":"level"`, told) || p.user.heard(`"own"`) || !otherPeer.heard(`"type":"level"`, told, `"own":true`) {
				t.Errorf("at most %q, %s: %q, %q", most, level, p.user.texts, otherPeer.texts)
			}
			for action, needs := range map[string]Level{"request": LevelPropose, "pointer": LevelPoint} {
				p.user.forget()
				p.asks(p.al, func(m *FromAgent) { m.Type, m.Page, m.Node, m.Action, m.Value = action, 2, 0, ActionBack, "" })
				if p.user.heard(action) || otherPeer.heard(`"`+action+`"`) && !want[i].allows(needs) {
					t.Errorf("%s at level %s", action, want[i])
				}
				otherPeer.forget()
			}
		}
		if err := p.ul.Text([]byte(`{"type":"level","level":"all"}`)); err == nil {
			t.Error("a level of no name")
		}
	}
}
