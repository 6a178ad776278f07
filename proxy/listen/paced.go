package listen

import (
	"errors"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"
)

// paced is a connection whose peer must keep moving while it owes something. It
// lies below TLS, where a write that timed out half-way can go on.
//
// Deadlines that net/http or a handler sets are left alone: only where there is
// none does paced set its own. It moves one only when it is off by an eighth,
// which makes a deadline cost a system call's fraction every few seconds.
type paced struct {
	net.Conn
	closed func() // told once

	wanted  bool        // a request's body is being read; of the reading goroutine
	foreign atomic.Bool // the connection went to another protocol

	read, write pace
	once        sync.Once
}

// pace is one direction.
type pace struct {
	patience
	set    func(time.Time) error
	mu     sync.Mutex
	theirs bool      // a deadline was set from outside
	armed  time.Time // ours; zero for none
}

func newPaced(c net.Conn, l Limits, closed func()) *paced {
	p := &paced{Conn: c, closed: closed}
	p.read.patience, p.read.set = newPatience(l.Body, l.Floor), c.SetReadDeadline
	p.write.patience, p.write.set = newPatience(l.Write, l.Floor), c.SetWriteDeadline
	return p
}

// arm sets a deadline where nobody else has; false where somebody has.
func (p *pace) arm(now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.theirs {
		return false
	}
	until := now.Add(p.left)
	if off := until.Sub(p.armed); off < p.most/8 && off > -p.most/8 {
		return true
	}
	p.armed = until
	_ = p.set(until) // a connection that cannot will fail to read or write
	return true
}

// disarm takes our deadline back.
func (p *pace) disarm() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.armed.IsZero() {
		p.armed = time.Time{}
		_ = p.set(time.Time{}) // as above
	}
}

// outside sets a deadline that is not ours.
func (p *pace) outside(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.theirs, p.armed = !t.IsZero(), time.Time{}
	return p.set(t)
}

// want says whether the next read is for a body.
func (c *paced) want(body bool) {
	if c.wanted && !body {
		c.read.disarm()
	}
	c.wanted = body
}

// handOver ends all limits: another protocol has its own.
func (c *paced) handOver() {
	c.foreign.Store(true)
	c.read.disarm()
	c.write.disarm()
}

func (c *paced) Read(p []byte) (int, error) {
	if !c.wanted || c.foreign.Load() {
		return c.Conn.Read(p)
	}
	start := time.Now()
	c.read.arm(start)
	n, err := c.Conn.Read(p)
	c.read.spend(time.Since(start), n)
	return n, err
}

func (c *paced) Write(p []byte) (n int, err error) {
	if c.foreign.Load() {
		return c.Conn.Write(p)
	}
	for {
		start := time.Now()
		ours := c.write.arm(start)
		m, err := c.Conn.Write(p[n:])
		n += m
		c.write.spend(time.Since(start), m)
		if err == nil || !ours || m == 0 || c.write.gone() || !errors.Is(err, os.ErrDeadlineExceeded) {
			return n, err
		}
	}
}

func (c *paced) SetDeadline(t time.Time) error {
	return errors.Join(c.read.outside(t), c.write.outside(t))
}

func (c *paced) SetReadDeadline(t time.Time) error { return c.read.outside(t) }

func (c *paced) SetWriteDeadline(t time.Time) error { return c.write.outside(t) }

// CloseWrite ends our side; where the connection cannot, it does nothing.
func (c *paced) CloseWrite() error {
	if half, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return half.CloseWrite()
	}
	return nil
}

func (c *paced) Close() error {
	c.once.Do(c.closed)
	return c.Conn.Close()
}
