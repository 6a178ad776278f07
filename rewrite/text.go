package rewrite

import "bytes"

// textScan is where the scanner is in an element whose content is text, and in
// a doctype of XML.
type textScan struct {
	name   []byte  // of the element, in lower case
	script bool    // it is a script: comments and scripts within it count
	nested nesting // how deep in those it is
	looked int     // how much of held text was searched
	kind   heldKind

	quote           byte
	subset, closing bool
}

// nesting is a state of script data (HTML, 13.2.5.4 and from 13.2.5.18 on).
type nesting uint8

const (
	plainScript   nesting = iota
	escapedScript         // after <!--
	doubleScript          // after <script in that: </script> only leads back
)

// heldKind says how held text is rewritten.
type heldKind uint8

const (
	heldStyle heldKind = iota
	heldImports
	heldMarkup // noscript
)

// beginText starts the content of an element whose content is text.
func (d *Document) beginText(t *openTag) {
	d.text.name = d.text.name[:0]
	for k := t.key; k != 0; k >>= 8 { // none of these names is longer than a key holds
		d.text.name = append(d.text.name, byte(k))
	}
	d.text.script, d.text.nested, d.text.looked = t.element == elScript, plainScript, 0
	if t.key == keyTextarea {
		d.inSelect = false // it closes a select
	}
	d.state = inText
	if !d.mapping {
		return
	}
	switch t.element {
	case elStyle:
		d.state, d.text.kind = inHeldText, heldStyle
	case elNoscript:
		d.state, d.text.kind = inHeldText, heldMarkup
	case elScript:
		if d.isImportMap(t) {
			d.state, d.text.kind = inHeldText, heldImports
		}
	}
}

// afterOpening goes on to the content of an element of HTML: markup or text.
func (d *Document) afterOpening(t *openTag) {
	e := t.element
	switch {
	case e == elPlaintext, d.ambiguous(t):
		d.giveUp()
	case e == elSelect:
		d.inSelect = !d.inSelect
	case e == elInput:
		d.inSelect = false
	case e == elFrameset:
		d.frames++
	case e.has(rawText):
		d.beginText(t)
	}
}

// ambiguous reports whether parsers differ about an element's content: in a
// select or a frameset older ones drop the tag and read on, so that text to one
// is markup to the other.
func (d *Document) ambiguous(t *openTag) bool {
	e := t.element
	switch {
	case d.inSelect:
		return e.has(rawText) && e != elScript && t.key != keyTextarea || e == elSVG || e == elMath
	case d.frames > 0:
		return e.has(rawText) && e != elNoframes || e == elSVG || e == elMath
	}
	return false
}

var keyTextarea = keyOf("textarea")

// passText lets text pass up to the end tag.
func (d *Document) passText(b []byte, i int) (int, bool) {
	at, found := d.textEnd(b, i)
	if found {
		d.state = inData
	}
	return at, found
}

// holdText keeps text back until its end is there, and rewrites it then.
func (d *Document) holdText(b []byte, i int) (int, bool) {
	at, found := d.textEnd(b, i+d.text.looked)
	switch {
	case at-i > maxText:
		d.state = inText
		if found {
			d.state = inData
		}
		return at, found
	case !found:
		d.text.looked = at - i
		return i, false
	}
	d.state = inData
	d.rewriteText(b, i, at)
	return at, true
}

// textEnd looks for the end tag from i on. Without it, it returns how far the
// search came.
func (d *Document) textEnd(b []byte, i int) (int, bool) {
	if d.text.script {
		return d.scriptEnd(b, i)
	}
	for {
		n := bytes.IndexByte(b[i:], '<')
		if n < 0 {
			return len(b), false
		}
		i += n
		switch named(b[i:], "</", d.text.name) {
		case yes:
			return i, true
		case undecided:
			return i, false
		}
		i++
	}
}

// scriptEnd is textEnd for a script.
func (d *Document) scriptEnd(b []byte, i int) (int, bool) {
	t := &d.text
	for {
		n := bytes.IndexByte(b[i:], '<')
		if t.nested != plainScript {
			part := b[i:]
			if n >= 0 {
				part = part[:n]
			}
			if end := bytes.Index(part, []byte("-->")); end >= 0 {
				t.nested = plainScript
				i += end + 3
				continue
			}
		}
		if n < 0 {
			return len(b) - d.dashes(b[i:]), false
		}
		i += n
		switch d.markOf(b[i:]) {
		case markEnd:
			return i, true
		case markCut:
			return i, false
		case markComment:
			i += 2 // its dashes may belong to a --> as well
			continue
		}
		i++
	}
}

// dashes counts the dashes at the end of b that may begin a -->.
func (d *Document) dashes(b []byte) int {
	n := 0
	for d.text.nested != plainScript && n < 2 && n < len(b) && b[len(b)-1-n] == '-' {
		n++
	}
	return n
}

type scriptMark uint8

const (
	markNone scriptMark = iota
	markEnd
	markCut
	markComment
)

// markOf reads what a '<' in a script begins.
func (d *Document) markOf(b []byte) scriptMark {
	t := &d.text
	end := named(b, "</", t.name)
	if end == yes {
		if t.nested != doubleScript {
			return markEnd
		}
		t.nested = escapedScript
		return markNone
	}
	if t.nested == plainScript {
		if begins(b, "<!--") {
			t.nested = escapedScript
			return markComment
		}
		if end == undecided || startOf(b, "<!--") {
			return markCut
		}
		return markNone
	}
	start := named(b, "<", t.name)
	if end == undecided || start == undecided {
		return markCut
	}
	if start == yes && t.nested == escapedScript {
		t.nested = doubleScript
	}
	return markNone
}

type answer uint8

const (
	no answer = iota
	yes
	undecided
)

// named reports whether b begins with a prefix and a whole name.
func named(b []byte, prefix string, name []byte) answer {
	if startOf(b, prefix) {
		return undecided
	}
	if !begins(b, prefix) {
		return no
	}
	b = b[len(prefix):]
	for i, c := range name {
		if i == len(b) {
			return undecided
		}
		if lower(b[i]) != c {
			return no
		}
	}
	switch {
	case len(b) == len(name):
		return undecided
	case classes[b[len(name)]]&classTagEnd != 0:
		return yes
	}
	return no
}

// foreignStyle reads the content of a style element that is markup, as in SVG
// and XML. It is rewritten where it is text and CDATA alone.
func (d *Document) foreignStyle(b []byte, i int) (int, bool) {
	at, reach, end := styleEnd(b, i+d.text.looked)
	switch {
	case reach-i > maxText:
	case end == undecided:
		d.text.looked = at - i
		return i, false
	case end == yes:
		d.rewriteMarkedText(b, i, at)
		i = at
	}
	d.state = inData
	return i, true
}

var nameStyle = []byte("style")

// styleEnd looks for the end tag of a style element from at on. It returns no
// where there is other markup first; where the end is not there yet, from where
// to look again, and a place before which it cannot be.
func styleEnd(b []byte, at int) (from, reach int, end answer) {
	for {
		n := bytes.IndexByte(b[at:], '<')
		if n < 0 {
			return len(b), len(b), undecided
		}
		at += n
		rest := b[at:]
		switch end := named(rest, "</", nameStyle); {
		case end == yes:
			return at, at, yes
		case begins(rest, cdata):
			n = bytes.Index(rest, []byte("]]>"))
			if n < 0 {
				return at, len(b), undecided
			}
			at += n + len("]]>")
		case end == undecided || startOf(rest, cdata):
			return at, at, undecided
		default:
			return at, at, no
		}
	}
}

const cdata = "<![CDATA["
