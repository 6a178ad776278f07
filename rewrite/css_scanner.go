package rewrite

import "strings"

const (
	// maxToken is the longest token that is looked at. What is longer, a data:
	// URL in practice, passes as it is.
	maxToken = 64 << 10
	// maxName is longer than any name of interest, with every letter escaped.
	maxName = 256
	// maxOpen bounds how deep within brackets the strings of other functions than
	// url() are looked at.
	maxOpen = 64
)

// cssMode is the token that is being read.
type cssMode uint8

const (
	cssText   cssMode = iota // none
	cssImport                // what @import is followed by
	cssComment
	cssString
	cssURLSpace // after url(: a quote makes it a function
	cssURL
	cssURLEnd // white space after an unquoted URL
	cssBadURL
	cssName // an identifier with escapes
	cssAt
	cssRaw // a sheet that is not read
)

// cssPrelude is the at-rule whose block or semicolon has not come yet.
type cssPrelude uint8

const (
	cssOther cssPrelude = iota
	cssNoURLs
	cssFontFace
)

// cssScanner reads a style sheet token by token (CSS Syntax 3, 4), as far as
// that bears on where URLs are. It can stop at any byte and go on when more has
// come: every token is told by its mode, and how far it was read by pos.
//
// Identifiers are not read one by one: only when a bracket comes does it look
// back at the name before it. That finds the same functions, for a name that
// continues a number or a hash is never one of interest.
type cssScanner struct {
	m    Mapper
	base []byte
	all  bool                // m has to see every URL
	each func(string) string // stands for m in [CSS]

	buf     []byte
	final   bool // nothing comes after buf
	pos     int
	kept    int    // buf up to here is in out
	out     []byte // buf[:kept] with changes
	changed bool

	begun bool
	mode  cssMode
	after cssMode // what comes after a comment
	start int     // of the token, −1 where it stays as it is
	from  int     // of an unquoted URL's text
	to    int
	floor int // no name goes back before it
	want  int // where a function would be what is imported
	quote byte
	use   Use // of the URL that is being read

	prelude cssPrelude
	depth   int // of blocks
	font    int // depth within @font-face, 0 outside
	// open holds for each open bracket what a string in it is: 0 for no URL,
	// else its use and 1. opened may be more than its length.
	open   [maxOpen]uint8
	opened int

	text, mapped []byte
}

func (s *cssScanner) reset(m Mapper, base []byte) {
	*s = cssScanner{m: m, base: base, start: -1, want: -1, text: s.text, mapped: s.mapped, all: len(base) > 0}
	if m != nil {
		s.all = s.all || m.All()
	}
}

// run reads buf as far as it can be told what it holds.
func (s *cssScanner) run() {
	if !s.begun && !s.begin() {
		return
	}
	for s.pos < len(s.buf) || s.final && s.mode > cssImport {
		if !s.step() {
			return
		}
	}
}

const utf8Mark = "\xEF\xBB\xBF"

// begin reads a byte order mark; false where more has to come. A sheet in
// UTF-16 stays as it is.
func (s *cssScanner) begin() bool {
	mark := string(s.buf[:min(len(s.buf), len(utf8Mark))])
	if !s.final && (len(mark) < len(utf8Mark) && strings.HasPrefix(utf8Mark, mark) || mark == "\xFE" || mark == "\xFF") {
		return false
	}
	s.begun = true
	switch {
	case mark == utf8Mark:
		s.pos, s.floor = len(mark), len(mark)
	case strings.HasPrefix(mark, "\xFE\xFF"), strings.HasPrefix(mark, "\xFF\xFE"):
		s.mode = cssRaw
	}
	return true
}

// step reads on; false where more input has to come.
func (s *cssScanner) step() bool {
	switch s.mode {
	case cssText:
		return s.plain()
	case cssImport:
		return s.imported()
	case cssComment:
		return s.comment()
	case cssString:
		return s.str()
	case cssURLSpace:
		return s.urlSpace()
	case cssURL:
		return s.url()
	case cssURLEnd:
		return s.urlEnd()
	case cssBadURL:
		return s.badURL()
	case cssName, cssAt:
		return s.name()
	}
	s.pos = len(s.buf)
	return false
}

// plain skips to what has to be looked at.
func (s *cssScanner) plain() bool {
	b, i, stop := s.buf, s.pos, cssStop
	if s.prelude != cssOther {
		stop |= cssPreludeStop
	}
	for i < len(b) && cssClass[b[i]]&stop == 0 {
		i++
	}
	s.pos = i
	if i == len(b) {
		return false
	}
	switch c := b[i]; c {
	case '"', '\'':
		s.begins(cssString)
		if s.opened > 0 && s.opened <= maxOpen && s.open[s.opened-1] != 0 {
			s.start, s.use = i, Use(s.open[s.opened-1]-1)
		}
	case '/':
		return s.slash(cssText)
	case '(':
		s.bracket()
	case ')':
		s.opened = max(s.opened-1, 0)
		s.pos++
	case '{', '}':
		s.block(c)
	case ';':
		s.prelude = cssOther
		s.pos++
	case '@':
		s.begins(cssAt)
		s.start = i
	case '<':
		return s.lessThan()
	case '\\':
		return s.backslash()
	}
	return true
}

// begins starts on a token whose first byte tells its kind.
func (s *cssScanner) begins(mode cssMode) {
	s.mode, s.start, s.quote = mode, -1, s.buf[s.pos]
	s.pos++
}

