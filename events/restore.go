package events

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
)

// restoreAll brings back what a gateway before this one left unfinished.
func (h *Hub) restoreAll(ctx context.Context) error {
	list, err := h.opts.Directory.List(ctx)
	if err != nil {
		return fmt.Errorf("directory: %w", err)
	}
	for _, info := range list {
		switch info.State {
		case StateEnded:
			h.opts.Ended(info)
		case StateOffered, StateWaiting, StateAsking, StateLive:
			s, err := h.restore(ctx, info)
			if err != nil {
				h.log.Error("session not restored", "session", info.ID, "error", err)
				continue
			}
			h.enter(s)
		}
	}
	return nil
}

// enter puts a restored session in its place. One that is over, though the
// directory's entry does not say so, is settled.
func (h *Hub) enter(s *Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.sessions[s.info.ID] = s
	if s.over {
		h.settle(s.info, s.shown)
	}
}

// reload brings a session back that the log failed. Until it does, what was
// there answers that it will be back; the sweep tries again.
func (h *Hub) reload(ctx context.Context, broken *Session) error {
	info := broken.Info()
	if info.State == StateEnded { // the log decides whether it is
		info.State, info.Ended, info.Last = StateWaiting, zeroTime, 0
	}
	s, err := h.restore(ctx, info)
	if err != nil {
		return fmt.Errorf("not read again from the log: %w", err)
	}
	h.enter(s)
	return nil
}

// restore rebuilds a session from its log: the log, not memory, is what counts.
func (h *Hub) restore(ctx context.Context, info SessionInfo) (*Session, error) {
	s := newSession(h, info)
	for r, err := range h.opts.Log.Read(ctx, info.ID, 0) {
		if err != nil {
			return nil, err
		}
		if r.Offset != s.offset+1 {
			return nil, fmt.Errorf("offset %d follows %d: %w", r.Offset, s.offset, ErrLogGap)
		}
		s.offset = r.Offset
		s.replay(&r)
	}
	for _, p := range s.pages {
		p.restored, p.left = true, s.away
	}
	s.dropOldPages()
	if !s.over && (s.info.State == StateWaiting || s.info.State == StateOffered) {
		s.renewCode()
	}
	return s, nil
}

func (s *Session) replay(r *Record) {
	p := s.pages[r.Page]
	if p == nil && r.Page != 0 {
		p = &page{id: r.Page}
		s.pages[r.Page] = p
		s.last = max(s.last, r.Page)
		s.active = r.Page
	}
	if p != nil && r.From == userNo && r.Seq > 0 {
		p.seq, p.durable = r.Seq, r.Seq
		p.note(r.Offset, r.Seq)
	}
	s.size += int64(len(r.Payload))
	switch r.Kind {
	case KindPageState:
		p.opened = true
		if state, err := DecodeState(r.Payload); err == nil {
			p.model, _ = NewModel(state)
		}
		p.locks, p.since = nil, r.Offset
	case KindPageEvents:
		s.replayBatch(p, r)
	case KindEventRequest:
		var q EventRequest
		if json.Unmarshal(r.Payload, &q) == nil {
			s.request = max(s.request, q.ID)
			s.pending[q.ID] = pendingRequest{EventRequest: q, page: r.Page, from: r.From, name: s.nameOf(r.From), kept: true, expires: r.Time.Add(confirmWindow)}
		}
	case KindEventConfirmation:
		var c EventConfirmation
		if json.Unmarshal(r.Payload, &c) == nil {
			delete(s.pending, c.Request)
		}
	case KindLock:
		var l Lock
		if json.Unmarshal(r.Payload, &l) == nil {
			p.replayLock(l)
		}
	case KindLifecycle:
		s.replayLifecycle(r)
	}
}

func (s *Session) replayBatch(p *page, r *Record) {
	batch, err := DecodeBatch(r.Payload)
	if err != nil || p.model == nil {
		return
	}
	if err := p.model.Apply(batch); err != nil && !errors.Is(err, ErrDigest) {
		p.model = nil
	}
}

func (s *Session) replayLifecycle(r *Record) {
	var l Lifecycle
	if json.Unmarshal(r.Payload, &l) != nil {
		return
	}
	switch l.Type {
	case "ended":
		s.shown = s.info.State == StateLive && !s.info.Preview
		s.over, s.reason, s.info.State, s.info.Ended, s.info.Last = true, l.Reason, StateEnded, r.Time, r.Offset
	case "page-opened":
		if p := s.pages[r.Page]; p != nil {
			p.opened, p.url, p.title, p.loaded, p.tab = true, l.URL, l.Title, l.Loaded, l.Tab
			s.loaded(p.id, p.loaded)
		}
	case "page-lost":
		if p := s.pages[r.Page]; p != nil {
			p.void, p.locks, p.offsets = true, nil, nil
		}
	case "opened":
		s.info.State = StateOffered
	case "started":
		if s.info.State == StateOffered {
			s.info.State = StateAsking
		}
		s.info.Most = cmp.Or(s.info.Most, l.Level)
	case "joined":
		s.people.all[l.Participant] = &participant{no: l.Participant, name: l.Name, role: l.Role, org: s.info.Org}
		s.people.last = max(s.people.last, l.Participant-userNo)
		if s.info.State == StateWaiting {
			s.info.State = StateAsking
		}
	case "consented":
		if p := s.people.all[l.Participant]; p != nil {
			s.allow(p)
		}
		s.level, s.info.State = l.Level, StateLive
	case "refused", "left":
		if p := s.people.all[l.Participant]; p != nil && l.Type == "refused" {
			s.people.refuse(p)
		}
		delete(s.people.all, l.Participant)
	case "control":
		s.people.control = l.Participant
	case "level":
		s.level = l.Level
	}
}

func (p *page) replayLock(l Lock) {
	if p == nil {
		return
	}
	if !l.Held {
		delete(p.locks, l.Node)
		return
	}
	if p.locks == nil {
		p.locks = map[NodeID]ParticipantNo{}
	}
	p.locks[l.Node] = l.By
}

func (s *Session) nameOf(no ParticipantNo) string {
	if p := s.people.all[no]; p != nil {
		return p.name
	}
	return ""
}
