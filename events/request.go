package events

import (
	"encoding/json"
	"net/url"
	"slices"
	"strings"
	"time"
)

// An agent's request is answered once, by one who decides. That is the user's
// browser, as docs/LOCKS.md has it; the gateway refuses what may never reach it,
// and denies in its stead only when the page cannot answer any more.

const (
	// confirmWindow is how long a request waits for the user's browser.
	confirmWindow = 30 * time.Second
	// answerWindow is how long a browser that is told so may take to say that a
	// request has expired.
	answerWindow = 10 * time.Second
	// maxPending bounds the requests that wait for the user's browser.
	maxPending = 64
	// maxValue bounds what an agent fills in, in bytes.
	maxValue = 16 << 10
	// maxLogged bounds what the log keeps of a request that is refused.
	maxLogged = 512
)

type pendingRequest struct {
	page    PageID
	expires time.Time
	told    bool // the browser was told to answer now
}

// request logs an agent's request and passes it to the user's browser.
func (l *AgentLink) request(m *FromAgent) error {
	s, p := l.s, l.s.pages[l.s.active]
	why := l.refuses(m, p)
	if why == ReasonFlood && l.who.bucket.drowned(s.hub.opts.Now()) {
		return forbidden("too many requests")
	}
	s.request++
	r := EventRequest{ID: s.request, Node: m.Node, Action: m.Action, Value: m.Value, Seen: m.Seen}
	page := s.active
	s.hub.opts.Meter.Request()
	if why != "" {
		r.Action, r.Value = Action(cut(string(m.Action), 40)), cut(m.Value, maxLogged)
		l.peer.SendText(ToAgent{Type: "rejected", Ref: m.Ref, ID: r.ID, Reason: string(why)})
		s.publish(nil, Record{From: l.who.no, Page: page, Kind: KindEventRequest, Payload: mustJSON(r)})
		s.deny(r.ID, page, why)
		return nil
	}
	l.who.lastSeen = m.Seen
	s.pending[r.ID] = pendingRequest{page: page, expires: s.hub.opts.Now().Add(confirmWindow)}
	l.peer.SendText(ToAgent{Type: "accepted", Ref: m.Ref, ID: r.ID})
	s.publish(nil, Record{From: l.who.no, Page: page, Kind: KindEventRequest, Payload: mustJSON(r)})
	p.peer.SendText(ToUser{Type: "request", ID: r.ID, From: l.who.no, Name: l.who.name, Node: r.Node, Action: r.Action, Value: r.Value, Seen: p.seqAt(m.Seen)})
	return nil
}

// refuses says why a request may not reach the user's browser; empty where it may.
func (l *AgentLink) refuses(m *FromAgent, p *page) Reason {
	s := l.s
	switch {
	case !l.who.bucket.take(s.hub.opts.Now()):
		return ReasonFlood
	case !l.who.refs.fresh(m.Ref):
		return ReasonRepeated
	case s.info.State != StateLive || !l.who.allowed || !s.level.allows(LevelPropose) || !m.wellFormed():
		return ReasonForbidden
	case s.people.control != l.who.no:
		return ReasonTurn
	case m.Seen > s.offset:
		return ReasonForbidden // of what has not been
	case m.Seen < l.who.lastSeen:
		return ReasonStale
	case p == nil || p.peer == nil || p.model == nil || m.Page != p.id:
		return ReasonGone
	case m.Action == ActionNavigate && !sameSite(p.url, m.Value):
		return ReasonForbidden
	case !m.Action.onPage() && p.model.Node(m.Node) == nil:
		return ReasonGone
	case !m.Action.onPage() && p.model.masked(m.Node):
		return ReasonMasked
	case len(s.pending) >= maxPending:
		return ReasonConflict
	}
	return ""
}

// wellFormed reports whether a request is of the closed set.
func (m *FromAgent) wellFormed() bool {
	if !m.Action.Known() || len(m.Value) > maxValue || m.Action.onPage() != (m.Node == 0) {
		return false
	}
	switch m.Action {
	case ActionKey:
		return slices.Contains(keys, m.Value)
	case ActionFill, ActionSelect, ActionScroll, ActionNavigate:
		return true
	}
	return m.Value == ""
}

