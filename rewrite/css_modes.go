package rewrite

import "bytes"

// The tokens that run on to an end of their own. Each reads on from pos and
// reports false where more input has to come.

func (s *cssScanner) comment() bool {
	i := bytes.Index(s.buf[s.pos:], []byte("*/"))
	switch {
	case i >= 0:
		s.pos += i + 2
	case s.final:
		s.pos = len(s.buf)
	default:
		// The last byte may be the asterisk.
		s.pos = max(s.pos, len(s.buf)-1)
		return false
	}
	s.mode = s.after
	return true
}

func (s *cssScanner) str() bool {
	for {
		b, i := s.buf, s.pos
		for i < len(b) && cssClass[b[i]]&cssStringStop == 0 {
			i++
		}
		s.pos = i
		if i == len(b) {
			if s.final {
				s.strDone(i, i) // it ends with the sheet (CSS Syntax 3, 4.3.5)
			}
			return s.final
		}
		switch c := b[i]; {
		case c == s.quote:
			s.pos++
			s.strDone(i, i+1)
			return true
		case c == '\\':
			next := skipEscape(b, i, s.final)
			if next < 0 {
				return false
			}
			s.pos = next
		case isNewline(c): // a bad string
			s.mode, s.start = cssText, -1
			return true
		default:
			s.pos++ // the other quote
		}
	}
}

// strDone ends a string whose text ends at to.
func (s *cssScanner) strDone(to, end int) {
	start := s.start
	s.mode, s.start = cssText, -1
	if start < 0 || to == start+1 || end-start > maxToken {
		return
	}
	if end == to && s.buf[to-1] == '\\' && lonelyBackslash(s.buf[start+1:to]) {
		to-- // it stands for nothing at the end of a sheet
	}
	s.found(start, end, start+1, to, s.quote)
}

// lonelyBackslash reports whether the last backslash of a text escapes nothing.
func lonelyBackslash(text []byte) bool {
	n := 0
	for n < len(text) && text[len(text)-1-n] == '\\' {
		n++
	}
	return n%2 == 1
}

// urlSpace reads on after "url(".
func (s *cssScanner) urlSpace() bool {
	s.pos = skipCSSSpace(s.buf, s.pos)
	if s.pos == len(s.buf) {
		if s.final {
			s.mode, s.start = cssText, -1
		}
		return s.final
	}
	if c := s.buf[s.pos]; c != '"' && c != '\'' {
		s.mode, s.from = cssURL, s.pos
		return true
	}
	s.push(0) // what follows the string are modifiers
	s.begins(cssString)
	if s.prelude != cssNoURLs {
		s.start = s.pos - 1
	}
	return true
}

func (s *cssScanner) url() bool {
	for {
		b, i := s.buf, s.pos
		for i < len(b) && cssClass[b[i]]&cssURLStop == 0 {
			i++
		}
		s.pos, s.to = i, i
		if i == len(b) {
			if s.final {
				s.urlDone() // it ends with the sheet (CSS Syntax 3, 4.3.6)
			}
			return s.final
		}
		switch c := b[i]; {
		case c == ')':
			s.pos++
			s.urlDone()
			return true
		case cssClass[c]&cssSpace != 0:
			s.mode = cssURLEnd
			return true
		case c == '\\' && i+1 == len(b) && !s.final:
			return false
		case c == '\\' && (i+1 == len(b) || !isNewline(b[i+1])):
			next := skipEscape(b, i, s.final)
			if next < 0 {
				return false
			}
			s.pos = next
		default:
			s.mode, s.start = cssBadURL, -1
			return true
		}
	}
}

func (s *cssScanner) urlEnd() bool {
	s.pos = skipCSSSpace(s.buf, s.pos)
	switch {
	case s.pos < len(s.buf) && s.buf[s.pos] == ')':
		s.pos++
		s.urlDone()
	case s.pos < len(s.buf):
		s.mode, s.start = cssBadURL, -1
	case s.final:
		s.urlDone()
	default:
		return false
	}
	return true
}

func (s *cssScanner) urlDone() {
	start := s.start
	s.mode, s.start = cssText, -1
	if start >= 0 && s.to > s.from && s.pos-start <= maxToken {
		s.found(start, s.pos, s.from, s.to, 0)
	}
}

// badURL skips to the bracket that ends a bad URL token (CSS Syntax 3, 4.3.14).
func (s *cssScanner) badURL() bool {
	for s.pos < len(s.buf) {
		switch s.buf[s.pos] {
		case ')':
			s.pos++
			s.mode = cssText
			return true
		case '\\':
			if s.pos+1 == len(s.buf) && !s.final {
				return false
			}
			s.pos++
			if s.pos < len(s.buf) && !isNewline(s.buf[s.pos]) {
				s.pos++
			}
		default:
			s.pos++
		}
	}
	if s.final {
		s.mode = cssText
	}
	return s.final
}
