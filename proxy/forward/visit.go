package forward

import (
	"errors"
	"net"
	"sync/atomic"
	"time"
)

// stallLimit is how long a browser may take nothing of what it asked for.
const stallLimit = 2 * time.Minute

// visit is a browser's connection after its CONNECT. A browser that stops
// reading loses it; a deadline that somebody else sets is left alone.
type visit struct {
	net.Conn
	host, port string // of a listed host
	first      []byte // was read already

	theirs atomic.Bool  // a write deadline was set from outside
	armed  atomic.Int64 // when ours was set, in Unix nanoseconds
}

func (v *visit) Read(p []byte) (int, error) {
	if len(v.first) > 0 && len(p) > 0 {
		n := copy(p, v.first)
		v.first = v.first[n:]
		return n, nil
	}
	return v.Conn.Read(p)
}

func (v *visit) Write(p []byte) (int, error) {
	if now := time.Now(); !v.theirs.Load() && now.UnixNano()-v.armed.Load() > int64(stallLimit/16) {
		v.armed.Store(now.UnixNano())
		_ = v.Conn.SetWriteDeadline(now.Add(stallLimit)) // a closed one fails to write
	}
	return v.Conn.Write(p)
}

// SetWriteDeadline implements net.Conn.
func (v *visit) SetWriteDeadline(t time.Time) error {
	v.theirs.Store(!t.IsZero())
	v.armed.Store(0)
	return v.Conn.SetWriteDeadline(t)
}

// SetDeadline implements net.Conn.
func (v *visit) SetDeadline(t time.Time) error {
	return errors.Join(v.SetReadDeadline(t), v.SetWriteDeadline(t))
}
