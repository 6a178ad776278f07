package proxy

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/pillion-dev/pillion/rewrite"
)

const (
	// maxWhole bounds the pages that are held until they are whole, to be sent
	// with a Content-Length and in one write: 435 µs less for 400 KB than chunks.
	maxWhole = 512 << 10
	// maxUnknown is the same for pages of unknown length.
	maxUnknown = 128 << 10
	// patience is how long what is ready waits for more.
	patience = 10 * time.Millisecond
	// window is how much of a larger page is under way at once.
	window = 32 << 10

	// A page that unfolds to more than maxRatio times its size, and to more than
	// minRatio bytes, is passed as it came: compressed bombs do, pages do not.
	maxRatio = 200
	minRatio = 1 << 20
	// maxDecoded ends a page that unfolds without end.
	maxDecoded = 1 << 30
)

// rewriter changes a body as it streams.
type rewriter interface {
	io.WriteCloser
	// Done reports whether every byte from here on is copied as it comes.
	Done() bool
	// Altered is by how much the output is longer than the input so far.
	Altered() int
}

// page is a body on its way through a rewriter. What is ready is sent when the
// body is whole, when there is much of it, or when nothing more has come for a
// while; until something was sent, the original can be sent instead.
type page struct {
	mu    sync.Mutex // between the handler and the timer
	timer *time.Timer
	passage
}

// passage is what a page holds of one exchange.
type passage struct {
	g      *Gateway
	x      *exchange
	resp   *http.Response
	header func(h http.Header, coding string) // makes the answer's header that of the changed body
	keep   func() bool                        // whether the whole body stays as it is after all; nil: no
	rw     rewriter
	spoilt bool // the rewriter must not be used again
	failed bool // the body passed as it came because it could not be changed
	eager  bool // what is ready does not wait for the rest
	limit  int  // of what is held

	src    io.Reader // the body, decoded
	raw    *keeper   // the body as it came, where it is coded; nil where not
	in     []byte    // what was read of an uncoded body; all of it while held
	inBuf  *[]byte
	outBuf *[]byte

	// What follows is touched by the timer too, under the lock.
	out       []byte  // ready for the browser
	enc       encoder // nil for none
	coding    string
	committed bool // the header is sent
	ended     bool
	armed     bool
	suspect   bool  // it unfolds as bombs do: nothing is sent before that is known
	err       error // of the way to the browser
}

var pages = sync.Pool{New: func() any {
	p := &page{}
	p.timer = time.AfterFunc(time.Hour, p.tick)
	p.timer.Stop()
	return p
}}

func newPage(g *Gateway, x *exchange, resp *http.Response) *page {
	p := pages.Get().(*page)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.g, p.x, p.resp, p.ended = g, x, resp, false
	p.limit = maxUnknown
	if resp.ContentLength >= 0 {
		p.limit = window
		if resp.ContentLength <= maxWhole {
			p.limit = maxWhole
		}
	}
	size := int64(p.limit)
	if resp.ContentLength >= 0 {
		size = min(size, resp.ContentLength+1)
	}
	p.inBuf, p.outBuf = takeBuffer(int(size)), takeBuffer(int(size)+4<<10)
	p.in, p.out = (*p.inBuf)[:0], (*p.outBuf)[:0]
	return p
}

func (p *page) release() {
	p.timer.Stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.enc != nil {
		p.enc.release()
	}
	if d, ok := p.rw.(*rewrite.Document); ok && !p.spoilt {
		d.Reset(nil, rewrite.DocumentOptions{})
		documents.Put(d)
	}
	giveBuffer(p.inBuf)
	giveBuffer(p.outBuf)
	p.passage = passage{ended: true}
	pages.Put(p)
}

// Write implements io.Writer for the rewriter or the encoder; the lock is held.
func (p *page) Write(b []byte) (int, error) {
	p.out = append(p.out, b...)
	return len(b), nil
}

// decode puts decoders before the rewriter. It fails where the body is not what
// its header says.
func (p *page) decode(codings []string) error {
	if len(codings) == 0 {
		p.src = p.resp.Body
		return nil
	}
	p.raw, p.limit = &keeper{src: p.resp.Body}, minRatio+window
	d, err := decoder(io.NopCloser(p.raw), codings)
	if err != nil {
		return err
	}
	p.src = d
	return nil
}

// encode chooses the coding of the changed body.
func (p *page) encode(coding string) {
	if coding != "" {
		p.coding, p.enc = coding, newEncoder(p, coding)
	}
}

// sink is where the rewriter writes to.
func (p *page) sink() io.Writer {
	if p.enc != nil {
		return p.enc
	}
	return p
}

// errUnchanged ends the rewriting of what turns out not to be a page.
var errUnchanged = errors.New("not to be changed")

// run sends the body through the rewriter. look is shown the first bytes and
// may decide that the body stays as it is.
func (p *page) run(look func(first []byte) error) {
	for {
		from := len(p.in)
		n, err := p.src.Read(p.in[from:cap(p.in)])
		p.in = p.in[:from+n]
		if p.step(p.in[from:], err, look) || p.straight() {
			return
		}
		if n > 0 {
			look = nil
		}
	}
}

