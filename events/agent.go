package events

import (
	"encoding/json"
	"errors"
	"slices"
	"time"
)

var zeroTime time.Time

// ErrNotMember is returned to an account that takes no part in a session.
var ErrNotMember = errors.New("this account takes no part in the session")

// AgentLink is the connection of an agent's console.
type AgentLink struct {
	s    *Session
	who  *participant
	peer Peer

	lastSeen Offset // of the page that a request was made on
}

// AttachAgent connects a console.
func (s *Session) AttachAgent(peer Peer, a Account) (*AgentLink, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	who := s.member(a)
	switch {
	case who == nil:
		return nil, ErrNotMember
	case s.over:
		peer.SendText(ToAgent{Type: "ended", Reason: s.reason})
		return nil, &ProtocolError{1000, "the session is over"}
	case s.broken:
		return nil, &ProtocolError{CloseRestart, "the session is not here"}
	}
	l := &AgentLink{s: s, who: who, peer: peer}
	if who.peers = append(who.peers, l); len(who.peers) > maxConsoles {
		who.peers[0].peer.Close(ClosePolicy, "too many consoles")
		who.peers = slices.Delete(who.peers, 0, 1)
	}
	peer.SendText(s.welcome(who))
	switch {
	case s.info.State == StateOffered:
		l.tellCode("invited")
	case s.info.State == StateLive && who.allowed:
		l.show()
		if !s.away.IsZero() {
			peer.SendText(ToAgent{Type: "suspended"})
		}
	}
	s.tellPeople()
	return l, nil
}

func (s *Session) welcome(who *participant) ToAgent {
	m := ToAgent{
		Type: "welcome", Participant: who.no, Session: s.info.ID, State: s.info.State, Org: s.info.Org, User: s.info.User,
		Role: who.role, People: s.names(), Control: s.people.control, Preview: s.info.Preview,
	}
	if s.info.State == StateLive && !who.allowed {
		m.State = StateAsking
	}
	if m.State == StateLive {
		m.Page, m.Pages, m.Level = s.active, s.pageNames(), s.level
	}
	return m
}

// tellCode gives an agent the code that is out.
func (l *AgentLink) tellCode(message string) {
	s := l.s
	m := ToAgent{Type: message, Code: s.code.Grouped(), CodeExpires: int64(s.expires.Sub(s.hub.opts.Now()).Seconds())}
	if s.info.State == StateOffered {
		m.Link = s.hub.opts.Link(s.info.Org, s.code)
	}
	l.peer.SendText(m)
}

// relay sends a record that was just published.
func (l *AgentLink) relay(r *Record, frame []byte) {
	if !l.who.allowed {
		return
	}
	if r.Page == l.s.active || r.Kind != KindPageState && r.Kind != KindPageEvents {
		l.peer.SendRecord(frame)
	}
}

// show sends the active page as it is now to one agent.
func (l *AgentLink) show() {
	for _, frame := range l.s.picture() {
		l.peer.SendRecord(frame)
	}
}

// showAll sends it to everybody who may see it.
func (s *Session) showAll() {
	frames := s.picture()
	for _, who := range s.people.all {
		if !who.allowed {
			continue
		}
		for _, l := range who.peers {
			for _, frame := range frames {
				l.peer.SendRecord(frame)
			}
		}
	}
}

// picture is the active page as it is now, and its locks; nothing before its
// state has come.
func (s *Session) picture() [][]byte {
	p := s.pages[s.active]
	if p == nil || p.model == nil {
		return nil
	}
	r := Record{Offset: s.offset, Time: s.hub.opts.Now().UTC(), From: userNo, Page: p.id, Kind: KindPageState, Payload: p.model.State().AppendFor(nil, s.hub.opts.URLs(s.info.ID, p.id))}
	return append([][]byte{AppendRecord(nil, &r)}, s.lockRecords(p)...)
}

