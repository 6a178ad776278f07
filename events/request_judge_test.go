package events

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
)

// answerOf is what the log says of a request so far.
type answerOf struct {
	value   string
	outcome Outcome
	changed bool
}

type lockKey struct {
	page PageID
	node NodeID
}

// judge reads the log of a schedule: what it must never say, whatever happened.
func (w *world) judge(sum *tally) {
	requests, byValue := map[uint64]*answerOf{}, map[string]*answerOf{}
	holders := map[lockKey]ParticipantNo{}
	for i, r := range w.disk {
		if r.Offset != Offset(i+1) {
			w.fault("offset %d at place %d", r.Offset, i+1)
		}
		switch r.Kind {
		case KindEventRequest:
			var q EventRequest
			_ = json.Unmarshal(r.Payload, &q) // our own
			if requests[q.ID] != nil {
				w.fault("two requests %d", q.ID)
			}
			requests[q.ID] = &answerOf{value: q.Value}
			if byValue[q.Value] == nil { // a repeated one has the same value, and is refused
				byValue[q.Value] = requests[q.ID]
			}
		case KindEventConfirmation:
			w.judgeAnswer(&r, requests, sum)
		case KindPageEvents:
			w.judgeChanges(&r, byValue)
		case KindPageState:
			for key := range holders {
				if key.page == r.Page {
					delete(holders, key)
				}
			}
		case KindLock:
			sum.locks++
			w.judgeLock(&r, holders)
		}
	}
	for id, a := range requests {
		if a.outcome == "" {
			w.fault("request %d has no answer", id)
		}
		if a.outcome == Confirmed && !a.changed {
			w.fault("request %d is confirmed, and nothing was changed", id)
		}
	}
	w.judgeFrames()
	sum.kills += w.kills
	if w.over {
		sum.over++
	}
	for _, t := range w.all {
		sum.voids += max(0, len(t.sent)-1)
	}
}

func (w *world) judgeAnswer(r *Record, requests map[uint64]*answerOf, sum *tally) {
	var c EventConfirmation
	_ = json.Unmarshal(r.Payload, &c) // checked by the gateway
	a := requests[c.Request]
	switch {
	case a == nil:
		w.fault("an answer to request %d, which nobody asked", c.Request)
		return
	case a.outcome != "":
		w.fault("request %d is %s and %s", c.Request, a.outcome, c.Outcome)
	}
	a.outcome = c.Outcome
	switch {
	case c.Outcome == Confirmed:
		sum.confirmed++
	case r.From == userNo:
		sum.denied++
	default:
		sum.refused++
	}
}

// judgeChanges looks at what a batch says was done for a request: its value
// tells which.
func (w *world) judgeChanges(r *Record, byValue map[string]*answerOf) {
	b, err := DecodeBatch(r.Payload)
	if err != nil {
		w.fault("%v", err)
		return
	}
	for _, e := range b.Events {
		if e.Cause != CauseRequest {
			continue
		}
		a := byValue[strings.TrimSuffix(e.Text, "~")]
		switch {
		case a == nil:
			w.fault("offset %d changes something for a request that is not in the log", r.Offset)
		case a.outcome != "":
			w.fault("offset %d changes something for a request that was %s before", r.Offset, a.outcome)
		default:
			a.changed = a.changed || !strings.HasSuffix(e.Text, "~")
		}
	}
}

func (w *world) judgeLock(r *Record, holders map[lockKey]ParticipantNo) {
	var l Lock
	_ = json.Unmarshal(r.Payload, &l) // checked by the gateway
	key := lockKey{r.Page, l.Node}
	switch holder := holders[key]; {
	case l.Held && holder != 0:
		w.fault("offset %d: node %d is held by %d and %d", r.Offset, l.Node, holder, l.By)
	case !l.Held && holder != l.By:
		w.fault("offset %d: node %d is let go by %d, held by %d", r.Offset, l.Node, l.By, holder)
	case l.Held:
		holders[key] = l.By
	default:
		delete(holders, key)
	}
}