// step takes one part of the body and reports whether it was the last.
func (p *page) step(b []byte, rerr error, look func([]byte) error) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		p.ended, p.x.broken = true, p.err
		return true
	}
	if err := p.take(b, look); err != nil {
		p.giveUp(err)
		return true
	}
	switch {
	case rerr == io.EOF: //nolint:errorlint // what wraps it is a break
		p.finish()
		return true
	case rerr != nil && p.raw == nil:
		p.giveUp(fmt.Errorf("%w: %w", errUnchanged, rerr)) // with the break that it has
		return true
	case rerr != nil:
		p.giveUp(rerr)
		return true
	}
	p.send()
	return false
}

// take puts a part of the body through the rewriter. A rewriter that fails,
// even by a panic, costs the changes and not the page.
func (p *page) take(b []byte, look func([]byte) error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err, p.spoilt = fmt.Errorf("the rewriter failed: %v", r), true
		}
	}()
	if len(b) == 0 {
		return nil
	}
	if look != nil {
		if err := look(b); err != nil {
			return err
		}
	}
	if _, err := p.rw.Write(b); err != nil {
		return err
	}
	if p.raw == nil {
		return nil
	}
	p.suspect, err = p.raw.unfolds(len(b))
	if p.suspect && !p.committed && p.raw.decoded > minRatio {
		return errBomb
	}
	return err
}

// send sends what there is much of, and sees to it that the rest waits for no
// longer than it may.
func (p *page) send() {
	full := len(p.in) == cap(p.in) && p.raw == nil || p.raw.size() >= p.limit
	switch {
	case len(p.out) >= p.limit:
		p.err = p.flush(false)
	case full:
		p.commit() // the original cannot be kept any longer
	case p.eager && !p.armed && (len(p.out) > 0 || p.enc != nil):
		p.armed = true
		p.timer.Reset(patience)
	}
	if p.committed || p.raw != nil {
		p.in = p.in[:0]
	}
	if p.committed && p.raw != nil {
		p.raw.forget()
	}
}

// tick sends what is ready when nothing more has come for a while.
func (p *page) tick() {
	p.mu.Lock()
	defer p.mu.Unlock()
	defer func() {
		if r := recover(); r != nil { // in this goroutine it would end the program
			p.err, p.spoilt = fmt.Errorf("a page could not be sent: %v", r), true
		}
	}()
	if p.ended || !p.armed {
		return // of an exchange that is over
	}
	p.armed = false
	if p.err == nil && (p.committed || !p.suspect) {
		p.err = p.flush(true)
	}
}

// flush sends what is ready; with all, what the encoder holds back too.
func (p *page) flush(all bool) error {
	if all && p.enc != nil {
		if err := p.enc.Flush(); err != nil {
			return err
		}
	}
	if len(p.out) == 0 {
		return nil
	}
	p.commit()
	_, err := p.x.w.Write(p.out)
	p.out = p.out[:0]
	if err == nil && all {
		err = http.NewResponseController(p.x.w).Flush()
	}
	return err
}

// commit sends the header of the changed body.
func (p *page) commit() {
	if p.committed {
		return
	}
	p.committed, p.limit = true, window
	p.header(p.x.w.Header(), p.coding)
	p.x.w.WriteHeader(p.resp.StatusCode)
}

// finish ends the body: a page that is whole gets its length.
func (p *page) finish() {
	err := p.closeRewriter()
	if err == nil && p.enc != nil {
		err = p.enc.Close()
	}
	if err == nil && !p.committed && p.keep != nil && p.keep() {
		err = errUnchanged
	}
	if err != nil {
		p.giveUp(err)
		return
	}
	p.ended = true
	if !p.committed {
		h := p.x.w.Header()
		p.header(h, p.coding)
		setLength(h, int64(len(p.out)))
		p.x.w.WriteHeader(p.resp.StatusCode)
	}
	if _, err := p.x.w.Write(p.out); err != nil {
		p.x.broken = err
	}
}

func (p *page) closeRewriter() (err error) {
	defer func() {
		if r := recover(); r != nil {
			err, p.spoilt = fmt.Errorf("the rewriter failed: %v", r), true
		}
	}()
	return p.rw.Close()
}

// giveUp passes the original where nothing was sent yet, and else breaks off.
func (p *page) giveUp(cause error) {
	p.ended = true
	if p.committed {
		p.x.broken = cause
		return
	}
	p.failed = !errors.Is(cause, errUnchanged)
	if p.failed {
		p.g.metrics.fallbacks.WithLabelValues("rewrite").Inc()
		p.g.log.Warn("a page passes unchanged", "host", p.x.in.Host, "path", p.x.in.URL.Path, "error", cause)
	}
	kept := p.in
	if p.raw != nil {
		kept = p.raw.kept
	}
	p.x.send(p.resp, kept)
}

// straight passes the rest by the rewriter's side once it only copies.
func (p *page) straight() bool {
	if p.enc != nil || p.raw != nil || !p.rw.Done() {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil || !p.committed && p.resp.ContentLength < 0 {
		return false
	}
	if !p.committed {
		h := p.x.w.Header()
		p.header(h, "")
		setLength(h, p.resp.ContentLength+int64(p.rw.Altered()))
		p.x.w.WriteHeader(p.resp.StatusCode)
	}
	p.ended = true
	if _, err := p.x.w.Write(p.out); err != nil {
		p.x.broken = err
		return true
	}
	p.x.copy(p.resp.Body, -1)
	return true
}

var documents = sync.Pool{New: func() any { return rewrite.NewDocument(nil, rewrite.DocumentOptions{}) }}
