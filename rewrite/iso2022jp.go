package rewrite

import "bytes"

// jisState is where a reader is in ISO-2022-JP (Encoding, 12.2): an escape
// switches to characters of two bytes, or to kana, that are ASCII's bytes.
type jisState struct {
	mode   jisMode
	escape jisEscape
	quoted bool // on the way out: the next byte is meant as it is
}

type jisMode uint8

const (
	jisASCII jisMode = iota // or JIS X 0201 Roman, in which markup is the same
	jisOther
)

// jisEscape is how much of an escape was read.
type jisEscape uint8

const (
	escapeNone jisEscape = iota
	escapeStart
	escapeDollar
	escapeParen
	escapeDollarParen
)

// jisQuote stands before a byte that could not come back otherwise.
const jisQuote = 0xFF

// next reads a byte, and reports whether it belongs to an escape. ESC $ ( D is
// one too, though browsers do not know it: what it leads to is no markup.
func (s *jisState) next(c byte) bool {
	switch e := s.escape; {
	case e == escapeStart && c == '$':
		s.escape = escapeDollar
	case e == escapeStart && c == '(':
		s.escape = escapeParen
	case e == escapeDollar && c == '(':
		s.escape = escapeDollarParen
	case e == escapeDollar && (c == '@' || c == 'B'), e == escapeDollarParen && c == 'D', e == escapeParen && c == 'I':
		s.escape, s.mode = escapeNone, jisOther
	case e == escapeParen && (c == 'B' || c == 'J'):
		s.escape, s.mode = escapeNone, jisASCII
	case c == 0x1B:
		s.escape = escapeStart
	default:
		s.escape = escapeNone
		return false
	}
	return true
}

// encode appends p in a form without markup where p is not ASCII: bytes of other
// modes get their high bit set; those that have it already are quoted.
func (s *jisState) encode(dst, p []byte) []byte {
	for i := 0; i < len(p); i++ {
		if s.mode == jisASCII && s.escape == escapeNone {
			n := bytes.IndexByte(p[i:], 0x1B)
			if n < 0 {
				return append(dst, p[i:]...)
			}
			dst = append(dst, p[i:i+n]...)
			i += n
		}
		c := p[i]
		switch {
		case s.next(c) || s.mode == jisASCII:
			dst = append(dst, c)
		case c >= 0x7F:
			dst = append(dst, jisQuote, c)
		default:
			dst = append(dst, c|0x80)
		}
	}
	return dst
}

// decode takes what encode made back.
func (s *jisState) decode(dst, p []byte) []byte {
	for _, c := range p {
		switch {
		case s.quoted:
			s.quoted = false
			dst = append(dst, c)
		case s.next(c) || s.mode == jisASCII:
			dst = append(dst, c)
		case c == jisQuote:
			s.quoted = true
		default:
			dst = append(dst, c&0x7F)
		}
	}
	return dst
}
