package rewrite

import (
	"strings"
	"unicode/utf8"
)

// CSS calls f for each URL of a style sheet, unescaped, and returns the sheet
// with f's answers in their places; all other bytes stay. URLs are those of
// url(), src(), @import and image-set(), found by tokens as in CSS Syntax 3, so
// that comments, strings and @namespace hold none. A bad URL token stays.
func CSS(src string, f func(url string) string) string {
	s := cssScanner{src: src, f: f}
	for s.pos < len(src) {
		s.token()
	}
	if s.kept == 0 {
		return src
	}
	s.out.WriteString(src[s.kept:])
	return s.out.String()
}

type cssScanner struct {
	src  string
	f    func(string) string
	out  strings.Builder
	kept int // src up to here is in out
	pos  int
	// rule is the at-rule whose prelude is being read: "import", "namespace",
	// another name, or "".
	rule string
	// open holds a byte for each open bracket: 'u' where a string is a URL.
	open []byte
}

func (s *cssScanner) token() {
	c := s.src[s.pos]
	switch {
	case strings.HasPrefix(s.src[s.pos:], "/*"):
		s.comment()
	case c == '"' || c == '\'':
		s.str()
	case c == '@':
		s.pos++
		s.rule = strings.ToLower(s.ident())
	case c == ';' || c == '{' || c == '}':
		s.rule, s.open = "", s.open[:0]
		s.pos++
	case c == '(' || c == '[':
		s.open = append(s.open, '(')
		s.pos++
	case c == ')' || c == ']':
		if n := len(s.open); n > 0 {
			s.open = s.open[:n-1]
		}
		s.pos++
	case startsIdent(s.src[s.pos:]):
		s.word()
	case c == '#' || c >= '0' && c <= '9':
		// A hash or a dimension: its name starts no function.
		s.pos++
		s.ident()
	default:
		s.pos++
	}
}

func (s *cssScanner) comment() {
	if end := strings.Index(s.src[s.pos+2:], "*/"); end >= 0 {
		s.pos += 2 + end + 2
		return
	}
	s.pos = len(s.src)
}

// str reads a string token and maps it where it stands for a URL.
func (s *cssScanner) str() {
	start := s.pos
	text, ok := s.quoted()
	if !ok {
		return
	}
	inURL := len(s.open) > 0 && s.open[len(s.open)-1] == 'u'
	if inURL || s.rule == "import" && len(s.open) == 0 {
		s.replace(start, s.pos, text, cssString)
	}
	if s.rule == "import" {
		s.rule = "import conditions"
	}
}

// word reads an identifier, and what follows when it is a function.
func (s *cssScanner) word() {
	start := s.pos
	fn := strings.ToLower(s.ident())
	if s.pos >= len(s.src) || s.src[s.pos] != '(' {
		return
	}
	s.pos++
	isURL := s.rule != "namespace"
	switch fn {
	case "url":
		s.url(start, isURL)
	case "src", "image-set", "-webkit-image-set":
		s.open = append(s.open, 'u')
	default:
		s.open = append(s.open, '(')
	}
}

// url reads the rest of url(…: a string and modifiers, or an unquoted URL.
func (s *cssScanner) url(start int, isURL bool) {
	body := s.pos
	s.spaces()
	if s.pos < len(s.src) && (s.src[s.pos] == '"' || s.src[s.pos] == '\'') {
		kind := byte('(')
		if isURL {
			kind = 'u'
		}
		s.open = append(s.open, kind)
		return
	}
	s.pos = body
	text, ok := s.unquoted()
	if ok && isURL && text != "" {
		s.replace(start, s.pos, text, func(u string) string { return "url(" + cssString(u) + ")" })
	}
	if s.rule == "import" {
		s.rule = "import conditions"
	}
}

// unquoted reads to the closing bracket; false for a bad URL token.
func (s *cssScanner) unquoted() (string, bool) {
	s.spaces()
	var text strings.Builder
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		switch {
		case c == ')':
			s.pos++
			return text.String(), true
		case isSpace(c):
			s.spaces()
			if s.pos < len(s.src) && s.src[s.pos] != ')' {
				s.badURL()
				return "", false
			}
		case c == '"' || c == '\'' || c == '(' || c < 0x20 || c == 0x7f:
			s.badURL()
			return "", false
		case c == '\\':
			if !validEscape(s.src[s.pos:]) {
				s.badURL()
				return "", false
			}
			s.escape(&text)
		default:
			text.WriteByte(c)
			s.pos++
		}
	}
	return text.String(), false
}

