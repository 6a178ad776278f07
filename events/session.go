package events

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sync"
	"time"
)

// userNo is the user's number in every session.
const userNo ParticipantNo = 1

// Session is an assistance session: one user's browser and those who help.
type Session struct {
	hub *Hub

	mu      sync.Mutex
	info    SessionInfo
	level   Level
	code    JoinCode // that is out: for an agent, or the user where an agent came first
	expires time.Time

	offset  Offset
	pages   map[PageID]*page
	loads   map[PageID]time.Time // when pages that the log knows of began to load
	active  PageID
	last    PageID
	arrived uint64 // connections of the user's pages so far
	people  people
	pending map[uint64]pendingRequest
	request uint64

	moved  time.Time // when somebody last did something
	size   int64     // bytes of payloads in the log
	away   time.Time // since when no page of the user's is connected
	broken bool      // the log lost something: nothing more is accepted
	tried  time.Time // when it was last read again from the log
	over   bool
	shown  bool   // and somebody saw it: there is something to keep
	reason string // why it is over

	files   int             // that passed
	late    []lateFile      // whose names are not vouched for yet
	vouched map[string]bool // names of files that may be told
}

const (
	// remembered is how long an ended session is still known.
	remembered = time.Minute
	// offerLife is how long an agent who stays can wait for a user; a code is
	// good for less, and followed by another.
	offerLife = time.Hour
	// maxLoads bounds the pages of which a session knows when they were loaded.
	maxLoads = 10_000
	// reloadEvery is the time between two readings of a log that fails.
	reloadEvery = 5 * time.Second
)

func (s *Session) isOver() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.over
}

func newSession(h *Hub, info SessionInfo) *Session {
	return &Session{
		hub: h, info: info, level: LevelView, pages: map[PageID]*page{}, loads: map[PageID]time.Time{}, people: people{all: map[ParticipantNo]*participant{}},
		pending: map[uint64]pendingRequest{}, away: h.opts.Now(), moved: h.opts.Now(),
	}
}

// Info returns what is known of the session.
func (s *Session) Info() SessionInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.info
}

// Code returns the code that is out and its end; empty once it was used.
func (s *Session) Code() (JoinCode, time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.code, s.expires
}

// renewCode issues a code: for the user where an agent came first, else for an agent.
func (s *Session) renewCode() {
	s.code, s.expires = s.codes().issue(s, s.info.Org)
}

func (s *Session) codes() *codes {
	if s.info.State == StateOffered {
		return s.hub.offers
	}
	return s.hub.codes
}

// publish gives records their offsets, relays them and hands them to the log,
// which keeps all of them or none. durable is called once they are kept; the
// session's lock is held then.
func (s *Session) publish(durable func(), records ...Record) {
	if s.broken {
		return
	}
	for i := range records {
		s.number(&records[i])
		s.relay(records[i], nil)
	}
	s.keep(durable, records)
}

// publishShown does so for a record of which viewers get another payload.
func (s *Session) publishShown(durable func(), r Record, shown []byte) {
	if s.broken {
		return
	}
	s.number(&r)
	s.relay(r, shown)
	s.keep(durable, []Record{r})
}

func (s *Session) number(r *Record) {
	s.offset++
	r.Offset, r.Time = s.offset, s.hub.opts.Now().UTC().Truncate(time.Microsecond)
	s.size += int64(len(r.Payload))
}

func (s *Session) keep(durable func(), records []Record) {
	s.hub.opts.Log.Append(s.info.ID, records, func(err error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		if err != nil {
			s.fail(err)
			return
		}
		if durable != nil {
			durable()
		}
	})
}

func (s *Session) relay(r Record, shown []byte) {
	if shown != nil {
		r.Payload = shown
	}
	var frame []byte
	for _, p := range s.people.all {
		for _, link := range p.peers {
			if frame == nil {
				frame = AppendRecord(make([]byte, 0, len(r.Payload)+40), &r)
			}
			link.relay(&r, frame)
		}
	}
}

// PageWindow returns from when to when a page was the user's newest, and the
// browser's visit: what the archive has to be asked for. from is zero where the
// page is not known.
func (s *Session) PageWindow(id PageID) (from, to time.Time, visit string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	to = s.hub.opts.Now().Add(time.Hour)
	for other, at := range s.loads {
		if other == id {
			from = at
		} else if other > id && at.Before(to) {
			to = at
		}
	}
	return from, to, s.info.Visit
}

// loaded notes when a page began to load, for as long as the session is on: pages
// that are gone bound those before them.
func (s *Session) loaded(id PageID, at time.Time) {
	if len(s.loads) < maxLoads {
		s.loads[id] = at
	}
}

// fail takes the session out of memory: what the log did not keep must not be
// acknowledged. Participants come back and find the session as the log has it.
func (s *Session) fail(err error) {
	if s.broken {
		return
	}
	s.broken, s.tried = true, s.hub.opts.Now()
	s.hub.log.Error("the log did not keep a record", "session", s.info.ID, "error", err)
	s.closeAll(CloseFailed, "the session's log is not available: reconnecting")
	s.hub.later(s.info.ID, func(ctx context.Context) error { return s.hub.reload(ctx, s) })
}

func (s *Session) lifecycle(from ParticipantNo, l Lifecycle) {
	s.publish(nil, Record{From: from, Page: s.active, Kind: KindLifecycle, Payload: mustJSON(l)})
}

