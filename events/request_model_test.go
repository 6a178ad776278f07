package events

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"
)

// TestRequestsUnderAnySchedule plays the real hub against simulated browsers and
// consoles in orders that a seed decides: delays, broken connections, frames
// sent twice, killed gateways that lose what their log had not kept, clocks that
// jump. Whatever happens, judge and compare say what must hold.
// PILLION_SCHEDULES sets how many, PILLION_SEED which one alone.
func TestRequestsUnderAnySchedule(t *testing.T) {
	schedules := 2000
	if n, err := strconv.Atoi(os.Getenv("PILLION_SCHEDULES")); err == nil {
		schedules = n
	}
	var sum tally
	run := func(seed uint64) {
		w := newWorld(t, seed)
		defer w.hub.Close()
		for range 300 {
			if w.over || w.wrong != "" {
				break
			}
			w.step()
		}
		if w.wrong == "" {
			w.settle()
		}
		if w.wrong == "" {
			w.judge(&sum)
		}
		if w.wrong != "" {
			t.Errorf("seed %d: %s\n%s", seed, w.wrong, w.dump())
		}
	}
	if seed, err := strconv.ParseUint(os.Getenv("PILLION_SEED"), 10, 64); err == nil {
		run(seed)
		return
	}
	for seed := range uint64(schedules) {
		if run(seed); t.Failed() {
			return
		}
	}
	t.Logf("%+v", sum)
	for name, n := range map[string]int{
		"confirmed": sum.confirmed, "denied by the browser": sum.denied, "denied by the gateway": sum.refused, "locks": sum.locks,
		"killed gateways": sum.kills, "pages given up": sum.voids, "sessions over": sum.over,
	} {
		if n < schedules/100 {
			t.Errorf("only %d %s: the schedules do not get there", n, name)
		}
	}
}

type tally struct{ confirmed, denied, refused, locks, kills, voids, over int }

type world struct {
	t     *testing.T
	rnd   *rand.Rand
	clock *clock
	disk  []Record
	log   *heldLog
	dir   *fenced
	hub   *Hub
	id    SessionID

	conns []*conn
	tabs  []*tab // that are open
	all   []*tab
	desks []*desk
	names int
	edits int
	refs  int
	asked map[string]int    // which field a value is for
	sent  map[uint64]string // values by the requests that reached a browser

	over  bool
	kills int
	wrong string
	trace []string
}

func (w *world) fault(format string, args ...any) {
	if w.wrong == "" {
		w.wrong = fmt.Sprintf(format, args...)
	}
}

func (w *world) note(format string, args ...any) {
	w.trace = append(w.trace, fmt.Sprintf(format, args...))
}

func newWorld(t *testing.T, seed uint64) *world {
	w := &world{
		t: t, rnd: rand.New(rand.NewPCG(seed, 1)), clock: &clock{now: time.Unix(1_800_000_000, 0)},
		dir: &fenced{MemDirectory: NewMemDirectory()}, asked: map[string]int{}, sent: map[uint64]string{},
	}
	w.open()
	s, err := w.hub.Start(t.Context(), SessionInfo{Org: "o"})
	if err != nil {
		t.Fatal(err)
	}
	w.id = s.info.ID
	first := w.newTab("tab1")
	w.calm()
	for i, who := range []Account{ann, {Name: "Bob", Org: "o", Role: RoleAgent}} {
		code, _ := s.Code()
		if _, err := w.hub.Redeem(who, string(code)); err != nil {
			t.Fatal(err)
		}
		for range 2 - i {
			w.desks = append(w.desks, &desk{w: w, who: who})
		}
		first.text(FromUser{Type: "consent", Participant: ParticipantNo(i + 2), Allow: true, Level: LevelAct})
		w.calm()
		w.desks[0].text(FromAgent{Type: "invite"})
		w.calm()
	}
	return w
}

