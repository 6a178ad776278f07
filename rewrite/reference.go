package rewrite

import (
	"bytes"
	"html"
	"strconv"
	"unicode/utf8"
)

// appendUnescaped appends an attribute's value with its character references
// undone (HTML, 13.2.5.72 and on, "consumed as part of an attribute").
func appendUnescaped(dst, value []byte) []byte {
	for {
		n := bytes.IndexByte(value, '&')
		if n < 0 {
			return append(dst, value...)
		}
		dst = append(dst, value[:n]...)
		value = value[n:]
		dst, n = appendReference(dst, value)
		value = value[n:]
	}
}

// appendReference appends what the reference at the start of b stands for, and
// returns its length. An ampersand that starts none stands for itself.
func appendReference(dst, b []byte) ([]byte, int) {
	if len(b) > 1 && b[1] == '#' {
		return appendNumeric(dst, b)
	}
	n := 1
	for n < len(b) && (isLetter(b[n]) || isDigit(b[n])) {
		n++
	}
	if n == 1 || n > 40 {
		return append(dst, '&'), 1
	}
	if n < len(b) && b[n] == ';' {
		if c := plainReference(b[1:n]); c != 0 {
			return append(dst, c), n + 1
		}
		if text := html.UnescapeString(string(b[:n+1])); text == "&" || text == ";" || text[0] != '&' && text[len(text)-1] != ';' {
			return append(dst, text...), n + 1
		}
		return append(dst, '&'), 1 // unknown, or one that only starts like an old name
	}
	// Without a semicolon only old names count, and not before '=': so that
	// ?a=1&copy=2 is what it seems to be.
	if n < len(b) && b[n] == '=' {
		return append(dst, '&'), 1
	}
	bare := html.UnescapeString(string(b[:n]))
	if bare[0] == '&' && bare != "&" || bare != html.UnescapeString(string(b[:n])+";") {
		return append(dst, '&'), 1
	}
	return append(dst, bare...), n
}

// plainReference is the byte for the commonest names, or 0.
func plainReference(name []byte) byte {
	switch string(name) {
	case "amp":
		return '&'
	case "quot":
		return '"'
	case "apos":
		return '\''
	case "lt":
		return '<'
	case "gt":
		return '>'
	}
	return 0
}

func appendNumeric(dst, b []byte) ([]byte, int) {
	n, base := 2, rune(10)
	if n < len(b) && b[n]|0x20 == 'x' {
		n, base = 3, 16
	}
	start, value := n, rune(0)
	for ; n < len(b); n++ {
		d := digit(b[n], base)
		if d < 0 {
			break
		}
		value = min(value*base+d, utf8.MaxRune+1)
	}
	if n == start {
		return append(dst, '&'), 1
	}
	if n < len(b) && b[n] == ';' {
		n++
	}
	if value >= 0x80 && value < 0xA0 {
		return append(dst, html.UnescapeString(string(b[:n]))...), n // windows-1252, by table
	}
	if value == 0 {
		value = utf8.RuneError
	}
	return utf8.AppendRune(dst, value), n
}

func digit(c byte, base rune) rune {
	switch {
	case isDigit(c):
		return rune(c - '0')
	case base == 16 && c|0x20 >= 'a' && c|0x20 <= 'f':
		return rune(c|0x20-'a') + 10
	}
	return -1
}

// rawPlace returns the place in value at which n bytes or a little more are
// behind when its references are undone, and how many exactly.
func rawPlace(value []byte, n int) (raw, plain int) {
	var room [16]byte
	for raw < len(value) && plain < n {
		if value[raw] != '&' {
			raw++
			plain++
			continue
		}
		text, size := appendReference(room[:0], value[raw:])
		raw += size
		plain += len(text)
	}
	return raw, plain
}

// escape says how text is written as part of an attribute's value.
type escape struct {
	quote byte // around the value, or 0
	xml   bool
	// numeric is set where the value held references to what is not ASCII: they
	// are written as such again, since the document need not be UTF-8.
	numeric bool
}

func (e escape) append(dst, text []byte) []byte {
	for i := 0; i < len(text); i++ {
		c := text[i]
		switch {
		case c == '&':
			dst = append(dst, "&amp;"...)
		case c == '"' && e.quote == '"':
			dst = append(dst, "&quot;"...)
		case c == '\'' && e.quote == '\'':
			dst = append(dst, "&#39;"...)
		case c == '<' && e.xml:
			dst = append(dst, "&lt;"...)
		case c >= utf8.RuneSelf && e.numeric:
			r, size := utf8.DecodeRune(text[i:])
			if r == utf8.RuneError {
				dst = append(dst, c)
				continue
			}
			dst = strconv.AppendInt(append(dst, "&#"...), int64(r), 10)
			dst = append(dst, ';')
			i += size - 1
		default:
			dst = append(dst, c)
		}
	}
	return dst
}
