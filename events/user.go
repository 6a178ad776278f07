package events

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"time"
)

const (
	// maxAge bounds what a browser says of a page's age, in ms.
	maxAge = 24 * 60 * 60 * 1000
	// maxTab bounds a tab's name, in bytes.
	maxTab = 40
	// maxChat bounds a message beside the page, in bytes.
	maxChat = 8 << 10
)

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
	// A new page, or one that was dropped, or that bears a number which a gateway
	// gave out and lost: the answer's number tells.
	if p == nil || p.void || p.tab != "" && p.tab != cut(hello.Tab, maxTab) {
		var err error
		if p, err = s.newPage(hello.Page); err != nil {
			return nil, err
		}
	}
	if p.peer != nil {
		p.peer.Close(ClosePolicy, "the page connected again")
	}
	s.arrived++
	p.peer, p.tab, p.hidden, p.resync, p.arrived = peer, cut(hello.Tab, maxTab), hello.Hidden, false, s.arrived
	if !p.opened {
		age := time.Duration(min(max(hello.Age, 0), maxAge) * float64(time.Millisecond))
		p.loaded = s.hub.opts.Now().UTC().Add(-age)
	}
	if p.model == nil {
		k := s.hub.masker(nil)
		p.url, p.title = k.url(hello.URL), k.text(hello.Title)
	}
	if !s.away.IsZero() && s.info.State == StateLive && s.active != 0 {
		s.toViewers(ToAgent{Type: "resumed"})
	}
	s.away = zeroTime
	if now := s.pages[s.active]; !hello.Hidden || now == nil || now.peer == nil {
		s.turnTo(p)
	}
	s.welcomeUser(p)
	s.follow(p)
	return &UserLink{s, p, peer}, nil
}

// welcomeUser tells a page that has connected how things stand.
func (s *Session) welcomeUser(p *page) {
	ack := p.durable
	welcome := ToUser{Type: "welcome", Page: p.id, State: s.info.State, Ack: &ack, Agents: s.names(), Control: s.people.control}
	if s.info.State == StateLive {
		welcome.Level = s.level
	}
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
	s.askAgain(p)
	s.tellPages()
	if s.active == p.id {
		s.showAll()
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

// Text takes a text frame.
func (l *UserLink) Text(b []byte) error {
	var m FromUser
	if err := json.Unmarshal(b, &m); err != nil {
		return malformed("not a message")
	}
	s := l.s
	s.mu.Lock()
	defer s.mu.Unlock()
	current := l.page.peer == l.peer
	if s.over || s.broken || !current && m.Type != "end" { // what an older connection says may be older than what was said since
		return nil
	}
	if current {
		s.heard(l.page)
	}
	if m.Type != "ping" {
		s.moved = s.hub.opts.Now()
	}
	switch m.Type {
	case "consent":
		return s.consent(m.Participant, m.Allow, m.Level)
	case "level":
		return s.grant(l.page, m.Level)
	case "visible":
		l.page.hidden = false
		if s.info.State == StateLive {
			s.activate(l.page)
		}
	case "chat":
		if s.info.State == StateLive && m.Text != "" {
			s.publish(nil, Record{From: userNo, Page: l.page.id, Kind: KindChannelData, Payload: mustJSON(ChannelData{"text", s.hub.masker(nil).text(cut(m.Text, maxChat))})})
		}
	case "file":
		s.vouch(m.Text, m.Size)
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
	if s.over || s.broken || p.peer != l.peer {
		return nil
	}
	s.heard(p)
	switch {
	case s.info.State != StateLive:
		return forbidden("no consent")
	case seq <= p.durable:
		p.ack()
		return nil
	case seq <= p.seq:
		return nil // its acknowledgement is under way
	case seq != p.seq+1 && !p.restored:
		return forbidden("a frame is missing")
	case seq != p.seq+1: // what is not in the log was acknowledged and not kept
		p.durable = seq - 1
	}
	record, was := Record{From: userNo, Page: p.id, Seq: seq, Kind: kind, Payload: payload}, [2]string{p.url, p.title}
	keep, shown, err := s.take(p, &record)
	if err != nil {
		return err
	}
	p.seq, p.restored = seq, false
	if !keep {
		p.settled(seq, false)
		return nil
	}
	s.publishShown(func() { p.settled(seq, true) }, record, shown)
	p.note(s.offset, seq)
	if kind == KindPageState {
		p.since = s.offset
	}
	if was != [2]string{p.url, p.title} {
		s.tellPages()
	}
	return nil
}

// grant is the user's choice of a level, at any time, in one of their tabs. The
// others hear of it; the one that it was made in, of its having been heard: until
// then what it hears of others' is older.
func (s *Session) grant(from *page, level Level) error {
	if !slices.Contains(levels, level) {
		return malformed("unknown level")
	}
	if s.info.State != StateLive {
		return nil
	}
	level = level.least(s.info.Most)
	if level != s.level {
		s.level = level
		s.lifecycle(userNo, Lifecycle{Type: "level", Level: level})
		s.toViewers(ToAgent{Type: "level", Level: level})
	}
	for _, p := range s.pages {
		if p.peer != nil {
			p.peer.SendText(ToUser{Type: "level", Level: level, Own: p == from})
		}
	}
	return nil
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
		s.moved = s.hub.opts.Now()
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
	p.model, p.url, p.title, p.locks, p.hidden, p.resync = m, m.URL(), m.Title(), nil, m.head.Hidden, false
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
	if slices.ContainsFunc(batch.Events, func(e PageEvent) bool { return e.Cause == CauseUser }) {
		s.moved = s.hub.opts.Now() // what a page does by itself moves nobody
	}
	if s.info.State == StateLive && slices.ContainsFunc(batch.Events, func(e PageEvent) bool { return e.ComesToFront() }) {
		s.activate(p) // of two windows side by side none is hidden
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
	case err != nil:
		if !p.resync { // once is enough: what is on its way is of the page before
			p.resync = true
			s.hub.opts.Meter.Drift()
			s.hub.log.Warn("the page is sent again", "session", s.info.ID, "page", p.id, "reason", err)
			p.peer.SendText(ToUser{Type: "resync"})
		}
		if !errors.Is(err, ErrDigest) {
			p.model = nil
			return false, nil, nil
		}
	}
	p.url, p.title, p.hidden = p.model.URL(), p.model.Title(), p.model.head.Hidden
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
