package rewrite

import (
	"bytes"
	"unicode/utf8"
)

// Classes of bytes in style sheets.
const (
	cssNameByte    uint8 = 1 << iota // of an identifier
	cssStop                          // where the text between tokens has to be looked at
	cssPreludeStop                   // the same, in the prelude of an at-rule
	cssStringStop
	cssURLStop
	cssSpace
	cssHex
)

var cssClass = cssClasses()

func cssClasses() (class [256]uint8) {
	for i := range class {
		c := byte(i)
		switch {
		// NUL is read as U+FFFD (CSS Syntax 3, 3.3), which names may hold.
		case isLetter(c), '0' <= c && c <= '9', c == '_', c == '-', c >= 0x80, c == 0:
			class[i] |= cssNameByte
		case c < 0x20, c == 0x7f:
			class[i] |= cssURLStop // not printable
		}
		if '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f' {
			class[i] |= cssHex
		}
	}
	for _, set := range []struct {
		bytes string
		class uint8
	}{
		{"\"'/(){}@<\\", cssStop},
		{";", cssPreludeStop},
		{"\"'\n\r\f\\", cssStringStop},
		{" \t\n\r\f\"'()\\", cssURLStop},
		{" \t\n\r\f", cssSpace},
	} {
		for _, c := range []byte(set.bytes) {
			class[c] |= set.class
		}
	}
	return class
}

func isNewline(c byte) bool { return c == '\n' || c == '\r' || c == '\f' }

func skipCSSSpace(b []byte, i int) int {
	for i < len(b) && cssClass[b[i]]&cssSpace != 0 {
		i++
	}
	return i
}

// skipEscape returns the place after the escape at b[i], a backslash, or −1
// where more input has to tell. A hexadecimal one takes one white space
// character along (CSS Syntax 3, 4.3.7), in which CR LF counts as one.
func skipEscape(b []byte, i int, final bool) int {
	i++
	end := i
	for end < len(b) && end < i+6 && cssClass[b[end]]&cssHex != 0 {
		end++
	}
	switch {
	case end == len(b) && final:
		return end
	case end == len(b):
		return -1
	case b[end] == '\r' && end+1 == len(b) && !final:
		return -1
	case b[end] == '\r' && end+1 < len(b) && b[end+1] == '\n':
		return end + 2
	case end > i && cssClass[b[end]]&cssSpace == 0:
		return end
	}
	return end + 1
}

// decoded is a text of a token as a browser reads it: without escapes. With
// percent, what is not ASCII in escapes is written as in URLs, which means the
// same there and depends on no encoding of the sheet. The result may share
// memory with raw, or hold until the next call.
func (s *cssScanner) decoded(raw []byte, percent bool) []byte {
	i := bytes.IndexByte(raw, '\\')
	if n := bytes.IndexByte(raw, 0); n >= 0 && (i < 0 || n < i) {
		i = n
	}
	if i < 0 {
		return raw
	}
	s.text = append(s.text[:0], raw[:i]...)
	for i < len(raw) {
		switch c := raw[i]; c {
		case 0:
			s.text = appendCodePoint(s.text, utf8.RuneError, percent)
			i++
		case '\\':
			s.text = appendEscape(s.text, raw[i:], percent)
			i = skipEscape(raw, i, true)
		default:
			s.text = append(s.text, c)
			i++
		}
	}
	return s.text
}

// appendEscape appends what the escape at the start of b stands for; nothing
// for an escaped line break, which continues a string.
func appendEscape(text, b []byte, percent bool) []byte {
	value, i := rune(0), 1
	for i < len(b) && i < 7 && cssClass[b[i]]&cssHex != 0 {
		digit := rune(b[i] & 15)
		if b[i] > '9' {
			digit += 9
		}
		value = value<<4 | digit
		i++
	}
	switch {
	case i > 1 && (value == 0 || !utf8.ValidRune(value)), i == len(b) && i == 1, i == 1 && b[1] == 0:
		return appendCodePoint(text, utf8.RuneError, percent)
	case i > 1:
		return appendCodePoint(text, value, percent)
	case isNewline(b[1]):
		return text
	}
	return append(text, b[1])
}

func appendCodePoint(text []byte, r rune, percent bool) []byte {
	if r < 0x80 || !percent {
		return utf8.AppendRune(text, r)
	}
	const hex = "0123456789ABCDEF"
	for _, c := range utf8.AppendRune(nil, r) {
		text = append(text, '%', hex[c>>4], hex[c&15])
	}
	return text
}
