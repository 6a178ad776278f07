package events

import (
	"encoding/json"
	"maps"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
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

// pendingRequest waits for the user's browser.
type pendingRequest struct {
	EventRequest
	page    PageID
	from    ParticipantNo
	name    string
	expires time.Time
	kept    bool // the log has it: only then it reaches the browser
	told    bool // the browser was told to answer now
}

// request logs an agent's request and passes it to the user's browser.
func (l *AgentLink) request(m *FromAgent) error {
	s, p := l.s, l.s.pages[l.s.active]
	why := l.refuses(m, p)
	if why == ReasonFlood && l.who.requests.drowned(s.hub.opts.Now()) {
		return forbidden("too many requests")
	}
	s.request++
	r := EventRequest{ID: s.request, Node: m.Node, Action: m.Action, Value: m.Value, Seen: m.Seen}
	page := s.active
	s.hub.opts.Meter.Request()
	if why != "" {
		r.Action, r.Value = Action(cut(string(m.Action), 40)), cut(m.Value, maxLogged)
		s.hub.opts.Meter.Denied(why)
		l.peer.SendText(ToAgent{Type: "rejected", Ref: cut(m.Ref, maxRef), ID: r.ID, Reason: string(why)})
		// Both or neither: a request that the log shows open is one that may reach the browser.
		s.publish(nil, Record{From: l.who.no, Page: page, Kind: KindEventRequest, Payload: mustJSON(r)}, denial(r.ID, page, why))
		return nil
	}
	l.lastSeen = m.Seen
	q := pendingRequest{EventRequest: r, page: page, from: l.who.no, name: l.who.name, expires: s.hub.opts.Now().Add(confirmWindow)}
	s.pending[r.ID] = q
	l.peer.SendText(ToAgent{Type: "accepted", Ref: m.Ref, ID: r.ID})
	// What is done on the page has its request in the log, whatever happens to us.
	s.publish(func() { s.passOn(r.ID) }, Record{From: l.who.no, Page: page, Kind: KindEventRequest, Payload: mustJSON(r)})
	return nil
}

// passOn sends a request that the log has kept to the user's browser.
func (s *Session) passOn(id uint64) {
	q, ok := s.pending[id]
	if !ok {
		return // its page was given up meanwhile
	}
	q.kept = true
	s.pending[id] = q
	if p := s.pages[q.page]; p != nil && p.peer != nil {
		p.ask(q)
	}
}

func (p *page) ask(q pendingRequest) {
	p.peer.SendText(ToUser{Type: "request", ID: q.ID, From: q.from, Name: q.name, Node: q.Node, Action: q.Action, Value: q.Value, Seen: p.seqAt(q.Seen)})
}

// askAgain repeats what waits for a page that has connected: it may have been
// lost with the connection before. The browser knows by the number what it has.
func (s *Session) askAgain(p *page) {
	for _, id := range s.pendingOf(p.id) {
		q := s.pending[id]
		if q.kept {
			p.ask(q)
		}
		if q.told {
			p.peer.SendText(ToUser{Type: "expire", ID: id})
		}
	}
}

// withdraw has the requests answered now of a person who left.
func (s *Session) withdraw(from ParticipantNo) {
	for _, id := range slices.Sorted(maps.Keys(s.pending)) {
		if q := s.pending[id]; q.from == from && !q.told {
			s.expireSoon(q, s.hub.opts.Now())
		}
	}
}

// refuses says why a request may not reach the user's browser; empty where it may.
func (l *AgentLink) refuses(m *FromAgent, p *page) Reason {
	s := l.s
	switch {
	case !l.who.requests.take(s.hub.opts.Now(), requestsPerSecond, requestsAtOnce, 1):
		return ReasonFlood
	case !l.who.refs.fresh(m.Ref):
		return ReasonRepeated
	case s.info.State != StateLive || !l.who.allowed || !s.level.allows(LevelPropose) || !m.wellFormed():
		return ReasonForbidden
	case s.people.control != l.who.no:
		return ReasonTurn
	case m.Seen > s.offset:
		return ReasonForbidden // of what has not been
	case m.Seen < l.lastSeen:
		return ReasonStale
	case p == nil || p.peer == nil || p.model == nil || m.Page != p.id:
		return ReasonGone
	case m.Seen < p.since:
		return ReasonGone // its ids are of the page before
	case m.Action == ActionNavigate && !sameSite(p.url, m.Value):
		return ReasonForbidden
	case !m.Action.onPage() && p.model.Node(m.Node) == nil:
		return ReasonGone
	case !m.Action.onPage() && p.model.masked(m.Node):
		return ReasonMasked
	case len(s.pending) >= maxPending:
		return ReasonFlood
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
	case ActionSelect:
		return indices.MatchString(m.Value)
	case ActionScroll:
		return position.MatchString(m.Value)
	case ActionNavigate:
		return m.Value != ""
	case ActionFill:
		return true
	}
	return m.Value == ""
}

var (
	indices  = regexp.MustCompile(`^(\d{1,6}(,\d{1,6})*)?$`)
	position = regexp.MustCompile(`^-?\d{1,9}(\.\d{1,9})?,-?\d{1,9}(\.\d{1,9})?$`)
)

// sameSite reports whether a URL stays on the page's own origin. What browsers
// read otherwise than we do is not looked at closer: white space, control
// characters, backslashes, more slashes than an address has (WHATWG URL, 4.4).
// The user's browser checks again, with its own parser.
func sameSite(page, target string) bool {
	odd := func(r rune) bool { return r <= ' ' || r == '\\' || r >= 0x7f && r < 0xa1 || r == utf8.RuneError }
	if strings.ContainsFunc(target, odd) || strings.HasPrefix(target, "///") {
		return false
	}
	base, err := url.Parse(page)
	if err != nil {
		return false
	}
	u, err := base.Parse(target)
	return err == nil && u.Scheme == base.Scheme && u.Host == base.Host && u.User == nil && (u.Scheme == "http" || u.Scheme == "https")
}

// denials answer requests in the user's stead. They are for the log together with
// what makes them final: whatever the browser says of them is too late then.
func (s *Session) denials(ids []uint64, why Reason) (records []Record) {
	for _, id := range ids {
		records = append(records, denial(id, s.pending[id].page, why))
		delete(s.pending, id)
		s.hub.opts.Meter.Denied(why)
	}
	return records
}

func denial(id uint64, page PageID, why Reason) Record {
	return Record{Page: page, Kind: KindEventConfirmation, Payload: mustJSON(EventConfirmation{Request: id, Outcome: Denied, Reason: why})}
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
// asked to. One that is away, or does not answer, is given up, and begins anew
// when it comes back: what it has not told by then is void.
func (s *Session) expireRequests(now time.Time) {
	for _, id := range slices.Sorted(maps.Keys(s.pending)) {
		q, ok := s.pending[id] // what waits for a page that is given up goes at once
		if !ok || !now.After(q.expires) {
			continue
		}
		p := s.pages[q.page]
		switch {
		case p == nil || p.peer == nil && (q.told || now.Sub(p.left) >= answerWindow):
			s.giveUp(p, q.page, ReasonExpired)
		case q.told:
			p.peer.Close(ClosePolicy, "no answer to a request")
			p.peer = nil
			s.giveUp(p, q.page, ReasonExpired)
			s.pageGone(p)
		default:
			s.expireSoon(q, now)
		}
	}
}

// expireSoon tells the browser to answer a request now, or as soon as it is back.
func (s *Session) expireSoon(q pendingRequest, now time.Time) {
	q.told, q.expires = true, now.Add(answerWindow)
	s.pending[q.ID] = q
	if p := s.pages[q.page]; p != nil && p.peer != nil {
		p.peer.SendText(ToUser{Type: "expire", ID: q.ID})
	}
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
		c.Value = ""
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
