package events

import (
	"slices"
)

// participant is a person on the console's side.
type participant struct {
	no      ParticipantNo
	name    string
	role    Role
	org     OrgID
	allowed bool // the user lets this one see the page
	peers   []*AgentLink

	refs     refs
	requests bucket
	messages bucket
	drawn    int // bytes of their drawings in the log
}

const (
	// maxPeople bounds those who join a session, one after the other.
	maxPeople = 50
	// maxConsoles bounds the consoles of one person: the oldest one goes.
	maxConsoles = 8
)

func (p *participant) send(m ToAgent) {
	for _, link := range p.peers {
		link.peer.SendText(m)
	}
}

// mayAct reports whether a person of this role may be given control.
func (p *participant) mayAct() bool { return p.allowed && p.role != RoleAuditor }

// add enters a person, who sees nothing before the user allowed it.
func (s *Session) add(a Account) *participant {
	s.people.last++
	p := &participant{no: userNo + s.people.last, name: a.Name, role: a.Role, org: a.Org}
	s.people.all[p.no] = p
	s.lifecycle(p.no, Lifecycle{Type: "joined", Participant: p.no, Name: a.Name, Role: a.Role})
	return p
}

// people are those on the console's side of a session.
type people struct {
	all     map[ParticipantNo]*participant
	last    ParticipantNo // the number given last, less the user's
	control ParticipantNo // who acts; 0 nobody
	refused map[string]bool
}

// join enters a person: by a code, which is used up, or to watch, which those
// cannot whom the user refused.
func (s *Session) join(a Account, code JoinCode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if code != "" && s.code == code {
		s.code = ""
	}
	switch {
	case s.over || s.broken:
		return ErrCode
	case s.member(a) != nil:
		return nil // on another console already
	case code == "" && s.people.refused[a.Name]:
		return ErrNotMember
	case s.people.last >= maxPeople:
		return ErrBusy
	}
	p := s.add(a)
	if s.info.State == StateWaiting {
		s.info.State = StateAsking
	}
	s.changed()
	s.ask(p)
	s.tellPeople()
	return nil
}

// ask asks the user whether a person may see the page.
func (s *Session) ask(p *participant) {
	s.toUser(s.asks(p))
}

func (s *Session) asks(p *participant) ToUser {
	return ToUser{Type: "join", Participant: p.no, Name: p.name, Org: p.org, Role: p.role, First: !s.shared()}
}

// asking are those whom the user has not answered about, in their order.
func (s *Session) asking() (list []*participant) {
	for _, p := range s.people.all {
		if !p.allowed {
			list = append(list, p)
		}
	}
	slices.SortFunc(list, func(a, b *participant) int { return int(a.no) - int(b.no) })
	return list
}

// shared reports whether anybody may see the page.
func (s *Session) shared() bool {
	for _, p := range s.people.all {
		if p.allowed {
			return true
		}
	}
	return false
}

// consent is the user's answer to the question whether a person may see the page.
func (s *Session) consent(no ParticipantNo, allow bool, level Level) error {
	p := s.people.all[no]
	if p == nil || p.allowed || s.info.State != StateAsking && s.info.State != StateLive {
		return nil // answered already, in another tab
	}
	first := !s.shared()
	if !allow {
		s.refuse(p, first)
		return nil
	}
	if first {
		if !slices.Contains(levels, level) {
			level = LevelPropose
		}
		s.level = level.least(s.info.Most)
	}
	s.allow(p)
	s.info.State = StateLive
	s.lifecycle(userNo, Lifecycle{Type: "consented", Participant: no, Level: s.level})
	if s.people.control == 0 && p.mayAct() {
		s.giveControl(userNo, no)
	}
	s.changed()
	yes := true
	p.send(ToAgent{Type: "consent", Participant: no, Allow: &yes, Level: s.level})
	s.tellPeople()
	if first {
		s.start()
	}
	s.tellPages()
	if first {
		return nil
	}
	for _, link := range p.peers {
		link.show()
	}
	return nil
}

// allow lets a person see the page, and later the recording.
func (s *Session) allow(p *participant) {
	p.allowed = true
	if !slices.Contains(s.info.Agents, p.name) {
		s.info.Agents = append(slices.Clone(s.info.Agents), p.name)
	}
}

