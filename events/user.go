package events

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"sort"
	"time"
)

// page is one document in one tab of the user's browser.
type page struct {
	id         PageID
	url, title string
	peer       Peer   // nil while it is not connected
	model      *Model // nil until its state came
	loaded     time.Time
	opened     bool   // the log knows of it
	seq        uint64 // last frame taken
	durable    uint64 // last frame acknowledged
	filtered   bool   // the viewer's page is another than the browser's: digests say nothing
	tab        string // the browser's own name of the tab
	void       bool   // given up: what comes back is a new page
	locks      map[NodeID]ParticipantNo
	offsets    []seenAt
}

// seenAt says which of the browser's frames a record was.
type seenAt struct {
	offset Offset
	seq    uint64
}

// maxAge bounds what a browser says of a page's age, in ms.
const maxAge = 24 * 60 * 60 * 1000

// maxSeen bounds how far back a request's view of the page can be placed.
const maxSeen = 4096

// UserLink is the connection of one of the user's pages.
type UserLink struct {
	s    *Session
	page *page
	peer Peer
}

// AttachUser connects a page; hello is its first message.
func (s *Session) AttachUser(peer Peer, hello FromUser) (*UserLink, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.broken {
		return nil, &ProtocolError{CloseRestart, "the session is not here"}
	}
	p := s.pages[hello.Page]
	if p == nil || p.void { // a new page, or one that was dropped: the answer's number tells
		s.last++
		age := time.Duration(min(max(hello.Age, 0), maxAge) * float64(time.Millisecond))
		p = &page{id: s.last, tab: cut(hello.Tab, 40), loaded: s.hub.opts.Now().UTC().Add(-age)}
		s.pages[p.id] = p
		s.dropOldPages()
	}
	if p.peer != nil {
		p.peer.Close(ClosePolicy, "the page connected again")
	}
	k := s.hub.masker(nil)
	p.peer, p.url, p.title = peer, k.url(hello.URL), k.text(hello.Title)
	if !s.away.IsZero() && s.info.State == StateLive && s.active != 0 {
		s.toAgents(ToAgent{Type: "resumed"})
	}
	s.away = zeroTime
	if now := s.pages[s.active]; !hello.Hidden || now == nil || now.peer == nil {
		s.active = p.id
	}
	s.welcomeUser(p)
	s.follow(p)
	return &UserLink{s, p, peer}, nil
}

// welcomeUser tells a page that has connected how things stand.
func (s *Session) welcomeUser(p *page) {
	ack := p.durable
	welcome := ToUser{Type: "welcome", Page: p.id, State: s.info.State, Ack: &ack, Agents: s.names(), Control: s.people.control, Level: s.level}
	if s.code != "" && s.info.State == StateWaiting {
		welcome.Code = s.code.Grouped()
		welcome.CodeExpires = int64(s.expires.Sub(s.hub.opts.Now()).Seconds())
	}
	p.peer.SendText(welcome)
	for _, who := range s.asking() {
		p.peer.SendText(s.asks(who))
	}
	if s.info.State != StateLive {
		return
	}
	s.open(p)
	if p.model == nil {
		p.peer.SendText(ToUser{Type: "start", Level: s.level, Agents: welcome.Agents, Control: s.people.control})
	}
	s.tellPages()
	if s.active == p.id {
		s.showAll()
	}
}

// follow gives up the pages that a new one has taken the place of in its tab.
func (s *Session) follow(p *page) {
	for _, old := range s.pages {
		if old != p && old.tab != "" && old.tab == p.tab && old.peer == nil && !old.void {
			s.giveUp(old, old.id, ReasonGone)
		}
	}
}

// dropOldPages forgets pages that are gone for long: their models are large.
func (s *Session) dropOldPages() {
	for id, p := range s.pages {
		if p.peer == nil && id+8 < s.last {
			delete(s.pages, id)
		}
	}
}

// open tells the log of a page.
func (s *Session) open(p *page) {
	if p.opened {
		return
	}
	p.opened = true
	s.publish(nil, Record{From: userNo, Page: p.id, Kind: KindLifecycle, Payload: mustJSON(Lifecycle{Type: "page-opened", URL: p.url, Title: p.title, Loaded: p.loaded})})
}