// Gone is called when the console's connection ended.
func (l *AgentLink) Gone() {
	s := l.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range l.who.peers {
		if other == l {
			l.who.peers = append(l.who.peers[:i:i], l.who.peers[i+1:]...)
			if len(l.who.peers) == 0 && !s.over {
				s.toUser(ToUser{Type: "gone", Participant: l.who.no})
				s.tellPeople()
			}
			return
		}
	}
}

// Text takes a text frame.
func (l *AgentLink) Text(b []byte) error {
	var m FromAgent
	if err := json.Unmarshal(b, &m); err != nil {
		return malformed("not a message")
	}
	s := l.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.broken || s.people.all[l.who.no] != l.who { // who left is heard no more
		return nil
	}
	if m.Type != "request" {
		if now := s.hub.opts.Now(); !l.who.messages.take(now, messageRate, messagesAtOnce, max(1, messageCost[m.Type])) {
			if l.who.messages.drowned(now) {
				return forbidden("too many messages")
			}
			return nil
		}
	}
	if m.Type != "ping" {
		s.moved = s.hub.opts.Now()
	}
	switch m.Type {
	case "request":
		return l.request(&m)
	case "pointer":
		l.point(&m)
	case "draw":
		l.draw(&m)
	case "chat":
		if s.info.State == StateLive && l.who.allowed && m.Text != "" {
			text := cut(m.Text, maxChat)
			s.publish(nil, Record{From: l.who.no, Page: s.active, Kind: KindChannelData, Payload: mustJSON(ChannelData{"text", text})})
			s.toUser(ToUser{Type: "chat", From: l.who.no, Name: l.who.name, Text: text})
		}
	case "state":
		if l.who.allowed {
			l.show()
		}
	case "hand":
		s.hand(l.who, m.To)
	case "take":
		s.takeOver(l.who)
	case "invite":
		if l.who.allowed {
			s.invite(l)
		}
	case "leave":
		s.leave(l.who)
	case "end":
		if !l.who.allowed {
			s.leave(l.who) // it is not theirs to end
			return nil
		}
		s.end(l.who.no, "agent")
	case "ping":
		l.peer.SendText(ToAgent{Type: "pong", Ref: m.Ref})
	default:
		return malformed("unknown message")
	}
	return nil
}

// messageCost is what an agent's messages cost of what they may send in a
// second, and at once: a whole page is work, and what is logged is kept.
var messageCost = map[string]float64{"draw": 2, "chat": 20, "hand": 20, "take": 20, "invite": 20, "state": 100}

const (
	messageRate    = 200
	messagesAtOnce = 400
)

// points returns the page that an agent may point at; nil for none.
func (l *AgentLink) points(m *FromAgent) *page {
	s := l.s
	p := s.pages[s.active]
	if s.info.State != StateLive || !l.who.allowed || !s.level.allows(LevelPoint) || p == nil || m.Page != p.id {
		return nil
	}
	return p
}

func (l *AgentLink) point(m *FromAgent) {
	p := l.points(m)
	if p == nil {
		return
	}
	at := Pointer{m.Node, m.X, m.Y, m.VX, m.VY, m.Down}
	if !at.valid() {
		return
	}
	l.s.publish(nil, Record{From: l.who.no, Page: p.id, Kind: KindPointer, Payload: mustJSON(at)})
	if p.peer != nil {
		p.peer.SendText(ToUser{Type: "pointer", From: l.who.no, Name: l.who.name, Pointer: &at})
	}
}

func (l *AgentLink) draw(m *FromAgent) {
	p := l.points(m)
	if p == nil || m.Drawing == nil || !m.Drawing.valid() || p.model == nil || p.model.Node(m.Drawing.Node) == nil {
		return
	}
	payload := mustJSON(m.Drawing)
	if l.who.drawn += len(payload); l.who.drawn > maxDrawn {
		l.s.hub.opts.Meter.Denied(ReasonFlood)
		return
	}
	l.s.publish(nil, Record{From: l.who.no, Page: p.id, Kind: KindDrawing, Payload: payload})
	if p.peer != nil {
		p.peer.SendText(ToUser{Type: "draw", From: l.who.no, Name: l.who.name, Drawing: m.Drawing})
	}
}