// judgeFrames compares each page's records with the frames that its browser
// sent: in their order, each once, and none missing that was acknowledged. A
// number that a killed gateway lost may have been another page's before.
func (w *world) judgeFrames() {
	kept, explained := map[PageID][]Record{}, map[PageID]bool{}
	for _, r := range w.disk {
		if r.Seq > 0 {
			kept[r.Page] = append(kept[r.Page], r)
		}
	}
	for _, t := range w.all {
		for page, frames := range t.sent {
			lost, ok := explain(kept[page], frames, t.ackedOf[page])
			if lost > 0 {
				w.fault("frame %d of page %d was acknowledged, and is not in the log", lost, page)
			}
			explained[page] = explained[page] || ok
		}
	}
	for page, list := range kept {
		if !explained[page] {
			w.fault("the log has frames of page %d, from offset %d, that no browser sent so", page, list[0].Offset)
		}
	}
}

// explain reports whether records are a browser's frames, and the first frame
// that was acknowledged and is not there. What changes nothing is not kept.
func explain(kept []Record, frames []sentFrame, acked uint64) (lost uint64, ok bool) {
	for _, f := range frames {
		switch {
		case len(kept) > 0 && kept[0].Seq == f.seq && kept[0].Kind == f.kind && (f.kind != KindPageEvents || bytes.Equal(kept[0].Payload, f.payload)):
			kept = kept[1:]
		case f.kind <= KindPageEvents && f.seq <= acked && lost == 0:
			lost = f.seq
		}
	}
	return lost, len(kept) == 0
}

// compare looks at what everybody sees in the end: those who followed, and one
// who comes late.
func (w *world) compare() {
	s := w.session()
	late := &desk{w: w, who: ann}
	late.connect()
	for w.hearDesk(late) {
	}
	var front *tab
	for _, t := range w.tabs {
		if len(t.open) > 0 || len(t.unsent) > 0 {
			w.fault("page %d ends with %d requests and %d frames", t.page, len(t.open), len(t.unsent))
		}
		if t.page == s.active {
			front = t
		}
	}
	if front == nil || late.model == nil {
		w.fault("page %d is on show, and is none of the browser's", s.active)
		return
	}
	for _, d := range append([]*desk{late}, w.desks...) {
		if d.model == nil || d.page != front.page || d.values() != front.values {
			w.fault("%s sees page %d: %q, the user's page %d has %q", d.who.Name, d.page, d.values(), front.page, front.values)
			return
		}
		if len(d.locks) != len(front.locks) {
			w.fault("%s sees locks %v, the user's page has %v", d.who.Name, d.locks, front.locks)
		}
		for field, l := range front.locks {
			if d.locks[front.id(field)] != l.by {
				w.fault("%s sees locks %v, the user's page has %v", d.who.Name, d.locks, front.locks)
			}
		}
	}
	if s.level != front.level {
		w.fault("the level is %s, the user's page has %s", s.level, front.level)
	}
}

// passedOn checks what reaches a browser: it is in the log, and the same
// whenever it comes again.
func (w *world) passedOn(m ToUser) {
	if was, known := w.sent[m.ID]; known && was != m.Value {
		w.fault("request %d is %q, and was %q", m.ID, m.Value, was)
	}
	w.sent[m.ID] = m.Value
	for _, r := range w.disk {
		var q EventRequest
		if r.Kind == KindEventRequest && json.Unmarshal(r.Payload, &q) == nil && q.ID == m.ID {
			return
		}
	}
	w.fault("request %d reaches the browser, and the log has not kept it", m.ID)
}

func (w *world) dump() string {
	var out strings.Builder
	for _, line := range w.trace[max(0, len(w.trace)-60):] {
		fmt.Fprintln(&out, line)
	}
	for _, r := range w.disk[max(0, len(w.disk)-80):] {
		what := string(r.Payload)
		switch r.Kind {
		case KindPageEvents:
			b, _ := DecodeBatch(r.Payload)
			what = ""
			for _, e := range b.Events {
				what += fmt.Sprintf(" op %d node %d %q by %d", e.Op, e.ID, e.Text, e.Cause)
			}
		case KindPageState:
			what = "state"
		}
		fmt.Fprintf(&out, "%d page %d seq %d from %d kind %d: %s\n", r.Offset, r.Page, r.Seq, r.From, r.Kind, what)
	}
	return out.String()
}