// refuse takes out a person whom the user does not want to see the page.
func (s *Session) refuse(p *participant, first bool) {
	s.lifecycle(userNo, Lifecycle{Type: "refused", Participant: p.no})
	no := false
	p.send(ToAgent{Type: "consent", Participant: p.no, Allow: &no})
	s.people.refuse(p)
	if first && len(s.people.all) == 1 {
		s.end(userNo, "refused")
		return
	}
	s.remove(p, "refused")
}

func (p *people) refuse(who *participant) {
	if p.refused == nil {
		p.refused = map[string]bool{}
	}
	p.refused[who.name] = true
}

// start lets the user's pages record.
func (s *Session) start() {
	for _, p := range s.pages {
		if p.peer != nil {
			s.open(p)
			p.peer.SendText(ToUser{Type: "start", Level: s.level, Agents: s.names(), Control: s.people.control})
		}
	}
}

// remove takes a person out of the session.
func (s *Session) remove(p *participant, reason string) {
	delete(s.people.all, p.no)
	for _, link := range p.peers {
		link.peer.SendText(ToAgent{Type: "ended", Reason: reason})
		link.peer.Close(1000, "not in the session any more")
	}
	p.peers = nil
	s.withdraw(p.no)
	s.toUser(ToUser{Type: "gone", Participant: p.no})
	if s.people.control == p.no {
		s.giveControl(0, 0)
	}
	s.tellPeople()
}

// leave ends the session for one person; for all where nobody remains.
func (s *Session) leave(p *participant) {
	s.lifecycle(p.no, Lifecycle{Type: "left", Participant: p.no})
	others := len(s.people.all) > 1
	s.remove(p, "left")
	if !others || !s.shared() && s.info.State == StateLive {
		s.end(p.no, "agent")
	}
}

// giveControl says who may act from now on.
func (s *Session) giveControl(from, to ParticipantNo) {
	s.people.control = to
	s.lifecycle(from, Lifecycle{Type: "control", Participant: to})
}

// hand gives control to another person.
func (s *Session) hand(from *participant, to ParticipantNo) {
	p := s.people.all[to]
	if s.people.control != from.no || p == nil || p == from || !p.mayAct() {
		return
	}
	s.giveControl(from.no, to)
	s.tellPeople()
}

// takeOver gives control to a person who asks for it: those above agents at any
// time, others where nobody who is there has it.
func (s *Session) takeOver(p *participant) {
	holder := s.people.all[s.people.control]
	free := holder == nil || len(holder.peers) == 0
	if p.no == s.people.control || !p.mayAct() || !free && p.role != RoleSupervisor && p.role != RoleAdministrator {
		return
	}
	s.giveControl(p.no, p.no)
	s.tellPeople()
}

// present reports whether a console is connected.
func (s *Session) present() bool {
	for _, p := range s.people.all {
		if len(p.peers) > 0 {
			return true
		}
	}
	return false
}

// renewOffer gives the agents who wait for a user another code.
func (s *Session) renewOffer() {
	s.codes().revoke(s.code)
	s.renewCode()
	for _, p := range s.people.all {
		for _, l := range p.peers {
			l.tellCode("invited")
		}
	}
}

// invite issues a code by which a colleague joins.
func (s *Session) invite(l *AgentLink) {
	if s.info.State != StateLive {
		return
	}
	if s.code == "" || !s.hub.opts.Now().Before(s.expires) {
		s.renewCode()
	}
	l.tellCode("invited")
}

// names are the people as others see them.
func (s *Session) names() []AgentName {
	var list []AgentName
	for _, p := range s.people.all {
		if p.allowed || s.info.State != StateLive {
			list = append(list, AgentName{p.no, p.name, p.role, len(p.peers) == 0})
		}
	}
	slices.SortFunc(list, func(a, b AgentName) int { return int(a.Participant) - int(b.Participant) })
	return list
}

// tellPeople tells everybody who is there, and who acts.
func (s *Session) tellPeople() {
	names := s.names()
	s.toAgents(ToAgent{Type: "people", People: names, Control: s.people.control})
	if s.info.State == StateLive {
		s.toUser(ToUser{Type: "agents", Agents: names, Control: s.people.control})
	}
}
