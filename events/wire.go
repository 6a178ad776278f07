package events

import (
	"errors"
	"fmt"
	"unicode/utf8"
)

// ErrFormat is returned for a payload that is not of the page format.
var ErrFormat = errors.New("malformed page payload")

// Version of the page format (FORMAT.md).
const Version = 1

const (
	maxUint = 1<<53 - 1 // what a number of JavaScript holds exactly
	// maxDepth bounds the nesting of nodes, over frames and shadow roots too.
	maxDepth = 2048
	// maxText bounds the text that interned strings of one payload unfold to.
	maxText = 64 << 20
)

// reader reads a payload. The first error sticks; after it every read gives zero.
type reader struct {
	b        []byte
	pos      int
	strings  []string
	unfolded int
	last     NodeID // the id before, for the differences
	err      error
}

func (r *reader) fail(what string) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: %s at byte %d", ErrFormat, what, r.pos)
	}
	r.pos = len(r.b)
}

func (r *reader) more() bool { return r.err == nil && r.pos < len(r.b) }

func (r *reader) u8() byte {
	if r.pos >= len(r.b) {
		r.fail("cut short")
		return 0
	}
	r.pos++
	return r.b[r.pos-1]
}

func (r *reader) uint() uint64 {
	var v uint64
	for shift := 0; shift < 56; shift += 7 {
		b := r.u8()
		v |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if v > maxUint {
				break
			}
			return v
		}
	}
	r.fail("number too large")
	return 0
}

func (r *reader) sint() int64 {
	v := r.uint()
	return int64(v>>1) ^ -int64(v&1)
}

func (r *reader) id() NodeID {
	v := r.uint()
	if v > maxNodeID {
		r.fail("node id too large")
		return 0
	}
	return NodeID(v)
}

// count reads a number of items, each of at least one byte.
func (r *reader) count() int {
	n := r.uint()
	if n > uint64(len(r.b)-r.pos) {
		r.fail("more items than bytes")
		return 0
	}
	return int(n)
}

func (r *reader) bytes() []byte {
	n := r.count()
	r.pos += n
	return r.b[r.pos-n : r.pos : r.pos]
}

func (r *reader) str() string {
	n := r.uint()
	if n == 0 {
		b := r.bytes()
		if !utf8.Valid(b) {
			r.fail("text that is not UTF-8")
			return ""
		}
		r.strings = append(r.strings, string(b))
		n = uint64(len(r.strings))
	}
	if n > uint64(len(r.strings)) {
		r.fail("unknown string")
		return ""
	}
	s := r.strings[n-1]
	if r.unfolded += len(s); r.unfolded > maxText {
		r.fail("too much text")
		return ""
	}
	return s
}

// writer appends a payload to buf.
type writer struct {
	buf     []byte
	strings map[string]uint64
	last    NodeID

	urls URLs   // nil: as authored
	base string // of the document being written
}

func newWriter(buf []byte) *writer { return &writer{buf: buf, strings: map[string]uint64{}} }

func (w *writer) u8(b byte) { w.buf = append(w.buf, b) }

func (w *writer) uint(v uint64) {
	for v >= 0x80 {
		w.buf = append(w.buf, byte(v)|0x80)
		v >>= 7
	}
	w.buf = append(w.buf, byte(v))
}

func (w *writer) sint(v int64) { w.uint(uint64(v)<<1 ^ uint64(v>>63)) }

func (w *writer) bytes(b []byte) {
	w.uint(uint64(len(b)))
	w.buf = append(w.buf, b...)
}

func (w *writer) str(s string) {
	if n, ok := w.strings[s]; ok {
		w.uint(n)
		return
	}
	w.strings[s] = uint64(len(w.strings) + 1)
	w.u8(0)
	w.uint(uint64(len(s)))
	w.buf = append(w.buf, s...)
}
