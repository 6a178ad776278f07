package events

import (
	"encoding/json"
	"maps"
	"slices"
)

// maxLocks bounds the locks of a page: a person is busy with one element, or few.
const maxLocks = 64

// takeLock takes what the user's browser says of a lock: it alone gives and
// takes them (docs/LOCKS.md).
func (s *Session) takeLock(p *page, r *Record) (keep bool, err error) {
	var l Lock
	if err := json.Unmarshal(r.Payload, &l); err != nil || l.Node == 0 {
		return false, malformed("not a lock")
	}
	by, held := p.locks[l.Node]
	if len(p.locks) >= maxLocks {
		p.freeGone()
	}
	switch {
	case !l.Held && held:
		delete(p.locks, l.Node)
		l.By = by
	case l.Held && !held && (l.By == userNo || s.people.all[l.By] != nil) && p.model != nil && p.model.Node(l.Node) != nil && len(p.locks) < maxLocks:
		if p.locks == nil {
			p.locks = map[NodeID]ParticipantNo{}
		}
		p.locks[l.Node] = l.By
	default:
		return false, nil // it changes nothing
	}
	r.Payload = mustJSON(l)
	return true, nil
}

// freeGone forgets the locks of elements that are gone.
func (p *page) freeGone() {
	for node := range p.locks {
		if p.model == nil || p.model.Node(node) == nil {
			delete(p.locks, node)
		}
	}
}

// lockRecords are a page's locks as a viewer gets them who comes late.
func (s *Session) lockRecords(p *page) (frames [][]byte) {
	p.freeGone()
	for _, node := range slices.Sorted(maps.Keys(p.locks)) {
		r := Record{Offset: s.offset, Time: s.hub.opts.Now().UTC(), From: userNo, Page: p.id, Kind: KindLock, Payload: mustJSON(Lock{node, true, p.locks[node]})}
		frames = append(frames, AppendRecord(nil, &r))
	}
	return frames
}
