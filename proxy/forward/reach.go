package forward

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

var (
	errForbidden = errors.New("this address is not tunnelled to")
	errBusy      = errors.New("too many tunnels")
)

// The time limits of connections to other hosts.
const (
	dialLimit = 10 * time.Second
	idleLimit = 10 * time.Minute // without a byte in either direction
)

// reach connects to other hosts: to the ports that are allowed, to no address
// of the inside, and to a bounded number. Addresses are checked when they are
// connected to, so that a name cannot lead elsewhere after the check.
type reach struct {
	ports   []int
	most    int
	allowed func(netip.Addr) bool

	mu     sync.Mutex
	open   map[*away]bool
	taken  int // open, or being opened
	closed bool
}

func newReach(o Options) *reach {
	return &reach{ports: o.Ports, most: o.Tunnels, open: map[*away]bool{}, allowed: func(ip netip.Addr) bool {
		return !inner(ip) && (o.AllowPrivate || !private(ip)) && !isSelf(ip)
	}}
}

// dial implements the dial function of transports.
func (r *reach) dial(ctx context.Context, network, addr string) (net.Conn, error) {
	_, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, err
	}
	if n, err := strconv.Atoi(port); err != nil || !slices.Contains(r.ports, n) {
		return nil, fmt.Errorf("port %s: %w", port, errForbidden)
	}
	if !r.take() {
		return nil, errBusy
	}
	d := net.Dialer{Timeout: dialLimit, Control: func(_, address string, _ syscall.RawConn) error {
		to, err := netip.ParseAddrPort(address)
		if err != nil || !r.allowed(to.Addr().Unmap().WithZone("")) {
			return fmt.Errorf("%s: %w", address, errForbidden)
		}
		return nil
	}}
	c, err := d.DialContext(ctx, network, addr)
	if err != nil {
		r.release(nil)
		return nil, err
	}
	return r.keep(c)
}

func (r *reach) take() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed || r.taken >= r.most {
		return false
	}
	r.taken++
	return true
}

func (r *reach) keep(c net.Conn) (net.Conn, error) {
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		return nil, errors.Join(errors.New("no TCP connection"), c.Close())
	}
	a := &away{TCPConn: tcp, of: r}
	a.active.Store(time.Now().UnixNano())
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		_ = tcp.Close() // nothing was sent on it
		return nil, net.ErrClosed
	}
	r.open[a] = true
	return a, nil
}

func (r *reach) release(a *away) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if a == nil || r.open[a] {
		delete(r.open, a)
		r.taken--
	}
}

func (r *reach) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	for a := range r.open {
		_ = a.TCPConn.Close() // what is cut off has nothing to tell
	}
}

// away is a connection to another host. It ends when no byte moved for
// idleLimit: goproxy sets no limits.
type away struct {
	*net.TCPConn
	of     *reach
	active atomic.Int64
}

func (a *away) Read(p []byte) (int, error) {
	for {
		start := time.Now()
		_ = a.SetReadDeadline(start.Add(idleLimit)) // a closed one fails to read
		n, err := a.TCPConn.Read(p)
		if n > 0 {
			a.active.Store(time.Now().UnixNano())
		}
		// A long wait is no fault while bytes go the other way.
		if n > 0 || !errors.Is(err, os.ErrDeadlineExceeded) || a.active.Load() < start.UnixNano() {
			return n, err
		}
	}
}

func (a *away) Write(p []byte) (int, error) {
	_ = a.SetWriteDeadline(time.Now().Add(idleLimit)) // as in Read
	n, err := a.TCPConn.Write(p)
	if n > 0 {
		a.active.Store(time.Now().UnixNano())
	}
	return n, err
}

// Close implements net.Conn.
func (a *away) Close() error {
	a.of.release(a)
	return a.TCPConn.Close()
}