// badURL skips to the bracket that ends a bad URL token.
func (s *cssScanner) badURL() {
	for s.pos < len(s.src) {
		switch {
		case s.src[s.pos] == ')':
			s.pos++
			return
		case validEscape(s.src[s.pos:]):
			s.pos++
		}
		s.pos++
	}
	s.pos = min(s.pos, len(s.src))
}

// quoted reads a string token; false for one that a line break ends.
func (s *cssScanner) quoted() (string, bool) {
	quote := s.src[s.pos]
	s.pos++
	var text strings.Builder
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		switch {
		case c == quote:
			s.pos++
			return text.String(), true
		case c == '\n' || c == '\r' || c == '\f':
			return "", false
		case c == '\\' && s.pos+1 == len(s.src):
			s.pos++
		case c == '\\' && !validEscape(s.src[s.pos:]):
			s.pos++ // an escaped line break continues the string
			s.newline()
		case c == '\\':
			s.escape(&text)
		default:
			text.WriteByte(c)
			s.pos++
		}
	}
	return text.String(), false
}

// replace puts f's answer for text in place of src[start:end].
func (s *cssScanner) replace(start, end int, text string, write func(string) string) {
	if u := s.f(text); u != text {
		s.out.WriteString(s.src[s.kept:start])
		s.out.WriteString(write(u))
		s.kept = end
	}
}

func (s *cssScanner) ident() string {
	var text strings.Builder
	for s.pos < len(s.src) {
		c := s.src[s.pos]
		switch {
		case isName(c):
			text.WriteByte(c)
			s.pos++
		case validEscape(s.src[s.pos:]):
			s.escape(&text)
		default:
			return text.String()
		}
	}
	return text.String()
}

// escape reads a valid escape (CSS Syntax 3, 4.3.7).
func (s *cssScanner) escape(text *strings.Builder) {
	s.pos++
	n, value := 0, rune(0)
	for n < 6 && s.pos < len(s.src) {
		d := strings.IndexByte("0123456789abcdef", s.src[s.pos]|0x20)
		if d < 0 || s.src[s.pos] < '0' {
			break
		}
		value = value<<4 | rune(d)
		s.pos++
		n++
	}
	if n > 0 {
		if value == 0 || !utf8.ValidRune(value) {
			value = utf8.RuneError
		}
		text.WriteRune(value)
		if s.pos < len(s.src) && isSpace(s.src[s.pos]) {
			s.newline()
		}
		return
	}
	_, size := utf8.DecodeRuneInString(s.src[s.pos:])
	text.WriteString(s.src[s.pos : s.pos+size])
	s.pos += size
}

// newline reads one white space character; CR LF is one.
func (s *cssScanner) newline() {
	if strings.HasPrefix(s.src[s.pos:], "\r\n") {
		s.pos++
	}
	s.pos++
}

func (s *cssScanner) spaces() {
	for s.pos < len(s.src) && isSpace(s.src[s.pos]) {
		s.pos++
	}
}

func isName(c byte) bool {
	return isLetter(c) || c >= '0' && c <= '9' || c == '_' || c == '-' || c >= 0x80
}

func validEscape(s string) bool {
	return len(s) > 1 && s[0] == '\\' && s[1] != '\n' && s[1] != '\r' && s[1] != '\f'
}

func startsIdent(s string) bool {
	c := s[0]
	if c == '-' && len(s) > 1 {
		return s[1] == '-' || isName(s[1]) && (s[1] < '0' || s[1] > '9') || validEscape(s[1:])
	}
	return isLetter(c) || c == '_' || c >= 0x80 || validEscape(s)
}

// cssString quotes a URL as a CSS string.
func cssString(u string) string {
	const hex = "0123456789abcdef"
	var out strings.Builder
	out.WriteByte('"')
	// Byte by byte: a style sheet need not be UTF-8.
	for i := range len(u) {
		switch b := u[i]; {
		case b == '"' || b == '\\':
			out.WriteByte('\\')
			out.WriteByte(b)
		case b < 0x20 || b == 0x7f:
			out.WriteByte('\\')
			out.WriteByte(hex[b>>4])
			out.WriteByte(hex[b&15])
			out.WriteByte(' ')
		default:
			out.WriteByte(b)
		}
	}
	out.WriteByte('"')
	return out.String()
}