// open starts a gateway on what is kept.
func (w *world) open() {
	w.log, w.dir = &heldLog{w: w, next: Offset(len(w.disk))}, &fenced{MemDirectory: w.dir.MemDirectory}
	h, err := NewHub(w.t.Context(), HubOptions{Log: w.log, Directory: w.dir, Key: []byte("0123456789abcdef"), Now: w.clock.Now})
	if err != nil {
		w.t.Fatal(err)
	}
	w.hub, w.conns = h, nil
}

// restart ends a gateway and starts another; a killed one loses what was not kept.
func (w *world) restart(killed bool) {
	w.note("restart, killed: %v", killed)
	if killed {
		w.kills++
		w.log.dead = true
		w.dir.dead.Store(true)
		for _, c := range w.conns {
			c.wire.cutOff(0, w.rnd.IntN(3))
		}
	}
	w.hub.Close()
	if !killed {
		w.log.keep(len(w.log.queue))
		for _, c := range w.conns {
			c.wire.cutOff(0, 1000)
		}
	}
	w.open()
}

func (w *world) session() *Session { return w.hub.Session(w.id) }

func (w *world) newTab(name string) *tab {
	t := &tab{w: w, name: name, sent: map[PageID][]sentFrame{}, ackedOf: map[PageID]uint64{}, locks: map[int]held{}, known: map[uint64]bool{}}
	w.tabs, w.all = append(w.tabs, t), append(w.all, t)
	w.connect(t)
	return t
}

// connect opens a tab's connection; the gateway hears of it when hello arrives.
func (w *world) connect(t *tab) {
	c := &wire{}
	hello := FromUser{Type: "hello", Page: t.page, URL: "http://site/", Tab: t.name}
	t.wire, t.up = c, false
	var link *UserLink
	w.conns = append(w.conns, &conn{wire: c, take: func(b []byte) (err error) {
		switch {
		case b == nil:
			if w.session() == nil {
				w.over = true
				return forbidden("over")
			}
			link, err = w.session().AttachUser(c, hello)
			return err
		case b[0] == '{':
			return link.Text(b)
		}
		return link.Binary(b)
	}, gone: func() {
		if link != nil {
			link.Gone()
		}
	}})
	c.up = [][]byte{nil}
}

// step is one thing that happens.
func (w *world) step() {
	tab, desk := w.tabs[w.rnd.IntN(len(w.tabs))], w.desks[w.rnd.IntN(len(w.desks))]
	field := w.rnd.IntN(fields3)
	switch n := w.rnd.IntN(100); {
	case n < 30:
		if len(w.conns) > 0 {
			w.arrive(w.conns[w.rnd.IntN(len(w.conns))])
		}
	case n < 45:
		w.hearTab(tab)
	case n < 58:
		w.hearDesk(desk)
	case n < 70:
		w.log.keep(1 + w.rnd.IntN(4))
	case n < 76:
		w.ask(desk, field)
	case n < 79:
		if tab.live {
			tab.edit(field)
		}
	case n < 90:
		w.goOn(tab, w.rnd.IntN(4) > 0)
	case n < 94:
		tab.flush()
	case n < 96:
		w.pass([]time.Duration{50 * time.Millisecond, 300 * time.Millisecond, 2 * time.Second, 3 * time.Second, 11 * time.Second, 31 * time.Second, -4 * time.Second}[w.rnd.IntN(7)])
	default:
		w.upset(tab, desk)
	}
}

// goOn is what a user or browser does of what is open.
func (w *world) goOn(t *tab, allow bool) {
	for _, r := range t.open {
		if r.asked {
			t.answer(r, allow)
			break
		}
	}
	if t.doing != nil {
		t.act()
	}
	t.tick()
}

