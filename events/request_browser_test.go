package events

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// The user's browser in TestRequestsUnderAnySchedule: tabs that keep the rules of
// docs/LOCKS.md.

type sentFrame struct {
	kind    Kind
	seq     uint64
	payload []byte
}

// held is a lock as the browser has it.
type held struct {
	by    ParticipantNo
	until time.Time
}

type openRequest struct {
	ToUser
	field int
	asked bool
	step  int
}

// tab is a page in a tab of the user's browser.
type tab struct {
	w    *world
	name string
	wire *wire
	up   bool
	live bool

	page    PageID
	seq     uint64
	unsent  []sentFrame
	sent    map[PageID][]sentFrame // all that was numbered, by page
	ackedOf map[PageID]uint64

	level   Level
	unheard int // choices of a level that the gateway has not confirmed
	turn    int // page states so far: each gives the fields other ids
	values  [fields3]string
	changed [fields3]uint64
	locks   map[int]held
	batch   []PageEvent
	since   uint64
	known   map[uint64]bool
	open    []*openRequest
	doing   *openRequest
}

const fields3 = 3

func (t *tab) id(field int) NodeID { return NodeID(10 + (field+t.turn)%fields3) }

func (t *tab) field(id NodeID) int {
	for i := range fields3 {
		if t.id(i) == id {
			return i
		}
	}
	return -1
}

// frame numbers a frame, after what changed before it, and sends it.
func (t *tab) frame(kind Kind, payload []byte) {
	if kind != KindPageEvents {
		t.flush()
	}
	t.seq++
	f := sentFrame{kind, t.seq, payload}
	t.unsent = append(t.unsent, f)
	if t.page != 0 {
		t.sent[t.page] = append(t.sent[t.page], f)
	}
	t.send(f)
}

func (t *tab) send(f sentFrame) {
	if t.up {
		t.wire.push(frame(f.kind, f.seq, f.payload))
	}
}

func (t *tab) text(m FromUser) {
	if t.up {
		t.wire.push(mustJSON(m))
	}
}

func (t *tab) flush() {
	if b := t.batch; len(b) > 0 {
		t.batch = nil
		t.frame(KindPageEvents, (&Batch{Events: b}).Append(nil))
	}
}

// record sends the page whole.
func (t *tab) record() {
	t.stop(ReasonGone)
	t.locks, t.batch = map[int]held{}, nil
	t.turn++
	html := &Node{ID: 2, Kind: ElementNode, Name: "html"}
	s := &PageState{Title: t.name, Document: &Node{ID: 1, Kind: DocumentNode, Text: "http://site/", Base: "http://site/", Children: []*Node{html}}}
	for i := range fields3 {
		html.Children = append(html.Children, &Node{ID: t.id(i), Kind: ElementNode, Name: "input", Attrs: []Attr{{"name", fmt.Sprint(i)}}})
		s.Events = append(s.Events, PageEvent{Op: OpValue, ID: t.id(i), Text: t.values[i]})
	}
	t.frame(KindPageState, s.Append(nil))
	t.since = t.seq
}

func (t *tab) set(field int, value string, cause Cause) {
	t.values[field] = value
	t.batch = append(t.batch, PageEvent{Op: OpValue, ID: t.id(field), Text: value, Cause: cause})
}

func (t *tab) lock(field int, on bool, by ParticipantNo) {
	if on {
		t.locks[field] = held{by, t.w.clock.Now().Add(10 * time.Second)}
	} else {
		delete(t.locks, field)
	}
	t.frame(KindLock, mustJSON(Lock{t.id(field), on, by}))
}

// edit is the user typing: a change of an agent's that is under way there is given up.
func (t *tab) edit(field int) {
	if t.doing != nil && t.doing.field == field {
		t.close(t.doing, ReasonConflict)
	}
	if t.locks[field].by != userNo {
		t.release(userNo)
		t.lock(field, true, userNo)
	}
	t.w.edits++
	t.set(field, fmt.Sprint("u", t.w.edits), CauseUser)
	t.changed[field] = t.seq + 1
	t.pump()
}

func (t *tab) release(by ParticipantNo) {
	for i := range fields3 {
		if t.locks[i].by == by {
			t.lock(i, false, by)
		}
	}
}

func (t *tab) tick() {
	for i := range fields3 {
		if l := t.locks[i]; l.by == userNo && !t.w.clock.Now().Before(l.until) {
			t.lock(i, false, userNo)
		}
	}
	t.pump()
}

// request takes an agent's request, once.
func (t *tab) request(m ToUser) {
	if t.known[m.ID] {
		return
	}
	t.known[m.ID] = true
	t.open = append(t.open, &openRequest{ToUser: m, field: -1})
	t.pump()
}

