package rewrite

import "io"

const (
	// maxHold bounds a tag: a longer one passes as it is.
	maxHold = 64 << 10
	// maxText bounds the text of an element that is rewritten as a whole (a style
	// sheet, an import map): a longer one passes as it is.
	maxText = 1 << 20
	// maxKept bounds the buffers that a Document keeps for its next use.
	maxKept = 128 << 10
	// batch is how much edited output is gathered before it is written.
	batch = 32 << 10
	// step is how much is added at once to what is held back.
	step = 4 << 10
)

// DocumentOptions says how a document is rewritten.
type DocumentOptions struct {
	// Tag is the markup to add, "" for none. It has to be short: it moves the
	// page's own <meta charset> towards the 1,024 bytes in which browsers look.
	Tag string
	// Policy edits the policies in the head (<meta http-equiv=
	// content-security-policy>); nil leaves them.
	Policy func(value string) string
	// Map decides about URLs; nil leaves them.
	Map Mapper
	// XML is set for application/xhtml+xml and the like.
	XML bool
	// Charset is the one of the Content-Type header, "" where there is none.
	Charset string
}

// Document copies an HTML document to a writer, edited: one tag is added right
// after the head's start tag, else before the first tag that is neither html
// nor head, else at the end; policies and URLs are changed where they stand.
// Every other byte is copied as it came, wherever the input is split.
//
// What is written is passed on at once, but for a tag, or the text of an element
// that is rewritten as a whole, of which the end is not there yet.
type Document struct {
	w    io.Writer
	opts DocumentOptions
	tag  []byte
	err  error

	received, written int

	charset transcoder
	held    []byte // not passed on yet: the start of something unfinished
	out     []byte // edited, not written yet
	kept    int    // how much of what is being scanned is in out or was written

	scanner
	rewriter
	index    *index // nil until it is needed
	unmarked bool   // no marks are made; for tests
}

// NewDocument returns a Document that writes to w. Close has to be called at the
// document's end; it does not close w.
func NewDocument(w io.Writer, o DocumentOptions) *Document {
	d := &Document{}
	d.Reset(w, o)
	return d
}

// Reset makes d as new, but for its buffers.
func (d *Document) Reset(w io.Writer, o DocumentOptions) {
	d.w, d.opts, d.err = w, o, nil
	d.tag = append(d.tag[:0], o.Tag...)
	d.received, d.written, d.kept = 0, 0, 0
	d.held, d.out = reuse(d.held), reuse(d.out)
	d.charset.reset(o.Charset)
	d.scanner.reset(&o)
	d.rewriter.reset(&o)
	if d.mapItem == nil {
		d.mapItem = d.item
	}
	d.settle()
}

func reuse(b []byte) []byte {
	if cap(b) > maxKept {
		return nil
	}
	return b[:0]
}

// Injected reports whether the tag was added.
func (d *Document) Injected() bool { return d.injected }

// Done reports whether every byte from here on is copied as it comes, so that
// the caller may write it to w himself. Nothing is held back then.
func (d *Document) Done() bool { return d.state == inRest && d.charset.idle() }

// Altered returns by how many bytes what was written is longer than what came.
// Before Done or Close, what is held back counts as missing.
func (d *Document) Altered() int { return d.written - d.received }

// Write implements io.Writer.
func (d *Document) Write(p []byte) (int, error) {
	d.received += len(p)
	if d.Done() {
		d.pass(p)
	} else {
		d.decode(p)
	}
	if d.err != nil {
		return 0, d.err
	}
	return len(p), nil
}

// Close writes what was held back. A document without any tag gets its tag at
// the end; an empty one stays empty.
func (d *Document) Close() error {
	d.endDecoding()
	rest := d.held
	d.held = d.held[:0]
	if len(rest) == 0 && d.atEnd() {
		d.injected, d.placed = true, true
		d.emit(d.tag)
	}
	d.emit(rest)
	d.endEncoding()
	d.state = inRest
	return d.err
}

// take rewrites p, which is in an encoding that agrees with ASCII. What is held
// back grows by small steps, until p itself can be scanned without being copied.
func (d *Document) take(p []byte) {
	for len(d.held) > 0 && len(p) > 0 {
		before := len(d.held)
		grown := min(len(p), step)
		d.held = append(d.held, p[:grown]...)
		n := d.process(d.held)
		if n >= before {
			p = p[n-before:]
			d.held = d.held[:0]
			break
		}
		p = p[grown:]
		d.held = d.held[:copy(d.held, d.held[n:])]
	}
	if len(p) > 0 {
		n := d.process(p)
		d.held = append(d.held, p[n:]...)
	}
}

// process scans b, writes what is finished, and returns how much that was.
func (d *Document) process(b []byte) int {
	d.kept = 0
	n := d.scan(b)
	rest := b[d.kept:n]
	if len(d.out)+len(rest) <= batch && len(d.out) > 0 {
		d.out = append(d.out, rest...)
		rest = nil
	}
	d.flush()
	d.emit(rest)
	return n
}

// edit puts text in place of b[from:to]; edits come in the order of their places.
func (d *Document) edit(b []byte, from, to int, text []byte) {
	if same := b[d.kept:from]; len(same) >= batch {
		d.flush()
		d.emit(same)
	} else {
		d.out = append(d.out, same...)
	}
	d.out = append(d.out, text...)
	d.kept = to
	if len(d.out) >= batch {
		d.flush()
	}
}

func (d *Document) flush() {
	d.emit(d.out)
	d.out = d.out[:0]
}

// emit writes b, in the document's own encoding.
func (d *Document) emit(b []byte) {
	if len(b) > 0 && d.err == nil {
		d.encode(b)
	}
}

// pass writes b as it is.
func (d *Document) pass(b []byte) {
	if len(b) == 0 || d.err != nil {
		return
	}
	n, err := d.w.Write(b)
	d.written += n
	d.err = err
}
