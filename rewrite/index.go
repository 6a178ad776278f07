package rewrite

import "math/bits"

// Most tags of a page change nothing and are passed over. Where the processor
// can tell the bytes that matter 64 at a time, they are read by these marks:
// that is twice as fast as looking for each with a search of its own.

const (
	blockBits  = 6               // 64 bytes
	indexBytes = 16 << 10        // that are indexed at once
	indexWords = indexBytes >> 6 // a bit for each byte
)

// marks has a bit for each byte of a class.
type marks [indexWords]uint64

// index marks what matters to the tokenizer in a part of the text.
type index struct {
	base, size int // the part, by its place in the text
	less       marks
	stop       marks // white space, '/', '>' and '='
	quote      marks // both kinds
	last       [1 << blockBits]byte
}

// build indexes b from a place on, as far as there is room.
func (x *index) build(b []byte, from int) {
	part := b[from:min(from+indexBytes, len(b))]
	x.base, x.size = from, len(part)
	whole := len(part) >> blockBits
	if whole > 0 {
		classify(&x.less[0], &x.stop[0], &x.quote[0], &part[0], whole)
	}
	if rest := part[whole<<blockBits:]; len(rest) > 0 {
		clear(x.last[copy(x.last[:], rest):])
		classify(&x.less[whole], &x.stop[whole], &x.quote[whole], &x.last[0], 1)
	}
}

// forget notes that another text comes.
func (x *index) forget() {
	if x != nil {
		x.base, x.size = 0, 0
	}
}

// next returns the first marked byte from p on, by its place in the part; its
// size where there is none. p may be that size.
func (x *index) next(m *marks, p int) int {
	w := p >> blockBits
	if w >= indexWords {
		return x.size
	}
	if set := m[w] >> (p & 63); set != 0 {
		return p + bits.TrailingZeros64(set)
	}
	return x.nextWord(m, w+1)
}

func (x *index) nextWord(m *marks, w int) int {
	for ; w < indexWords && w<<blockBits < x.size; w++ {
		if m[w] != 0 {
			return w<<blockBits + bits.TrailingZeros64(m[w])
		}
	}
	return x.size
}

// worthIndexing is the least text for which the marks are made.
const worthIndexing = 256

// mayPassOver reports whether tags from i on may be passed over by their marks.
func (d *Document) mayPassOver(b []byte, i int) bool {
	return canIndex && !d.unmarked && d.plainHTML && d.mapping && !d.xml && d.cut.at == 0 && len(b)-i >= worthIndexing
}

// passOver returns the place from i on of the first '<' that begins something
// that matters, the end of b where there is none. What it cannot tell, it leaves
// to those who read byte by byte.
func (d *Document) passOver(b []byte, i int) int {
	if d.index == nil {
		d.index = &index{}
	}
	x := d.index
	if i < x.base || i >= x.base+x.size {
		x.build(b, i)
	}
	for p := i - x.base; ; {
		if p = x.next(&x.less, p); p >= x.size {
			if x.base+x.size == len(b) {
				return len(b)
			}
			x.build(b, x.base+x.size)
			p = 0
			continue
		}
		end := d.passTag(b[x.base:x.base+x.size], p)
		if end == 0 && p > x.size/2 && x.base+x.size < len(b) {
			x.build(b, x.base+p) // its end may be past what was indexed
			p = 0
			end = d.passTag(b[x.base:x.base+x.size], p)
		}
		if end == 0 {
			return x.base + p
		}
		p = end
	}
}

// passTag returns the end of a tag that changes nothing; 0 for any other, and for
// what is no plain tag.
func (d *Document) passTag(b []byte, at int) int {
	x := d.index
	name := at + 1
	if name+1 >= len(b) {
		return 0
	}
	if b[name] == '/' {
		end := x.next(&x.stop, name+1)
		if classes[b[name+1]]&classLetter == 0 || end >= len(b) || b[end] != '>' {
			return 0
		}
		return end + 1
	}
	p := x.next(&x.stop, name)
	n := p - name
	if classes[b[name]]&classLetter == 0 || n >= len(specials) || p >= len(b) || b[p] == '=' {
		return 0 // a '=' belongs to the tag's name
	}
	if specials[n]>>(b[name]&31)&1 != 0 && elements.find(foldedKey(b[name:p])) >= elSpecial {
		return 0
	}
	if b[p] == '>' {
		return p + 1
	}
	return d.passAttributes(b, p)
}

// passAttributes returns the end of a tag, from the end of its name on; 0 where
// one of its attributes may have to change. A quote counts only where a value
// begins (HTML, 13.2.5.32 and on).
func (d *Document) passAttributes(b []byte, p int) int {
	for x := d.index; p < len(b); {
		if c := b[p]; c == '>' {
			return p + 1
		} else if classes[c]&classTagEnd != 0 {
			p++
			continue
		}
		name := p
		if p = x.next(&x.stop, p+1); p >= len(b) {
			return 0
		}
		if b[p] != '=' {
			if after := skipSpace(b, p); after == len(b) || b[after] == '=' {
				return 0 // white space before a value, or nobody knows what
			}
			continue
		}
		from, to, next := x.value(b, p+1)
		if next == 0 {
			return 0
		}
		n := p - name
		if (n >= len(initials) || initials[n]>>(b[name]&31)&1 != 0) && to > from && presses(b[name:p], b[from:to], d.every) {
			return 0
		}
		p = next
	}
	return 0
}

// value finds the value of an attribute, right after its '=', and where the next
// attribute may begin; that is 0 for what is not there, or begins with white space.
func (x *index) value(b []byte, p int) (from, to, next int) {
	if p == len(b) {
		return 0, 0, 0
	}
	c := b[p]
	if c == '"' || c == '\'' {
		for to = x.next(&x.quote, p+1); to < len(b) && b[to] != c; {
			to = x.next(&x.quote, to+1)
		}
		if to >= len(b) {
			return 0, 0, 0
		}
		return p + 1, to, to + 1
	}
	for to = x.next(&x.stop, p); to < len(b) && classes[b[to]]&classUnquoted == 0; {
		to = x.next(&x.stop, to+1)
	}
	if to >= len(b) || to == p {
		return 0, 0, 0
	}
	return p, to, to
}
