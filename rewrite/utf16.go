package rewrite

import (
	"unicode/utf16"
	"unicode/utf8"
)

// convertWide leads UTF-16 to the scanner as WTF-8: UTF-8 in which a surrogate
// without its other half is written like any other code point, so that it comes
// back. What is not a whole character yet waits.
func (d *Document) convertWide(p []byte) {
	t := &d.charset
	t.room = t.room[:0]
	for len(t.pending) > 0 && len(p) > 0 {
		t.pending = append(t.pending, p[0])
		p = p[1:]
		var n int
		t.room, n = appendWide(t.room, t.pending, t.coding)
		t.pending = t.pending[:copy(t.pending, t.pending[n:])]
	}
	var n int
	t.room, n = appendWide(t.room, p, t.coding)
	t.pending = append(t.pending, p[n:]...)
	d.take(t.room)
}

func unit(b []byte, c coding) rune {
	if c == codingBig {
		return rune(b[0])<<8 | rune(b[1])
	}
	return rune(b[1])<<8 | rune(b[0])
}

// appendWide appends the whole characters of p, and returns how much that was.
func appendWide(dst, p []byte, c coding) ([]byte, int) {
	i := 0
	for i+1 < len(p) {
		r := unit(p[i:], c)
		size := 2
		if r >= 0xD800 && r < 0xDC00 {
			if i+3 >= len(p) {
				break
			}
			if both := utf16.DecodeRune(r, unit(p[i+2:], c)); both != utf8.RuneError {
				r, size = both, 4
			}
		}
		i += size
		if r < utf8.RuneSelf {
			dst = append(dst, byte(r))
		} else {
			dst = appendWTF8(dst, r)
		}
	}
	return dst, i
}

// appendWTF8 is utf8.AppendRune for lone surrogates as well.
func appendWTF8(dst []byte, r rune) []byte {
	if r >= 0xD800 && r < 0xE000 {
		return append(dst, 0xE0|byte(r>>12), 0x80|byte(r>>6)&0x3F, 0x80|byte(r)&0x3F)
	}
	return utf8.AppendRune(dst, r)
}

// appendUnits appends WTF-8 as UTF-16.
func appendUnits(dst, b []byte, c coding) []byte {
	for i := 0; i < len(b); {
		r, size := rune(b[i]), 1
		switch {
		case r < utf8.RuneSelf:
		case i+2 < len(b) && b[i] == 0xED && b[i+1] >= 0xA0 && b[i+1] <= 0xBF && b[i+2] >= 0x80 && b[i+2] <= 0xBF:
			r, size = 0xD000|rune(b[i+1]&0x3F)<<6|rune(b[i+2]&0x3F), 3
		default:
			r, size = utf8.DecodeRune(b[i:])
		}
		i += size
		if r < 0x10000 {
			dst = appendUnit(dst, r, c)
			continue
		}
		high, low := utf16.EncodeRune(r)
		dst = appendUnit(appendUnit(dst, high, c), low, c)
	}
	return dst
}

func appendUnit(dst []byte, r rune, c coding) []byte {
	if c == codingBig {
		return append(dst, byte(r>>8), byte(r))
	}
	return append(dst, byte(r), byte(r>>8))
}