// slash may begin a comment, after which the mode is as told.
func (s *cssScanner) slash(after cssMode) bool {
	switch rest := s.buf[s.pos:]; {
	case len(rest) == 1 && !s.final:
		return false
	case len(rest) > 1 && rest[1] == '*':
		s.begins(cssComment)
		s.after = after
	default:
		s.mode = cssText
	}
	s.pos++
	return true
}

// lessThan may begin "<!--", which ends in no name: "<!--url(x)" holds a URL.
func (s *cssScanner) lessThan() bool {
	const cdo = "<!--"
	rest := s.buf[s.pos:min(s.pos+len(cdo), len(s.buf))]
	switch {
	case string(rest) == cdo:
		s.pos += len(cdo)
		s.floor = s.pos
	case !s.final && cdo[:len(rest)] == string(rest):
		return false
	default:
		s.pos++
	}
	return true
}

// backslash may be an escape in a name, which may have begun before it.
func (s *cssScanner) backslash() bool {
	switch i := s.pos; {
	case i+1 == len(s.buf) && !s.final:
		return false
	case i+1 < len(s.buf) && isNewline(s.buf[i+1]):
		s.pos++
	default:
		s.mode, s.start = cssName, s.nameStart(i)
		if s.isHash(s.start) {
			s.start = -1
		}
	}
	return true
}

// nameStart looks back from end to where the name before it begins.
func (s *cssScanner) nameStart(end int) int {
	least := max(s.floor, end-maxName)
	for end > least && cssClass[s.buf[end-1]]&cssNameByte != 0 {
		end--
	}
	return end
}

func (s *cssScanner) isHash(name int) bool { return name > s.floor && s.buf[name-1] == '#' }

func (s *cssScanner) bracket() {
	start := s.nameStart(s.pos)
	if s.isHash(start) {
		s.function(-1, nil)
		return
	}
	s.function(start, s.buf[start:s.pos])
}

// name reads on in an identifier or an at-keyword.
func (s *cssScanner) name() bool {
	if !s.toNameEnd() {
		return false
	}
	start, at := s.start, s.mode == cssAt
	s.mode, s.start, s.floor = cssText, -1, s.pos
	if start < 0 || s.pos-start > maxName {
		return true
	}
	switch {
	case at:
		s.rule(s.decoded(s.buf[start+1:s.pos], false))
	case s.pos < len(s.buf) && s.buf[s.pos] == '(':
		s.function(start, s.decoded(s.buf[start:s.pos], false))
	}
	return true
}

func (s *cssScanner) toNameEnd() bool {
	for s.pos < len(s.buf) {
		c := s.buf[s.pos]
		switch {
		case cssClass[c]&cssNameByte != 0:
			s.pos++
		case c != '\\':
			return true
		case s.pos+1 < len(s.buf) && isNewline(s.buf[s.pos+1]):
			return true
		default:
			next := skipEscape(s.buf, s.pos, s.final)
			if next < 0 {
				return false
			}
			s.pos = next
		}
	}
	return s.final
}

// rule notes what a rule of that name means for the URLs in it.
func (s *cssScanner) rule(name []byte) {
	s.prelude = cssOther
	switch {
	case equalFold(name, "import"):
		if s.depth == 0 {
			s.mode = cssImport
		}
	case equalFold(name, "namespace"), equalFold(name, "document"), equalFold(name, "-moz-document"):
		s.prelude = cssNoURLs // names, and pages that the rule is for
	case equalFold(name, "font-face"):
		s.prelude = cssFontFace
	}
}

// block reads a brace. It ends every bracket: values hold no blocks, and what
// a sheet forgot to close must not reach into the next rule.
func (s *cssScanner) block(brace byte) {
	s.pos++
	s.opened = 0
	if brace == '{' {
		s.depth++
		if s.prelude == cssFontFace {
			s.font = s.depth
		}
	} else if s.depth > 0 {
		s.depth--
		if s.depth < s.font {
			s.font = 0
		}
	}
	s.prelude = cssOther
}

// imported reads what follows @import: a string or a URL comes first.
func (s *cssScanner) imported() bool {
	s.pos = skipCSSSpace(s.buf, s.pos)
	if s.pos == len(s.buf) {
		return false
	}
	switch s.buf[s.pos] {
	case '/':
		return s.slash(cssImport)
	case '"', '\'':
		s.begins(cssString)
		s.start, s.use = s.pos-1, UseStyle
	default:
		s.mode, s.want = cssText, s.pos
	}
	return true
}

// function reads the bracket after a name that begins at start.
func (s *cssScanner) function(start int, name []byte) {
	s.pos++
	imports := start >= 0 && start == s.want
	use := UseImage
	switch {
	case imports:
		use = UseStyle
	case s.font > 0:
		use = UseFont
	}
	switch {
	case s.prelude == cssNoURLs:
		s.push(0)
		if equalFold(name, "url") {
			s.opened--
			s.mode, s.start = cssURLSpace, -1
		}
	case equalFold(name, "url"):
		s.mode, s.start, s.use = cssURLSpace, start, use
	case equalFold(name, "src"), !imports && takesStrings(name):
		s.push(1 + uint8(use))
	default:
		s.push(0)
	}
}

// takesStrings tells the functions in which a string is an image's URL (CSS
// Images 4, 2.2 and 2.5).
func takesStrings(name []byte) bool {
	return equalFold(name, "image-set") || equalFold(name, "-webkit-image-set") || equalFold(name, "image")
}

func (s *cssScanner) push(inside uint8) {
	if s.opened < maxOpen {
		s.open[s.opened] = inside
	}
	s.opened++
}
