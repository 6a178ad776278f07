package events

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

// fakePeer records what it is sent.
type fakePeer struct {
	mu      sync.Mutex
	texts   []string
	records []Record
	closed  int
}

func (p *fakePeer) SendText(v any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	b, _ := json.Marshal(v)
	p.texts = append(p.texts, string(b))
}

func (p *fakePeer) SendRecord(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, err := DecodeRecord(b)
	if err != nil {
		panic(err)
	}
	p.records = append(p.records, r)
}

func (p *fakePeer) Close(code int, _ string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = code
}

// waitText waits until a text that contains all parts was sent.
func (p *fakePeer) waitText(t *testing.T, parts ...string) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		p.mu.Lock()
	next:
		for _, s := range p.texts {
			for _, part := range parts {
				if !strings.Contains(s, part) {
					continue next
				}
			}
			p.mu.Unlock()
			return
		}
		p.mu.Unlock()
	}
	t.Fatalf("no text with %q among %q", parts, p.texts)
}

func (p *fakePeer) kinds() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	var out []string
	for _, r := range p.records {
		out = append(out, fmt.Sprint(r.Kind))
	}
	return strings.Join(out, " ")
}

func (p *fakePeer) code() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.closed
}

// heard reports whether a text was sent that contains all parts.
func (p *fakePeer) heard(parts ...string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
next:
	for _, s := range p.texts {
		for _, part := range parts {
			if !strings.Contains(s, part) {
				continue next
			}
		}
		return true
	}
	return false
}

// forget drops what was sent so far.
func (p *fakePeer) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.texts, p.records = nil, nil
}

// everything is all that was sent, as text.
func (p *fakePeer) everything() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := strings.Join(p.texts, "\n")
	for _, r := range p.records {
		out += "\n" + string(r.Payload)
	}
	return out
}

type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

type stage struct {
	*Hub
	clock *clock
	log   Log
	dir   *MemDirectory
	ended chan SessionInfo
	meter *counter
}

// counter is a Meter for tests.
type counter struct {
	noMeter
	mu               sync.Mutex
	drifts, requests int
	denied           map[Reason]int
}

func (c *counter) Drift() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.drifts++
}

func (c *counter) Request() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.requests++
}

func (c *counter) Denied(why Reason) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.denied[why]++
}

func (c *counter) of(why Reason) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.denied[why]
}

func newStage(t *testing.T) *stage {
	t.Helper()
	s := &stage{clock: &clock{now: time.Now()}, log: NewMemLog(), dir: NewMemDirectory(), ended: make(chan SessionInfo, 10), meter: &counter{denied: map[Reason]int{}}}
	s.restart(t)
	return s
}

