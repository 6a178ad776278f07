package rewrite

import "bytes"

// state is where in the document the scanner is between two tokens or parts of one.
type state uint8

const (
	inData         state = iota
	inCommentStart       // right after <!--
	inComment
	inBogus        // a doctype, a bogus comment: up to the next '>'
	inInstruction  // XML: up to ?>
	inDeclaration  // XML: a doctype, perhaps with a subset
	inCharacters   // CDATA: up to ]]>
	inText         // of an element whose content is text, and passes
	inHeldText     // the same, held back because it is rewritten
	inForeignStyle // of a style element whose content is markup, held back
	inLongTag      // a tag past its bound
	inRest         // everything passes
)

// scanner is what is known about the document so far.
type scanner struct {
	state state
	xml   bool

	headState
	tree

	// plainHTML is set where nothing is of interest but single tags: past the head,
	// and not in SVG, a select and the like.
	plainHTML bool

	cut  cutTag
	long longTag
	text textScan
}

func (s *scanner) reset(o *DocumentOptions) {
	*s = scanner{xml: o.XML, tree: tree{open: s.open[:0]}, text: textScan{name: s.text.name[:0]}}
	s.headState.reset(o)
}

// scan reads tokens of b and edits them; it returns how much of b is finished.
func (d *Document) scan(b []byte) int {
	d.index.forget()
	i, more := 0, true
	for i < len(b) && more {
		switch d.state {
		case inData:
			i, more = d.data(b, i)
		case inCommentStart:
			i, more = d.commentStart(b, i)
		case inComment:
			i, more = d.comment(b, i)
		case inBogus:
			i, more = d.upTo(b, i, ">")
		case inInstruction:
			i, more = d.upTo(b, i, "?>")
		case inCharacters:
			i, more = d.upTo(b, i, "]]>")
		case inDeclaration:
			i = d.declaration(b, i)
		case inText:
			i, more = d.passText(b, i)
		case inHeldText:
			i, more = d.holdText(b, i)
		case inForeignStyle:
			i, more = d.foreignStyle(b, i)
		case inLongTag:
			i = d.longTag(b, i)
		case inRest:
			i = len(b)
		}
	}
	return i
}

// data reads text and tags. It returns where it stopped, and false where what
// begins there is not all there yet.
func (d *Document) data(b []byte, i int) (int, bool) {
	for d.state == inData {
		if d.mayPassOver(b, i) {
			i = d.passOver(b, i)
		}
		n := bytes.IndexByte(b[i:], '<')
		if n < 0 {
			d.seeText(b[i:])
			return len(b), true
		}
		if !d.settled {
			if d.seeText(b[i : i+n]); d.state != inData {
				return i, true
			}
		}
		i += n
		if i+1 == len(b) {
			return i, false
		}
		var next int
		var ok bool
		switch c := b[i+1]; {
		case classes[c]&classLetter != 0:
			next, ok = d.startTag(b, i)
		case c == '/':
			if next = bareEndTag(b, i); next > 0 && d.plainHTML && d.cut.at == 0 {
				i = next
				continue
			}
			next, ok = d.endTag(b, i)
		case c == '!':
			next, ok = d.markup(b, i)
		case c == '?':
			next, ok = i+2, true
			d.state, d.seen = inBogus, true
			if d.xml {
				d.state = inInstruction
			}
		default:
			next, ok = i+1, true
			d.seeText(b[i:next]) // text that begins with '<'
		}
		if !ok {
			return i, false
		}
		if i = next; i == len(b) {
			break
		}
	}
	return i, true
}

// bareEndTag returns where the end tag at i ends, 0 where it is not there yet or
// has more than a name.
func bareEndTag(b []byte, i int) int {
	if i+2 < len(b) && isLetter(b[i+2]) {
		for j := i + 3; j < len(b); j++ {
			if classes[b[j]]&classTagEnd == 0 {
				continue
			}
			if b[j] == '>' {
				return j + 1
			}
			break
		}
	}
	return 0
}

// markup reads what begins with <! up to where it says what it is.
func (d *Document) markup(b []byte, i int) (int, bool) {
	rest := b[i:]
	switch {
	case begins(rest, "<!--"):
		d.state, d.seen = inCommentStart, true
		return i + 4, true
	case startOf(rest, "<!--"):
		return i, false
	case d.xml || d.foreign():
		if begins(rest, cdata) {
			d.state = inCharacters
			return i + 9, true
		}
		if startOf(rest, cdata) {
			return i, false
		}
	}
	d.state, d.seen = inBogus, true
	if d.xml {
		d.state, d.text.quote, d.text.subset = inDeclaration, 0, false
	}
	return i + 2, true
}

func begins(b []byte, s string) bool { return len(b) >= len(s) && string(b[:len(s)]) == s }

// startOf reports whether b is too short to tell whether it begins with s.
func startOf(b []byte, s string) bool { return len(b) < len(s) && string(b) == s[:len(b)] }

// commentStart reads what follows <!--. In HTML <!--> and <!---> are whole
// comments (HTML, 13.2.5.43 and 44).
func (d *Document) commentStart(b []byte, i int) (int, bool) {
	switch {
	case d.xml:
	case b[i] == '>':
		return d.backToData(i + 1)
	case begins(b[i:], "->"):
		return d.backToData(i + 2)
	case startOf(b[i:], "->"):
		return i, false
	}
	d.state = inComment
	return i, true
}

func (d *Document) backToData(i int) (int, bool) {
	d.state = inData
	return i, true
}

// comment reads up to --> or, in HTML, --!>.
func (d *Document) comment(b []byte, i int) (int, bool) {
	for from := i; ; {
		n := bytes.IndexByte(b[from:], '>')
		if n < 0 {
			break
		}
		from += n + 1
		if c := b[i:from]; bytes.HasSuffix(c, []byte("-->")) || !d.xml && bytes.HasSuffix(c, []byte("--!>")) {
			return d.backToData(from)
		}
	}
	for _, start := range []string{"--!", "--", "-"} {
		if bytes.HasSuffix(b[i:], []byte(start)) {
			return len(b) - len(start), false
		}
	}
	return len(b), true
}

// upTo reads up to and with end.
func (d *Document) upTo(b []byte, i int, end string) (int, bool) {
	if n := bytes.Index(b[i:], []byte(end)); n >= 0 {
		return d.backToData(i + n + len(end))
	}
	for n := min(len(end)-1, len(b)-i); n > 0; n-- {
		if string(b[len(b)-n:]) == end[:n] {
			return len(b) - n, false
		}
	}
	return len(b), true
}

// declaration reads a doctype of XML. Its subset ends at a ']' that a '>'
// follows; quotes count outside it only, as a comment in it may hold one.
func (d *Document) declaration(b []byte, i int) int {
	t := &d.text
	for ; i < len(b); i++ {
		c := b[i]
		switch {
		case t.quote != 0:
			if c == t.quote {
				t.quote = 0
			}
		case t.subset && c == ']':
			t.subset, t.closing = false, true
		case c == '>':
			if !t.subset {
				t.closing = false
				d.state = inData
				return i + 1
			}
		case t.closing && !isSpace(c):
			t.subset, t.closing = c != ']', c == ']'
		case !t.subset && c == '[':
			t.subset = true
		case !t.subset && (c == '"' || c == '\''):
			t.quote = c
		}
	}
	return i
}
