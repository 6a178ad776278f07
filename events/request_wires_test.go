package events

import (
	"context"
	"iter"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// What lies between the parts in TestRequestsUnderAnySchedule, and what is kept.

// wire is a connection: what is on its way in both directions. The gateway has
// it as a Peer.
type wire struct {
	mu     sync.Mutex
	up     [][]byte // to the gateway: a text begins with a brace, a binary frame with its kind
	down   []sent
	closed bool // the gateway has closed it
	cut    bool // nothing passes any more
}

// sent is on its way from the gateway: a message or a record.
type sent struct {
	text   any
	record []byte
}

func (c *wire) SendText(v any)      { c.send(sent{text: v}) }
func (c *wire) SendRecord(b []byte) { c.send(sent{record: b}) }

func (c *wire) send(m sent) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closed && !c.cut {
		c.down = append(c.down, m)
	}
}

func (c *wire) Close(int, string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
}

func (c *wire) next() (m sent, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.down) == 0 {
		return m, false
	}
	m, c.down = c.down[0], c.down[1:]
	return m, true
}

// push sends to the gateway.
func (c *wire) push(b []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.cut {
		c.up = append(c.up, b)
	}
}

// cutOff breaks the wire: of what is on its way, so much arrives.
func (c *wire) cutOff(up, down int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = true
	c.up, c.down = c.up[:min(up, len(c.up))], c.down[:min(down, len(c.down))]
}

// lost reports whether an end of the wire would notice that it is over.
func (c *wire) lost() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return (c.cut || c.closed) && len(c.down) == 0
}

// heldLog is a Log of one session that keeps what it is told to, when it is told to.
type heldLog struct {
	w     *world
	queue []func()
	next  Offset
	dead  bool
}

func (l *heldLog) Append(_ SessionID, records []Record, done func(error)) {
	if l.dead {
		return
	}
	for _, r := range records {
		if l.next++; r.Offset != l.next {
			l.w.fault("offset %d where %d follows", r.Offset, l.next)
		}
	}
	l.queue = append(l.queue, func() {
		l.w.disk = append(l.w.disk, records...)
		done(nil)
	})
}

func (l *heldLog) keep(n int) (any bool) {
	any = len(l.queue) > 0
	for ; n > 0 && len(l.queue) > 0; n-- {
		f := l.queue[0]
		l.queue = l.queue[1:]
		f()
	}
	return any
}

func (l *heldLog) Read(context.Context, SessionID, Offset) iter.Seq2[Record, error] {
	return func(yield func(Record, error) bool) {
		for _, r := range l.w.disk {
			if !yield(r, nil) {
				return
			}
		}
	}
}

func (l *heldLog) Forget(context.Context, SessionID) error { return nil }
func (l *heldLog) Close() error                            { return nil }

// fenced is a directory that a killed gateway cannot write to any more.
type fenced struct {
	*MemDirectory
	dead atomic.Bool
}

func (f *fenced) Put(ctx context.Context, info SessionInfo) error {
	if f.dead.Load() {
		return nil
	}
	return f.MemDirectory.Put(ctx, info)
}

// conn is the gateway's end of a wire.
type conn struct {
	wire *wire
	take func(b []byte) error
	gone func()
}

// arrive lets the gateway take what comes next on a wire, or notice its end.
func (w *world) arrive(c *conn) bool {
	c.wire.mu.Lock()
	var b []byte
	some := len(c.wire.up) > 0 && !c.wire.closed
	if some {
		b, c.wire.up = c.wire.up[0], c.wire.up[1:]
	}
	over := !some && (c.wire.closed || c.wire.cut)
	c.wire.mu.Unlock()
	switch {
	case over:
		w.note("a wire is over")
		w.conns = slices.DeleteFunc(w.conns, func(o *conn) bool { return o == c })
		c.gone()
	case some:
		if err := c.take(b); err != nil {
			w.note("refused: %v", err)
			if strings.Contains(err.Error(), "missing") || strings.Contains(err.Error(), "malformed") {
				w.fault("%v", err)
			}
			c.wire.Close(0, "")
		}
	}
	return over || some
}

func (w *world) hearTab(t *tab) bool {
	if m, ok := t.wire.next(); ok {
		w.note("%s page %d hears %s", t.name, t.page, mustJSON(m.text))
		t.hear(m.text.(ToUser))
		return true
	}
	if !t.wire.lost() {
		return false
	}
	t.wire.cutOff(w.rnd.IntN(3), 0)
	w.connect(t)
	return true
}

func (w *world) hearDesk(d *desk) bool {
	if d.wire == nil {
		d.connect()
		return true
	}
	if m, ok := d.wire.next(); ok {
		d.hear(m)
		return true
	}
	if !d.wire.lost() {
		return false
	}
	d.wire.cutOff(0, 0)
	d.wire = nil
	return true
}
