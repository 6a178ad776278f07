package replayui

import (
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// Mark is an event as the player lists it.
type Mark struct {
	T      int64         `json:"t"` // ms since the session's first record
	Offset events.Offset `json:"offset"`
	Page   events.PageID `json:"page"`
	Node   events.NodeID `json:"node,omitempty"`
	Type   string        `json:"type"`
	Label  string        `json:"label"`
	By     string        `json:"by"`
}

// PageMark is a page of a recording.
type PageMark struct {
	Page  events.PageID `json:"page"`
	URL   string        `json:"url"`
	Title string        `json:"title"`
	T     int64         `json:"t"`
}

// timeline reads a session's records in order and keeps what players and the
// index need: the pages' models and the events in words.
type timeline struct {
	clock  archive.Clock
	at     time.Duration // of the last record, by the clock
	offset events.Offset // of it
	models map[events.PageID]*events.Model
	loaded map[events.PageID]time.Time
	active events.PageID
	names  map[events.ParticipantNo]string
	asked  map[uint64]request // requests, until they are answered
	marks  []Mark
	pages  []PageMark
	last   map[string]int // the last mark of a kind on a node, to run keystrokes together
	beside besides
	people [][]byte // records that tell who took part
}

// runTogether is within how many ms input in one field makes one mark.
const runTogether = 3000

// maxPeople bounds the list of those who took part.
const maxPeople = 500

func newTimeline() *timeline {
	return &timeline{
		models: map[events.PageID]*events.Model{}, loaded: map[events.PageID]time.Time{},
		names: map[events.ParticipantNo]string{1: "user"}, asked: map[uint64]request{}, last: map[string]int{}, beside: newBesides(),
	}
}

// add takes the next record. What cannot be read is left out of the list; the
// record itself stays in the recording.
func (t *timeline) add(r *events.Record) {
	t.at, t.offset = t.clock.Add(r.Time), r.Offset
	at := t.at.Milliseconds()
	t.beside.add(r, t.at)
	switch r.Kind {
	case events.KindPageState:
		t.state(r, at)
	case events.KindPageEvents:
		t.batch(r, at)
	case events.KindEventRequest:
		var q events.EventRequest
		if m := t.models[r.Page]; json.Unmarshal(r.Payload, &q) == nil && m != nil {
			words := m.RequestLabel(&q)
			t.asked[q.ID] = request{q, words}
			t.mark(Mark{T: at, Offset: r.Offset, Page: r.Page, Node: q.Node, Type: "request", Label: "asked to " + words, By: t.names[r.From]})
		}
	case events.KindEventConfirmation:
		t.confirmation(r, at)
	case events.KindLifecycle:
		t.lifecycle(r, at)
	case events.KindChannelData:
		var c events.ChannelData
		if json.Unmarshal(r.Payload, &c) == nil {
			t.mark(Mark{T: at, Offset: r.Offset, Page: r.Page, Type: "chat", Label: c.Text, By: t.names[r.From]})
		}
	}
}

func (t *timeline) mark(m Mark) { t.marks = append(t.marks, m) }

func (t *timeline) state(r *events.Record, at int64) {
	s, err := events.DecodeState(r.Payload)
	if err != nil {
		return
	}
	m, err := events.NewModel(s)
	if err != nil {
		return
	}
	if t.models[r.Page] == nil {
		t.pages = append(t.pages, PageMark{r.Page, m.URL(), m.Title(), at})
		t.mark(Mark{T: at, Offset: r.Offset, Page: r.Page, Type: "navigation", Label: "opened " + pageName(m), By: "user"})
	}
	// A tab that is opened behind others, or sends its page again there, stays there.
	if t.active == 0 || t.models[r.Page] == nil && !s.Hidden {
		t.active = r.Page
	}
	t.models[r.Page] = m
	clear(t.last)
}

func pageName(m *events.Model) string {
	if m.Title() != "" {
		return "“" + m.Title() + "”"
	}
	return m.URL()
}

func (t *timeline) batch(r *events.Record, at int64) {
	b, err := events.DecodeBatch(r.Payload)
	m := t.models[r.Page]
	if err != nil || m == nil {
		return
	}
	// One at a time: a label is of the page as it was then.
	for i := range b.Events {
		e := &b.Events[i]
		if e.ComesToFront() {
			t.active = r.Page
		}
		if err := m.Apply(&events.Batch{Events: b.Events[i : i+1]}); err != nil && !errors.Is(err, events.ErrDigest) {
			delete(t.models, r.Page)
			return
		}
		if kind, label := m.Label(e); kind != "" {
			t.event(Mark{T: at, Offset: r.Offset, Page: r.Page, Node: e.ID, Type: kind, Label: label, By: by(e.Cause)})
		}
	}
}

func by(c events.Cause) string {
	switch c {
	case events.CauseUser:
		return "user"
	case events.CauseRequest:
		return "agent"
	}
	return "page"
}

// event adds a mark, or lets the one before last longer: keystrokes in a field,
// and scrolling, are one event to people.
func (t *timeline) event(m Mark) {
	if m.Type == "input" || m.Type == "scroll" {
		key := m.Type + " " + m.By + " " + m.Label
		if m.Type == "scroll" {
			key = "scroll " + m.By
		}
		if i, ok := t.last[key]; ok && t.marks[i].Node == m.Node && m.T-t.marks[i].T < runTogether && i >= len(t.marks)-3 {
			t.marks[i].Label = m.Label
			return
		}
		t.last[key] = len(t.marks)
	}
	t.mark(m)
}

// request is what an agent asked for, and its words.
type request struct {
	events.EventRequest
	words string
}

func (t *timeline) confirmation(r *events.Record, at int64) {
	var c events.EventConfirmation
	if json.Unmarshal(r.Payload, &c) != nil {
		return
	}
	of := t.asked[c.Request]
	label := "confirmed: " + of.words
	switch m := t.models[r.Page]; {
	case c.Outcome == events.Denied:
		label = "denied (" + string(c.Reason) + "): " + of.words
	case c.Value != "" && of.Action == events.ActionSelect && m != nil:
		of.Value = c.Value
		label = "confirmed, changed by the user: " + m.RequestLabel(&of.EventRequest)
	case c.Value != "":
		label = "confirmed with “" + c.Value + "”: " + of.words
	}
	delete(t.asked, c.Request)
	who := t.names[r.From]
	if r.From == 0 {
		who = "gateway"
	}
	t.mark(Mark{T: at, Offset: r.Offset, Page: r.Page, Type: "confirmation", Label: label, By: who})
}

func (t *timeline) lifecycle(r *events.Record, at int64) {
	var l events.Lifecycle
	if json.Unmarshal(r.Payload, &l) != nil {
		return
	}
	label := ""
	switch l.Type {
	case "started":
		label = "asked for help"
	case "joined":
		t.names[l.Participant] = l.Name
		if len(t.people) < maxPeople {
			t.people = append(t.people, events.AppendRecord(nil, r))
		}
		label = "joined"
	case "consented":
		label = "allowed " + t.names[l.Participant] + " to see the page"
	case "refused":
		label = "did not allow it"
	case "level":
		label = levelLabels[l.Level]
	case "opened":
		label = "opened the session for an agent"
	case "left":
		label = "left"
	case "control":
		label = "gave control to " + t.names[l.Participant]
		if l.Participant == 0 {
			label = "nobody has control"
		}
	case "ended":
		label = "ended the session"
		if l.By == 0 {
			label = "the session ended (" + l.Reason + ")"
		}
	case "page-opened":
		t.loaded[r.Page] = l.Loaded
		return
	case "upload", "download":
		t.mark(Mark{T: at, Offset: r.Offset, Page: r.Page, Type: l.Type, Label: fileLabel(&l), By: t.names[r.From]})
		return
	}
	if label == "" {
		return
	}
	who := t.names[r.From]
	if r.From == 0 {
		who = "gateway"
	}
	t.mark(Mark{T: at, Offset: r.Offset, Page: r.Page, Type: "session", Label: label, By: who})
}

var levelLabels = map[events.Level]string{
	events.LevelView: "let the agent look only", events.LevelPoint: "let the agent look and point only",
	events.LevelPropose: "let the agent propose changes", events.LevelAct: "let the agent act",
}

// wordsOf is what full-text search finds: labels and titles.
func wordsOf(pages []PageMark, marks []Mark) string {
	var b strings.Builder
	for _, p := range pages {
		b.WriteString(p.Title + "\n" + p.URL + "\n")
	}
	for _, m := range marks {
		b.WriteString(m.Label + "\n")
	}
	return b.String()
}