func mustJSON(v any) []byte {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // our own structs always marshal
	}
	return b
}

// changed writes the session's entry, soon.
func (s *Session) changed() {
	info := s.info
	info.Agents = slices.Clone(info.Agents)
	s.hub.later(info.ID, func(ctx context.Context) error { return s.hub.opts.Directory.Put(ctx, info) })
}

func (s *Session) toUser(m ToUser) {
	for _, p := range s.pages {
		if p.peer != nil {
			p.peer.SendText(m)
		}
	}
}

func (s *Session) toAgents(m ToAgent) {
	for _, p := range s.people.all {
		p.send(m)
	}
}

// toViewers tells those whom the user lets see the page.
func (s *Session) toViewers(m ToAgent) {
	for _, p := range s.people.all {
		if p.allowed {
			p.send(m)
		}
	}
}

// Member reports whether an account takes part in the session.
func (s *Session) Member(a Account) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.member(a) != nil
}

// Allowed reports whether the user lets an account see the page.
func (s *Session) Allowed(a Account) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.member(a)
	return p != nil && p.allowed
}

func (s *Session) member(a Account) *participant {
	for _, p := range s.people.all {
		if p.name == a.Name && p.org == a.Org {
			return p
		}
	}
	return nil
}

// End ends the session for the user; one that is over stays as it is.
func (s *Session) End(reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.end(userNo, reason)
}

func (s *Session) end(by ParticipantNo, reason string) {
	if s.over || s.broken {
		return
	}
	s.tellFiles(s.hub.opts.Now())
	s.over, s.reason = true, reason
	if s.code != "" {
		s.codes().revoke(s.code)
		s.code = ""
	}
	s.shown = s.info.State == StateLive && !s.info.Preview
	records := s.denials(slices.Sorted(maps.Keys(s.pending)), ReasonExpired)
	records = append(records, Record{From: by, Page: s.active, Kind: KindLifecycle, Payload: mustJSON(Lifecycle{Type: "ended", By: by, Reason: reason})})
	s.info.State, s.info.Ended, s.info.Last = StateEnded, s.hub.opts.Now().UTC(), s.offset+Offset(len(records))
	info := s.info
	s.publish(func() { s.hub.settle(info, s.shown) }, records...)
	s.toUser(ToUser{Type: "ended", Reason: reason})
	s.toAgents(ToAgent{Type: "ended", Reason: reason})
	s.closeAll(1000, "the session is over")
	clear(s.pages) // their models are large
}

// settle runs when a session's last record is durable. What was never shown to
// anybody leaves nothing behind.
func (h *Hub) settle(info SessionInfo, shown bool) {
	h.later(info.ID, func(ctx context.Context) error {
		if !shown {
			return errors.Join(h.opts.Log.Forget(ctx, info.ID), h.opts.Directory.Delete(ctx, info.ID))
		}
		if err := h.opts.Directory.Put(ctx, info); err != nil {
			return err
		}
		h.opts.Ended(info)
		return nil
	})
}

func (s *Session) closeAll(code int, reason string) {
	for _, p := range s.pages {
		if p.peer != nil {
			p.peer.Close(code, reason)
			p.peer = nil
		}
	}
	for _, p := range s.people.all {
		for _, link := range p.peers {
			link.peer.Close(code, reason)
		}
		p.peers = nil
	}
}

func (s *Session) hangUp(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closeAll(code, reason)
	if !s.over {
		s.changed()
	}
}

// expire ends what has waited too long.
func (s *Session) expire(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.broken && now.Sub(s.tried) >= reloadEvery:
		s.tried = now
		s.hub.later(s.info.ID, func(ctx context.Context) error { return s.hub.reload(ctx, s) })
		return
	case s.over && now.Sub(s.info.Ended) > remembered:
		defer s.hub.remove(s)
	}
	if s.over || s.broken {
		return
	}
	s.expireRequests(now)
	s.turn(now)
	s.tellFiles(now.Add(-vouchWait))
	if !s.attended() {
		s.end(0, "agent")
		return
	}
	if s.info.State == StateLive && s.spent(now) {
		return
	}
	if s.code != "" && now.After(s.expires) {
		if s.info.State == StateOffered && now.Sub(s.info.Started) < offerLife && s.present() {
			s.renewOffer()
			return
		}
		if s.info.State == StateWaiting || s.info.State == StateOffered {
			s.end(0, "expired")
			return
		}
		s.code = "" // an invitation that nobody took
	}
	wait := ResumeWindow
	if s.info.State == StateLive && s.present() {
		wait = AwayWindow
	}
	if s.info.State != StateOffered && !s.away.IsZero() && now.Sub(s.away) > wait {
		s.end(0, "timeout")
	}
}

// spent ends a session in which nothing happens any more, and one whose log is
// larger than it may be.
func (s *Session) spent(now time.Time) bool {
	switch {
	case s.hub.opts.Quiet > 0 && now.Sub(s.moved) > s.hub.opts.Quiet:
		s.end(0, "quiet")
	case s.hub.opts.Size > 0 && s.size > s.hub.opts.Size:
		s.end(0, "size")
	default:
		return false
	}
	return true
}

// attended reports whether anybody is left whom the session is for. Where one
// leaves, it ends at once; this is for a log that ends between the two records.
func (s *Session) attended() bool {
	switch s.info.State {
	case StateAsking:
		return len(s.people.all) > 0
	case StateLive:
		return s.shared()
	}
	return true
}