func (s *Session) pageNames() []PageName {
	var list []PageName
	for _, p := range s.pages {
		if p.opened && p.peer != nil {
			name := PageName{p.id, p.url, p.title}
			if p.model != nil {
				name.URL, name.Title = p.model.URL(), p.model.Title()
			}
			list = append(list, name)
		}
	}
	slices.SortFunc(list, func(a, b PageName) int { return int(a.Page) - int(b.Page) })
	return list
}

// tellPages tells those who may see the page which pages there are, and which
// is in front.
func (s *Session) tellPages() {
	names := s.pageNames()
	for _, who := range s.people.all {
		for _, l := range who.peers {
			if who.allowed {
				l.peer.SendText(ToAgent{Type: "page", Page: s.active, Pages: names})
			}
		}
	}
}

// Gone is called when the page's connection ended.
func (l *UserLink) Gone() {
	s := l.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if l.page.peer != l.peer {
		return
	}
	l.page.peer = nil
	s.pageGone(l.page)
}

// pageGone is called when a page is not connected any more.
func (s *Session) pageGone(gone *page) {
	var newest *page
	for _, p := range s.pages {
		if p.peer == nil {
			continue
		}
		if newest == nil || p.id > newest.id {
			newest = p
		}
		s.follow(p)
	}
	if newest != nil {
		if s.active == gone.id {
			s.activate(newest)
		} else {
			s.tellPages()
		}
		return
	}
	s.away = s.hub.opts.Now()
	s.toAgents(ToAgent{Type: "suspended"})
}

// activate shows agents another of the user's pages.
func (s *Session) activate(p *page) {
	if s.active == p.id {
		return
	}
	s.active = p.id
	s.tellPages()
	s.showAll()
}

// Text takes a text frame.
func (l *UserLink) Text(b []byte) error {
	var m FromUser
	if err := json.Unmarshal(b, &m); err != nil {
		return malformed("not a message")
	}
	s := l.s
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over {
		return nil
	}
	switch m.Type {
	case "consent":
		return s.consent(m.Participant, m.Allow, m.Level)
	case "level":
		if !slices.Contains(levels, m.Level) {
			return malformed("unknown level")
		}
		s.level = m.Level.least(s.info.Most)
		s.lifecycle(userNo, Lifecycle{Type: "level", Level: s.level})
		s.toAgents(ToAgent{Type: "level", Level: s.level})
		for _, p := range s.pages {
			if p != l.page && p.peer != nil {
				p.peer.SendText(ToUser{Type: "level", Level: s.level})
			}
		}
	case "visible":
		if s.info.State == StateLive {
			s.activate(l.page)
		}
	case "chat":
		if s.info.State == StateLive && m.Text != "" {
			s.publish(nil, Record{From: userNo, Page: l.page.id, Kind: KindChannelData, Payload: mustJSON(ChannelData{"text", s.hub.masker(nil).text(m.Text)})})
		}
	case "end":
		s.end(userNo, "user")
	case "ping":
		l.peer.SendText(ToUser{Type: "pong"})
	default:
		return malformed("unknown message")
	}
	return nil
}

// Binary takes a frame: kind, number, clock, payload (FORMAT.md). The frame
// must not be changed afterwards.
func (l *UserLink) Binary(b []byte) error {
	kind, seq, payload, err := splitFrame(b)
	if err != nil {
		return err
	}
	s, p := l.s, l.page
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over || p.peer != l.peer:
		return nil
	case s.info.State != StateLive:
		return forbidden("no consent")
	case seq <= p.durable:
		l.ack(p.durable)
		return nil
	case seq <= p.seq:
		return nil // its acknowledgement is under way
	case seq != p.seq+1:
		return forbidden("a frame is missing")
	}
	record := Record{From: userNo, Page: p.id, Seq: seq, Kind: kind, Payload: payload}
	keep, shown, err := s.take(p, &record)
	if err != nil {
		return err
	}
	p.seq = seq
	if !keep {
		p.durable = seq
		l.ack(seq)
		return nil
	}
	s.publishShown(func() {
		p.durable = seq
		l.ack(seq)
	}, record, shown)
	p.offsets = append(p.offsets, seenAt{s.offset, seq})
	if len(p.offsets) > maxSeen {
		p.offsets = slices.Clone(p.offsets[maxSeen/2:])
	}
	return nil
}

func (l *UserLink) ack(seq uint64) {
	if l.page.peer == l.peer {
		l.peer.SendText(ToUser{Type: "ack", Seq: seq})
	}
}

