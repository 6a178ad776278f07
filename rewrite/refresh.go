package rewrite

import "bytes"

// AppendRefresh appends the value of a Refresh header or a refresh pragma with
// its URL mapped by f, which appends to dst what stands for it or reports that
// it stays. It reports whether the URL changed; a value that browsers do not
// follow, or that only reloads, has none.
//
// It follows the "shared declarative refresh steps" (HTML, 4.2.5.3).
func AppendRefresh(dst, value []byte, f func(dst, url []byte) ([]byte, bool)) ([]byte, bool) {
	from, to, quote := refreshURL(value)
	if from == to {
		return append(dst, value...), false
	}
	dst = append(dst, value[:from]...)
	start := len(dst)
	dst, changed := f(dst, value[from:to])
	if !changed {
		return append(dst, value[from:]...), false
	}
	if quote != 0 && bytes.IndexByte(dst[start:], quote) >= 0 {
		dst = escapeQuote(dst, start, quote)
	}
	return append(dst, value[to:]...), true
}

// escapeQuote percent-encodes the quote that would end the URL.
func escapeQuote(dst []byte, start int, quote byte) []byte {
	code := "%22"
	if quote == '\'' {
		code = "%27"
	}
	return append(dst[:start], bytes.ReplaceAll(dst[start:], []byte{quote}, []byte(code))...)
}

// refreshURL returns where in value the URL stands, and the quote around it.
func refreshURL(value []byte) (from, to int, quote byte) {
	i, ok := refreshTime(value)
	if !ok || i == len(value) {
		return 0, 0, 0
	}
	from, to = i, len(value)
	for _, c := range []byte("url") {
		if i == len(value) || lower(value[i]) != c {
			if c == 'u' {
				break // no "url=" at all: quotes may still be there
			}
			return trimmed(value, from, to, 0)
		}
		i++
	}
	if i > from {
		i = skipSpace(value, i)
		if i == len(value) || value[i] != '=' {
			return trimmed(value, from, to, 0)
		}
		i = skipSpace(value, i+1)
	}
	from = i
	if i < len(value) && (value[i] == '"' || value[i] == '\'') {
		quote = value[i]
		from++
		if n := bytes.IndexByte(value[from:], quote); n >= 0 {
			to = from + n
		}
	}
	return trimmed(value, from, to, quote)
}

// refreshTime returns where the part after the time and what ends it begins.
func refreshTime(value []byte) (int, bool) {
	start := skipSpace(value, 0)
	i := start
	for i < len(value) && isDigit(value[i]) {
		i++
	}
	if i == start && (i == len(value) || value[i] != '.') {
		return 0, false
	}
	for i < len(value) && (isDigit(value[i]) || value[i] == '.') {
		i++
	}
	if i == len(value) {
		return i, true
	}
	if value[i] != ';' && value[i] != ',' && !isSpace(value[i]) {
		return 0, false
	}
	i = skipSpace(value, i)
	if i < len(value) && (value[i] == ';' || value[i] == ',') {
		i++
	}
	return skipSpace(value, i), true
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && isSpace(b[i]) {
		i++
	}
	return i
}

// trimmed leaves out what a URL parser strips.
func trimmed(value []byte, from, to int, quote byte) (int, int, byte) {
	for from < to && value[from] <= ' ' {
		from++
	}
	for to > from && value[to-1] <= ' ' {
		to--
	}
	return from, to, quote
}
