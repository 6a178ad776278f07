package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"
)

// counters are what a server of ours tells about itself.
type counters struct {
	Addr        string // host:port that it listens on
	Allocations uint64 // since it started
	Bytes       uint64 // allocated since it started
	Accepted    int64  // connections since it started
	Lost        int    // copies of assets given up since it started
}

const (
	askCounters = "counters" // tell the counters
	askFree     = "free"     // give unused memory back first
)

// roles are the servers that this program can be, each in a process of its own
// so that its CPU time and memory can be told from the others'.
func roles() map[string]func(args []string) (http.Handler, error) {
	return map[string]func([]string) (http.Handler, error){
		"site": func([]string) (http.Handler, error) { return newSite(), nil },
		"plain": func(args []string) (http.Handler, error) {
			return plainProxy(args[0])
		},
		"ours": newOurs,
	}
}

// serve runs a server until its standard input ends, and answers there what it
// is asked, a line of JSON each time; the first comes unasked.
func serve(role string, args []string, in io.Reader, out io.Writer) error {
	makeHandler, ok := roles()[role]
	if !ok {
		return fmt.Errorf("serve %s: no such server", role)
	}
	handler, err := makeHandler(args)
	if err != nil {
		return fmt.Errorf("serve %s: %w", role, err)
	}
	plain, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	l := &countingListener{Listener: plain}
	failed := make(chan error, 1)
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	go func() { failed <- server.Serve(l) }() // ends with the process
	told := make(chan error, 1)
	go func() { told <- tell(l, handler, in, out) }() // ends with the process
	select {
	case err = <-failed:
	case err = <-told:
	}
	return errors.Join(err, server.Close())
}

// tell answers until in ends.
func tell(l *countingListener, handler http.Handler, in io.Reader, out io.Writer) error {
	enc := json.NewEncoder(out)
	if err := enc.Encode(counters{Addr: l.Addr().String()}); err != nil {
		return err
	}
	for lines := bufio.NewScanner(in); lines.Scan(); {
		if lines.Text() == askFree {
			debug.FreeOSMemory()
		}
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		c := counters{Addr: l.Addr().String(), Allocations: m.Mallocs, Bytes: m.TotalAlloc, Accepted: l.accepted.Load()}
		if o, ok := handler.(ours); ok {
			c.Lost = o.lost()
		}
		if err := enc.Encode(c); err != nil {
			return err
		}
	}
	return nil
}

type countingListener struct {
	net.Listener
	accepted atomic.Int64
}

func (l *countingListener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err == nil {
		l.accepted.Add(1)
	}
	return c, err
}