func splitFrame(b []byte) (kind Kind, seq uint64, payload []byte, err error) {
	if len(b) == 0 {
		return 0, 0, nil, malformed("empty frame")
	}
	kind, b = Kind(b[0]), b[1:]
	limit := MaxFrame
	if kind == KindPageState {
		limit = MaxStateFrame
	}
	if len(b) > limit {
		return 0, 0, nil, &ProtocolError{CloseTooBig, "frame too large"}
	}
	seq, n := binary.Uvarint(b)
	if n <= 0 {
		return 0, 0, nil, malformed("no number")
	}
	b = b[n:]
	_, n = binary.Uvarint(b) // the sender's clock: batches bear it too
	if n <= 0 {
		return 0, 0, nil, malformed("no clock")
	}
	return kind, seq, b[n:], nil
}

// take checks and filters a frame and applies it to the page's model. It
// reports whether the record is to be kept, and what viewers get in its stead.
func (s *Session) take(p *page, r *Record) (keep bool, shown []byte, err error) {
	switch r.Kind {
	case KindPageState:
		shown, err = s.takeState(p, r)
		return true, shown, err
	case KindPageEvents:
		return s.takeBatch(p, r)
	case KindEventConfirmation:
		keep, err = s.takeConfirmation(p, r)
		return keep, nil, err
	case KindLock:
		keep, err = s.takeLock(p, r)
		return keep, nil, err
	}
	return false, nil, forbidden("this kind of record is not the browser's")
}

func (s *Session) takeState(p *page, r *Record) (shown []byte, err error) {
	state, err := DecodeState(r.Payload)
	if err != nil {
		return nil, malformed(err.Error())
	}
	filtered := FilterState(state)
	k := s.hub.masker(nil)
	k.state(state)
	p.filtered = filtered.Elements || s.slipped(p, k)
	if filtered.Any || k.slipped > 0 {
		r.Payload = state.Append(nil)
	}
	m, err := NewModel(state)
	if err != nil {
		return nil, malformed(err.Error())
	}
	p.model, p.url, p.title, p.locks = m, m.URL(), m.Title(), nil
	if s.info.Title == "" && p.title != "" {
		// Before the user consented nothing but the address was known.
		s.info.URL, s.info.Title = p.url, p.title
		s.changed()
	}
	return m.State().AppendFor(nil, s.hub.opts.URLs(s.info.ID, p.id)), nil
}

func (s *Session) takeBatch(p *page, r *Record) (keep bool, shown []byte, err error) {
	batch, err := DecodeBatch(r.Payload)
	if err != nil {
		return false, nil, malformed(err.Error())
	}
	if p.model == nil {
		return false, nil, nil // a new state is under way
	}
	filtered := FilterBatch(batch)
	k := s.hub.masker(p.model.nodes)
	k.events(batch.Events)
	if s.slipped(p, k) || filtered.Elements {
		p.filtered = true
	}
	if filtered.Any || k.slipped > 0 {
		r.Payload = batch.Append(nil)
	}
	shown, err = p.model.ApplyFor(nil, batch, s.hub.opts.URLs(s.info.ID, p.id))
	switch {
	case errors.Is(err, ErrDigest) && p.filtered:
	case errors.Is(err, ErrDigest), errors.Is(err, ErrModel):
		s.hub.opts.Meter.Drift()
		s.hub.log.Warn("the page is sent again", "session", s.info.ID, "page", p.id, "reason", err)
		p.peer.SendText(ToUser{Type: "resync"})
		if errors.Is(err, ErrModel) {
			p.model = nil
			return false, nil, nil
		}
	}
	p.url, p.title = p.model.URL(), p.model.Title()
	return true, shown, nil
}

// slipped tells of what was masked here, though not what it was; it reports
// whether there was anything: the browser's page is another then.
func (s *Session) slipped(p *page, k *masker) bool {
	if k.slipped == 0 {
		return false
	}
	s.hub.opts.Meter.Slipped(k.slipped)
	s.hub.log.Warn("masked what a browser should have masked", "session", s.info.ID, "page", p.id, "count", k.slipped)
	return true
}

// seqAt is the number of the browser's last frame at or before an offset.
func (p *page) seqAt(o Offset) uint64 {
	i := sort.Search(len(p.offsets), func(i int) bool { return p.offsets[i].offset > o })
	if i == 0 {
		return 0
	}
	return p.offsets[i-1].seq
}