// upset is what happens seldom.
func (w *world) upset(t *tab, d *desk) {
	switch w.rnd.IntN(13) {
	case 0, 1:
		t.wire.cutOff(w.rnd.IntN(4), w.rnd.IntN(4))
	case 2:
		d.cut(w.rnd.IntN(3), w.rnd.IntN(3))
	case 3:
		w.restart(w.rnd.IntN(3) > 0)
	case 4:
		if len(t.unsent) > 0 && t.up { // a frame twice
			t.send(t.unsent[0])
		}
	case 5:
		if t.live && t.up {
			t.choose(levels[w.rnd.IntN(len(levels))])
		}
	case 6: // the page in this tab is another now
		w.leave(t)
		w.newTab(t.name)
	case 7:
		if w.names++; len(w.tabs) < 2 {
			w.newTab(fmt.Sprint("more", w.names))
		} else if w.rnd.IntN(2) == 0 {
			w.leave(t)
		}
	case 8:
		t.text(FromUser{Type: "visible"})
	case 9:
		if t.live { // a digest that differs: the page is sent again
			t.batch = append(t.batch, PageEvent{Op: OpDigest, N: [4]int64{1}})
		}
	case 10: // frames that change nothing are taken and not kept
		if t.live && w.rnd.IntN(2) == 0 {
			t.frame(KindLock, mustJSON(Lock{99, true, userNo}))
		} else if t.live {
			t.frame(KindEventConfirmation, mustJSON(EventConfirmation{Request: 1 << 40, Outcome: Confirmed}))
		}
	case 12:
		d.text(FromAgent{Type: "hand", To: 2 + ParticipantNo(w.rnd.IntN(2))})
	case 11:
		if d.text(FromAgent{Type: "take"}); w.rnd.IntN(10) == 0 {
			t.text(FromUser{Type: "end"})
		}
	}
}

// leave closes a tab: what it sent arrives, or some of it.
func (w *world) leave(t *tab) {
	w.note("page %d leaves", t.page)
	t.wire.cutOff(w.rnd.IntN(8), 0)
	w.tabs = slices.DeleteFunc(w.tabs, func(o *tab) bool { return o == t })
	if len(w.tabs) == 0 {
		w.names++
		w.newTab(fmt.Sprint("more", w.names))
	}
}

func (w *world) ask(d *desk, field int) {
	if d.model == nil {
		return
	}
	w.refs++
	value, ref, seen := fmt.Sprint("q", w.refs), fmt.Sprint(w.refs), d.seen
	switch w.rnd.IntN(20) {
	case 0:
		ref = "1"
	case 1:
		seen += 1000
	}
	w.asked[value] = field
	m := FromAgent{Type: "request", Page: d.page, Node: d.node(field), Action: ActionFill, Value: value, Seen: seen, Ref: ref}
	d.text(m)
	if w.rnd.IntN(20) == 0 {
		d.text(m)
	}
}

func (w *world) pass(d time.Duration) {
	if d != time.Second {
		w.note("%s pass", d)
	}
	w.clock.pass(d)
	if s := w.session(); s != nil {
		s.expire(w.clock.Now())
	}
}

// calm lets everything arrive that is on its way, and its answers.
func (w *world) calm() {
	for busy := true; busy && !w.over && w.wrong == ""; {
		busy = w.log.keep(1000)
		for _, c := range slices.Clone(w.conns) {
			busy = w.arrive(c) || busy
		}
		for _, t := range w.tabs {
			busy = w.hearTab(t) || busy
		}
		for _, d := range w.desks {
			busy = w.hearDesk(d) || busy
		}
	}
}

// settle brings everything to its end.
func (w *world) settle() {
	for range 60 {
		w.calm()
		if w.over || w.wrong != "" || w.quiet() {
			break
		}
		for _, t := range w.tabs {
			w.goOn(t, true)
			t.flush()
		}
		w.pass(time.Second)
	}
	if !w.over && w.wrong == "" {
		w.compare()
	}
	w.log.keep(len(w.log.queue))
	if s := w.session(); w.over && s != nil { // its end was lost with a gateway: it is over when nobody comes back
		w.pass(AwayWindow + time.Second)
		w.log.keep(len(w.log.queue))
	}
}

// quiet reports whether nothing waits for anything.
func (w *world) quiet() bool {
	for _, t := range w.tabs {
		if len(t.open) > 0 || len(t.unsent) > 0 || len(t.batch) > 0 {
			return false
		}
	}
	s := w.session()
	return s != nil && len(s.pending) == 0 && s.pages[s.active] != nil && s.pages[s.active].peer != nil
}