// sameSite reports whether a URL stays on the page's own origin. The user's
// browser checks again, with its own parser.
func sameSite(page, target string) bool {
	base, err := url.Parse(page)
	if err != nil {
		return false
	}
	u, err := base.Parse(target)
	return err == nil && u.Scheme == base.Scheme && u.Host == base.Host && u.User == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// deny answers a request in the user's stead.
func (s *Session) deny(id uint64, page PageID, why Reason) {
	delete(s.pending, id)
	s.hub.opts.Meter.Denied(why)
	s.publish(nil, Record{Page: page, Kind: KindEventConfirmation, Payload: mustJSON(EventConfirmation{Request: id, Outcome: Denied, Reason: why})})
}

// denyAll answers every request for a page that can answer none any more.
func (s *Session) denyAll(page PageID, why Reason) {
	for _, id := range s.pendingOf(page) {
		s.deny(id, page, why)
	}
}

func (s *Session) pendingOf(page PageID) (ids []uint64) {
	for id, p := range s.pending {
		if p.page == page {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// expireRequests sees to requests that have waited too long. A page that is
// connected answers itself: only then is it known whether it did what it was
// asked to. One that is away is given up as it is, and begins anew when it
// comes back: what it has not told by now is void.
func (s *Session) expireRequests(now time.Time) {
	for id, q := range s.pending {
		if !now.After(q.expires) {
			continue
		}
		p := s.pages[q.page]
		switch {
		case p == nil || p.peer == nil:
			s.giveUp(p, q.page, ReasonExpired)
		case q.told:
			p.peer.Close(ClosePolicy, "no answer to a request")
			p.peer = nil
			s.giveUp(p, q.page, ReasonExpired)
			s.pageGone(p)
		default:
			q.told, q.expires = true, now.Add(answerWindow)
			s.pending[id] = q
			p.peer.SendText(ToUser{Type: "expire", ID: id})
		}
	}
}

// giveUp makes a page's numbering void, and denies what was asked of it.
func (s *Session) giveUp(p *page, id PageID, why Reason) {
	if p != nil {
		p.void = true
	}
	s.denyAll(id, why)
}

// takeConfirmation takes the answer of the user's browser.
func (s *Session) takeConfirmation(p *page, r *Record) (keep bool, err error) {
	var c EventConfirmation
	if err := json.Unmarshal(r.Payload, &c); err != nil || c.Outcome != Confirmed && c.Outcome != Denied {
		return false, malformed("not a confirmation")
	}
	if c.Outcome == Denied && !slices.Contains(reasons, c.Reason) || c.Outcome == Confirmed && c.Reason != "" || len(c.Value) > maxValue {
		return false, malformed("not a confirmation")
	}
	asked, ok := s.pending[c.Request]
	if !ok || asked.page != p.id {
		return false, nil // answered already
	}
	delete(s.pending, c.Request)
	if c.Outcome == Denied {
		s.hub.opts.Meter.Denied(c.Reason)
	}
	c.Value = s.hub.masker(nil).text(c.Value)
	r.Payload = mustJSON(c)
	return true, nil
}

// masked reports whether a node, or what it is in, is hidden from agents.
func (m *Model) masked(id NodeID) bool {
	for n := m.nodes[id]; n != nil; n = n.parent {
		if n.Kind != ElementNode {
			continue
		}
		if _, is := n.Attr(maskedAttr); is {
			return true
		}
		if _, is := n.Attr(shownAttr); is {
			break
		}
	}
	if v, is := m.kept[id][OpValue]; is && v.N[0]&1 != 0 {
		return true
	}
	return false
}

// What the capture script marks: what it hides of a page, and within that what
// it shows all the same.
const (
	maskedAttr = "pillion-masked"
	shownAttr  = "pillion-shown"
)

func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "")
}

// refs are an agent's own names of requests: none may come twice. Those that
// are older than the last thousand are refused by what their page had seen.
type refs struct {
	known map[string]bool
	order []string
}

const maxRefs = 1000

func (r *refs) fresh(ref string) bool {
	if ref == "" || len(ref) > 100 || r.known[ref] {
		return false
	}
	if r.known == nil {
		r.known = map[string]bool{}
	}
	r.known[ref] = true
	if r.order = append(r.order, ref); len(r.order) > maxRefs {
		delete(r.known, r.order[0])
		r.order = r.order[1:]
	}
	return true
}

// bucket holds back what comes too fast.
type bucket struct {
	tokens  float64
	at      time.Time
	refused int       // since
	since   time.Time // the last quiet time
}

// What an agent's hand can ask for in a second, and at once; so many refused
// requests in a row end the connection.
const (
	requestsPerSecond = 20
	requestsAtOnce    = 60
	tooManyRefused    = 200
)

func (b *bucket) take(now time.Time) bool {
	if b.at.IsZero() {
		b.tokens = requestsAtOnce
	}
	b.tokens = min(requestsAtOnce, b.tokens+requestsPerSecond*now.Sub(b.at).Seconds())
	b.at = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// drowned counts a refused request, and reports whether there are too many.
func (b *bucket) drowned(now time.Time) bool {
	if now.Sub(b.since) > 10*time.Second {
		b.since, b.refused = now, 0
	}
	b.refused++
	return b.refused > tooManyRefused
}