// pump takes the open requests as far as they can go now.
func (t *tab) pump() {
	for _, r := range slices.Clone(t.open) {
		if !t.live || r == t.doing || r.asked {
			continue
		}
		if r.field < 0 {
			r.field = t.field(r.Node)
		}
		switch {
		case t.level != LevelPropose && t.level != LevelAct:
			t.close(r, ReasonForbidden)
		case r.Seen < t.since || r.field < 0:
			t.close(r, ReasonGone)
		case t.locks[r.field].by != 0:
			t.close(r, ReasonLocked)
		case t.changed[r.field] > r.Seen && r.step == 0:
			t.close(r, ReasonConflict)
		case t.level == LevelPropose && r.step == 0:
			r.asked = true
		case t.up && t.doing == nil:
			t.doing = r
			t.lock(r.field, true, r.From)
		}
	}
}

// answer is the user's to a question.
func (t *tab) answer(r *openRequest, allow bool) {
	r.asked, r.step = false, 1
	if !allow {
		t.close(r, ReasonRefused)
	}
	t.pump()
}

// act does the next half of a change: anything may happen between the two.
func (t *tab) act() {
	r := t.doing
	if strings.HasSuffix(t.values[r.field], "~") && strings.TrimSuffix(t.values[r.field], "~") == r.Value {
		t.set(r.field, r.Value, CauseRequest)
		t.close(r, "")
	} else {
		if want := t.w.asked[r.Value]; want != r.field {
			t.w.fault("request %d is for field %d and changes %d", r.ID, want, r.field)
		}
		t.set(r.field, r.Value+"~", CauseRequest)
	}
	t.pump()
}

// close gives a request its one answer.
func (t *tab) close(r *openRequest, why Reason) {
	t.open = slices.DeleteFunc(t.open, func(o *openRequest) bool { return o == r })
	c := EventConfirmation{Request: r.ID, Outcome: Confirmed}
	if why != "" {
		c = EventConfirmation{Request: r.ID, Outcome: Denied, Reason: why}
	}
	t.frame(KindEventConfirmation, mustJSON(c))
	if t.doing == r {
		t.doing = nil
		t.lock(r.field, false, r.From)
	}
}

func (t *tab) stop(why Reason) {
	for _, r := range slices.Clone(t.open) {
		t.close(r, why)
	}
}

func (t *tab) setLevel(l Level) {
	t.level = l
	if l == LevelView || l == LevelPoint {
		t.stop(ReasonRefused)
	}
	t.pump()
}

// choose is the user's choice of a level in this tab: it counts at once.
func (t *tab) choose(l Level) {
	t.setLevel(l)
	if t.up {
		t.unheard++
		t.text(FromUser{Type: "level", Level: l})
	}
}

// levelled hears of a choice: in this tab, of those before it, or in another.
func (t *tab) levelled(m ToUser) {
	if m.Own {
		t.unheard--
	}
	if t.unheard == 0 || t.level.allows(m.Level) {
		t.setLevel(m.Level)
	}
}

func (t *tab) hear(m ToUser) {
	switch m.Type {
	case "welcome":
		t.welcome(m)
	case "ack":
		t.acknowledged(m.Seq)
	case "start":
		t.live = true
		t.agree(m.Level)
		t.record()
	case "resync":
		t.record()
	case "level":
		t.levelled(m)
	case "request":
		t.w.passedOn(m)
		t.request(m)
	case "expire":
		t.expire(m.ID)
	case "ended":
		t.w.over = true
	}
}

func (t *tab) expire(id uint64) {
	for _, r := range t.open {
		if r.ID == id && r != t.doing {
			t.close(r, ReasonExpired)
			return
		}
	}
	if !t.known[id] {
		t.known[id] = true
		t.frame(KindEventConfirmation, mustJSON(EventConfirmation{Request: id, Outcome: Denied, Reason: ReasonExpired}))
	}
}

func (t *tab) welcome(m ToUser) {
	t.up, t.unheard = true, 0
	again := m.Page != t.page
	if again { // what was numbered for the old page is void
		if t.ackedOf[m.Page] > 0 {
			t.w.fault("page %d is given to another", m.Page)
		}
		delete(t.sent, m.Page)
		t.page, t.seq = m.Page, 0
		t.unsent, t.batch, t.open, t.doing = nil, nil, nil, nil
		t.changed, t.locks = [fields3]uint64{}, map[int]held{}
	}
	t.acknowledged(*m.Ack)
	for _, f := range t.unsent {
		t.send(f)
	}
	if m.State == StateLive {
		t.agree(m.Level)
	}
	if again && t.live {
		t.record()
	}
	t.pump()
}

// agree takes the lower level: the user may have stopped while the connection was down.
func (t *tab) agree(l Level) {
	if t.level != "" && t.level != l && l.allows(t.level) {
		t.choose(t.level)
	} else {
		t.setLevel(l)
	}
}

func (t *tab) acknowledged(seq uint64) {
	if seq > t.seq {
		t.w.fault("frame %d of page %d is acknowledged, which has %d", seq, t.page, t.seq)
	}
	t.ackedOf[t.page] = max(t.ackedOf[t.page], seq)
	for len(t.unsent) > 0 && t.unsent[0].seq <= seq {
		t.unsent = t.unsent[1:]
	}
}
