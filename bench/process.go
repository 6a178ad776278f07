package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a server that runs by itself, with the children that it has.
type process struct {
	name string
	addr string // host:port
	cmd  *exec.Cmd
	errs *tail
	done chan struct{} // closed when it has ended

	in  io.WriteCloser // where a server of ours is asked; nil for others
	out *json.Decoder
}

// startOwn starts this program again as one of its servers.
func startOwn(ctx context.Context, name, role string, args ...string) (*process, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	p := newProcess(ctx, name, self, append([]string{"serve", role}, args...)...)
	if p.in, err = p.cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(bufio.NewReader(out))
	if err := p.start(); err != nil {
		return nil, err
	}
	var c counters
	if err := p.out.Decode(&c); err != nil {
		p.stop()
		return nil, fmt.Errorf("%s did not start: %s", name, p.errs)
	}
	p.addr = c.Addr
	return p, nil
}

// startOther starts another's server and waits until it answers at addr.
func startOther(ctx context.Context, name, addr, program string, args ...string) (*process, error) {
	p := newProcess(ctx, name, program, args...)
	p.addr = addr
	if err := p.start(); err != nil {
		return nil, err
	}
	for range 200 {
		conn, err := net.Dial("tcp", addr)
		if err == nil {
			return p, conn.Close()
		}
		select {
		case <-p.done:
			return nil, fmt.Errorf("%s ended at once: %s", name, p.errs)
		case <-time.After(50 * time.Millisecond):
		}
	}
	p.stop()
	return nil, fmt.Errorf("%s does not answer at %s after 10 s: %s", name, addr, p.errs)
}

func newProcess(ctx context.Context, name, program string, args ...string) *process {
	p := &process{name: name, cmd: exec.CommandContext(ctx, program, args...), errs: &tail{}, done: make(chan struct{})}
	p.cmd.Stderr = p.errs
	p.cmd.Cancel = func() error { return p.cmd.Process.Signal(syscall.SIGTERM) } // nginx takes its workers along
	p.cmd.WaitDelay = 3 * time.Second
	return p
}

func (p *process) start() error {
	if err := p.cmd.Start(); err != nil {
		return fmt.Errorf("%s: %w", p.name, err)
	}
	go func() { // ends with the process
		_ = p.cmd.Wait() // how it ended is seen by who talks to it
		close(p.done)
	}()
	return nil
}

// stop ends the process and waits for it.
func (p *process) stop() {
	if p.in != nil {
		_ = p.in.Close() // a server of ours ends with its input
	} else {
		_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may be gone
	}
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill() // it may be gone
		<-p.done
	}
}

// ask asks a server of ours for its counters.
func (p *process) ask(what string) (c counters, err error) {
	if _, err = fmt.Fprintln(p.in, what); err == nil {
		err = p.out.Decode(&c)
	}
	if err != nil {
		err = fmt.Errorf("%s does not answer: %w: %s", p.name, err, p.errs)
	}
	return c, err
}

// pids are the process and its children.
func (p *process) pids() []string {
	own := strconv.Itoa(p.cmd.Process.Pid)
	children, err := os.ReadFile(filepath.Join("/proc", own, "task", own, "children"))
	if err != nil {
		return []string{own} // what is asked of it next will say that it is gone
	}
	return append([]string{own}, strings.Fields(string(children))...)
}

// cpu is the time spent on processors so far, by all threads. The kernel's
// scheduler counts it in nanoseconds; /proc/PID/stat has ticks of 10 ms.
func (p *process) cpu() (time.Duration, error) {
	var sum time.Duration
	for _, pid := range p.pids() {
		threads, err := filepath.Glob("/proc/" + pid + "/task/*/schedstat")
		if err != nil {
			return 0, err
		}
		if len(threads) == 0 {
			return 0, fmt.Errorf("%s: its CPU time cannot be read: it has ended, or the kernel keeps no /proc/PID/schedstat: %s", p.name, p.errs)
		}
		for _, name := range threads {
			b, err := os.ReadFile(name)
			if errors.Is(err, os.ErrNotExist) || errors.Is(err, syscall.ESRCH) {
				continue // the thread has just ended
			}
			if err != nil {
				return 0, err
			}
			spent, _, _ := strings.Cut(string(b), " ")
			ns, err := strconv.ParseInt(spent, 10, 64)
			if err != nil {
				return 0, fmt.Errorf("%s: %w", name, err)
			}
			sum += time.Duration(ns)
		}
	}
	return sum, nil
}

// memory is what is in main memory now, and was at most since forgetPeak, both
// in bytes and summed over the children.
func (p *process) memory() (now, peak int64, err error) {
	for _, pid := range p.pids() {
		b, err := os.ReadFile("/proc/" + pid + "/status")
		if err != nil {
			return 0, 0, fmt.Errorf("%s: %w", p.name, err)
		}
		now += statusBytes(string(b), "VmRSS:")
		peak += statusBytes(string(b), "VmHWM:")
	}
	return now, peak, nil
}

func statusBytes(status, field string) int64 {
	_, after, _ := strings.Cut(status, field)
	words := strings.Fields(after)
	if len(words) == 0 {
		return 0 // a process that has just ended has no memory
	}
	kb, _ := strconv.ParseInt(words[0], 10, 64) // the kernel writes numbers
	return kb << 10
}

// forgetPeak starts the peak of memory anew, from what is used now.
func (p *process) forgetPeak() error {
	for _, pid := range p.pids() {
		if err := os.WriteFile("/proc/"+pid+"/clear_refs", []byte("5"), 0); err != nil {
			return fmt.Errorf("%s: the peak of its memory cannot be reset: %w", p.name, err)
		}
	}
	return nil
}

// tail keeps the last of what a process complains about.
type tail struct {
	mu  sync.Mutex
	buf []byte
}

const tailSize = 4 << 10 // bytes

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.buf = append(t.buf, p...)
	t.buf = t.buf[max(0, len(t.buf)-tailSize):]
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if text := strings.TrimSpace(string(t.buf)); text != "" {
		return text
	}
	return "it said nothing"
}

// freeAddr is an address on which nobody listens now.
func freeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}
