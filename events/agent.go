package events

import (
	"encoding/json"
	"errors"
	"net/url"
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
	who.peers = append(who.peers, l)
	peer.SendText(ToAgent{
		Type: "welcome", Participant: who.no, Session: s.info.ID, State: s.info.State, Page: s.active,
		Pages: s.pageNames(), Level: s.level, Org: s.info.Org, User: s.info.User,
	})
	if s.info.State == StateLive {
		s.showTo(l)
		if !s.away.IsZero() {
			peer.SendText(ToAgent{Type: "suspended"})
		}
	}
	return l, nil
}

// relay sends a record that was just published.
func (l *AgentLink) relay(r *Record, frame []byte) {
	if r.Page == l.s.active || r.Kind != KindPageState && r.Kind != KindPageEvents {
		l.peer.SendRecord(frame)
	}
}

// showTo sends the active page as it is now to one agent, or to all.
func (s *Session) showTo(only *AgentLink) {
	p := s.pages[s.active]
	if p == nil || p.model == nil {
		return
	}
	r := Record{Offset: s.offset, Time: s.hub.opts.Now().UTC(), From: userNo, Page: p.id, Kind: KindPageState, Payload: p.model.State().AppendFor(nil, s.hub.opts.URLs(s.info.ID, p.id))}
	frame := AppendRecord(nil, &r)
	for _, who := range s.people {
		for _, l := range who.peers {
			if only == nil || l == only {
				l.peer.SendRecord(frame)
			}
		}
	}
}

// Gone is called when the console's connection ended.
func (l *AgentLink) Gone() {
	s := l.s
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, other := range l.who.peers {
		if other == l {
			l.who.peers = append(l.who.peers[:i:i], l.who.peers[i+1:]...)
			s.toUser(ToUser{Type: "gone", Participant: l.who.no})
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
	if s.over || s.broken {
		return nil
	}
	switch m.Type {
	case "request":
		l.ask(&m)
	case "pointer":
		l.point(&m)
	case "chat":
		if s.info.State == StateLive && m.Text != "" {
			s.publish(nil, Record{From: l.who.no, Page: s.active, Kind: KindChannelData, Payload: mustJSON(ChannelData{"text", m.Text})})
			s.toUser(ToUser{Type: "chat", From: l.who.no, Name: l.who.name, Text: m.Text})
		}
	case "state":
		s.showTo(l)
	case "end":
		s.end(l.who.no, "agent")
	case "ping":
		l.peer.SendText(ToAgent{Type: "pong", Ref: m.Ref})
	default:
		return malformed("unknown message")
	}
	return nil
}

// maxPending bounds the requests that wait for the user's browser.
const maxPending = 64

// ask logs a request and passes it to the user's browser, which decides.
func (l *AgentLink) ask(m *FromAgent) {
	s := l.s
	reject := func(reason Reason) { l.peer.SendText(ToAgent{Type: "rejected", Ref: m.Ref, Reason: string(reason)}) }
	p := s.pages[s.active]
	switch {
	case s.info.State != StateLive || s.level != LevelAct || !m.Action.Known():
		reject(ReasonForbidden)
		return
	case p == nil || p.peer == nil || p.model == nil || m.Page != p.id:
		reject(ReasonGone)
		return
	case m.Action != ActionNavigate && p.model.Node(m.Node) == nil:
		reject(ReasonGone)
		return
	case m.Action == ActionNavigate && !sameSite(p.url, m.Value):
		reject(ReasonForbidden)
		return
	case len(s.pending) >= maxPending:
		reject(ReasonConflict)
		return
	}
	s.request++
	r := EventRequest{ID: s.request, Node: m.Node, Action: m.Action, Value: m.Value, Seen: m.Seen}
	s.pending[r.ID] = pendingRequest{p.id, s.hub.opts.Now().Add(confirmWindow)}
	l.peer.SendText(ToAgent{Type: "accepted", Ref: m.Ref, ID: r.ID})
	s.publish(nil, Record{From: l.who.no, Page: p.id, Kind: KindEventRequest, Payload: mustJSON(r)})
	p.peer.SendText(ToUser{Type: "request", ID: r.ID, From: l.who.no, Name: l.who.name, Node: r.Node, Action: r.Action, Value: r.Value, Seen: p.seqAt(m.Seen)})
}

// deny answers a request in the user's stead.
func (s *Session) deny(id uint64, why Reason) {
	p := s.pending[id].page
	delete(s.pending, id)
	s.publish(nil, Record{Page: p, Kind: KindEventConfirmation, Payload: mustJSON(EventConfirmation{id, Denied, why})})
}

func (l *AgentLink) point(m *FromAgent) {
	s := l.s
	p := s.pages[s.active]
	if s.info.State != StateLive || s.level == LevelView || p == nil || m.Page != p.id {
		return
	}
	at := Pointer{m.Node, m.X, m.Y, m.VX, m.VY, m.Down}
	s.publish(nil, Record{From: l.who.no, Page: p.id, Kind: KindPointer, Payload: mustJSON(at)})
	if p.peer != nil {
		p.peer.SendText(ToUser{Type: "pointer", From: l.who.no, Name: l.who.name, Pointer: &at})
	}
}

// sameSite reports whether a URL stays on the page's own origin. The user's
// browser checks again, with its own parser.
func sameSite(page, target string) bool {
	base, err := url.Parse(page)
	if err != nil {
		return false
	}
	u, err := base.Parse(target)
	return err == nil && u.Scheme == base.Scheme && u.Host == base.Host && (u.Scheme == "http" || u.Scheme == "https")
}