// restart puts a new hub in place, as after a killed gateway.
func (s *stage) restart(t *testing.T) {
	t.Helper()
	h, err := NewHub(t.Context(), HubOptions{
		Log: s.log, Directory: s.dir, Key: []byte("0123456789abcdef"), Now: s.clock.Now,
		Ended: func(i SessionInfo) { s.ended <- i }, Meter: s.meter,
		Link: func(_ OrgID, code JoinCode) string { return "http://site/#pillion=" + string(code) },
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Hub = h
	t.Cleanup(h.Close)
}

var ann = Account{Name: "Ann", Org: "o", Role: RoleAgent}

func frame(kind Kind, seq uint64, payload []byte) []byte {
	b := binary.AppendUvarint([]byte{byte(kind)}, seq)
	return append(binary.AppendUvarint(b, 0), payload...)
}

// live brings a session to where the agent sees the page.
func (s *stage) live(t *testing.T) (*Session, *UserLink, *AgentLink, *fakePeer, *fakePeer) {
	t.Helper()
	session, err := s.Start(t.Context(), SessionInfo{Org: "o", URL: "http://site/"})
	if err != nil {
		t.Fatal(err)
	}
	user, agent := &fakePeer{}, &fakePeer{}
	ul, err := session.AttachUser(user, FromUser{Type: "hello", URL: "http://site/"})
	if err != nil {
		t.Fatal(err)
	}
	if err := ul.Binary(frame(KindPageState, 1, samplePage().Append(nil))); err == nil {
		t.Fatal("a page was taken without consent")
	}
	code, _ := session.Code()
	if _, err := s.Redeem(ann, " "+code.Grouped()); err != nil {
		t.Fatal(err)
	}
	al, err := session.AttachAgent(agent, ann)
	if err != nil {
		t.Fatal(err)
	}
	user.waitText(t, `"join"`, `"name":"Ann"`)
	if err := ul.Text([]byte(`{"type":"consent","participant":2,"allow":true,"level":"act"}`)); err != nil {
		t.Fatal(err)
	}
	user.waitText(t, `"start"`)
	if err := ul.Binary(frame(KindPageState, 1, samplePage().Append(nil))); err != nil {
		t.Fatal(err)
	}
	user.waitText(t, `"ack"`, `"seq":1`)
	return session, ul, al, user, agent
}

// play is a session that is live: the user on one page, Ann with control.
type play struct {
	*stage
	t       *testing.T
	session *Session
	ul      *UserLink
	al      *AgentLink
	user    *fakePeer
	ann     *fakePeer
	seq     uint64 // of the user's page
	refs    int
}

func newPlay(t *testing.T) *play {
	t.Helper()
	p := &play{stage: newStage(t), t: t, seq: 1}
	p.session, p.ul, p.al, p.user, p.ann = p.live(t)
	p.idle()
	return p
}

// idle waits until the log has kept everything, and said so.
func (p *play) idle() {
	p.t.Helper()
	l := p.log.(*MemLog)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Microsecond) {
		l.mu.Lock()
		n := len(l.calls)
		l.mu.Unlock()
		if n == 0 {
			return
		}
	}
	p.t.Fatal("the log does not come to rest")
}

// again puts a new gateway in place; nobody is connected to it.
func (p *play) again() {
	p.t.Helper()
	p.idle()
	p.restart(p.t)
	if p.session = p.Session(p.session.info.ID); p.session == nil {
		p.t.Fatal("the session was not restored")
	}
}

// page connects one of the user's pages.
func (p *play) page(hello FromUser) (*UserLink, *fakePeer) {
	p.t.Helper()
	peer := &fakePeer{}
	link, err := p.session.AttachUser(peer, hello)
	if err != nil {
		p.t.Fatal(err)
	}
	return link, peer
}

// console connects a console.
func (p *play) console(who Account) (*AgentLink, *fakePeer) {
	p.t.Helper()
	peer := &fakePeer{}
	link, err := p.session.AttachAgent(peer, who)
	if err != nil {
		p.t.Fatal(err)
	}
	return link, peer
}

// says sends a message of the user's or an agent's.
func (p *play) says(link interface{ Text([]byte) error }, format string, args ...any) {
	p.t.Helper()
	if err := link.Text(fmt.Appendf(nil, format, args...)); err != nil {
		p.t.Fatalf("%s: %v", fmt.Sprintf(format, args...), err)
	}
	p.idle()
}

// sends sends the next frame of the user's first page.
func (p *play) sends(kind Kind, payload []byte) {
	p.t.Helper()
	p.seq++
	if err := p.ul.Binary(frame(kind, p.seq, payload)); err != nil {
		p.t.Fatal(err)
	}
	p.idle()
}

// asks sends a request of Ann's that is in order, or of another's; its ref is returned.
func (p *play) asks(link *AgentLink, change func(*FromAgent)) string {
	p.t.Helper()
	p.refs++
	m := FromAgent{Type: "request", Page: 1, Node: 30, Action: ActionFill, Value: "v", Seen: p.offset(), Ref: fmt.Sprint("ref", p.refs)}
	if change != nil {
		change(&m)
	}
	p.says(link, "%s", mustJSON(m))
	return m.Ref
}

func (p *play) offset() Offset {
	p.session.mu.Lock()
	defer p.session.mu.Unlock()
	return p.session.offset
}

// records are the log's.
func (p *play) records() (list []Record) {
	p.t.Helper()
	p.idle()
	for r, err := range p.log.Read(p.t.Context(), p.session.info.ID, 0) {
		if err != nil {
			p.t.Fatal(err)
		}
		list = append(list, r)
	}
	return list
}

// answers are what the log says of a request: one answer, if any.
func (p *play) answers(id uint64) (list []EventConfirmation) {
	for _, r := range p.records() {
		var c EventConfirmation
		if r.Kind == KindEventConfirmation && json.Unmarshal(r.Payload, &c) == nil && c.Request == id {
			list = append(list, c)
		}
	}
	return list
}

// brings lets another person in by an invitation of Ann's, up to the question.
func (p *play) brings(who Account) (*AgentLink, *fakePeer) {
	p.t.Helper()
	p.says(p.al, `{"type":"invite"}`)
	code, _ := p.session.Code()
	if _, err := p.Redeem(who, string(code)); err != nil {
		p.t.Fatal(err)
	}
	return p.console(who)
}

// allowsBob is the user's yes to the second person.
func (p *play) allowsBob() {
	p.t.Helper()
	p.says(p.ul, `{"type":"consent","participant":3,"allow":true}`)
}
