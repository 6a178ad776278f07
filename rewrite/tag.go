package rewrite

import "bytes"

// cutTag is what was read of a tag whose end is not there yet, so that no part of
// it is read twice.
type cutTag struct {
	at    int // how far it was read, from its start; 0 where none waits
	named bool
	key   key
	press bool
}

// startTag reads the start tag at i. It returns false where its end is missing.
func (d *Document) startTag(b []byte, i int) (int, bool) {
	end, k, scan := d.readTag(b, i, i+1)
	if end == 0 {
		return d.waitForTag(b, i, false)
	}
	e := elements.find(k)
	if e < elSpecial && !scan.press && d.plainHTML {
		return end, true
	}
	d.beforeTag(b, i, e)
	t := openTag{element: e, key: k, press: scan.press, closed: scan.slash > 0 && scan.slash == end-2}
	if end-i <= maxHold {
		t.bytes = b[i:end]
	}
	d.afterTag(b, end, t)
	d.plainHTML = d.isPlain()
	return end, true
}

// isPlain reports whether the tree is of no interest where the scanner is.
func (d *Document) isPlain() bool {
	return d.settled && len(d.open) == 0 && !d.inSelect && d.templates == 0 && d.frames == 0
}

// endTag reads the end tag at i, or the bogus comment that </ may begin.
func (d *Document) endTag(b []byte, i int) (int, bool) {
	if i+2 == len(b) {
		return i, false
	}
	if !isLetter(b[i+2]) {
		d.state = inBogus
		return i + 2, true
	}
	end, k, _ := d.readTag(b, i, i+2)
	if end == 0 {
		return d.waitForTag(b, i, true)
	}
	if !d.plainHTML {
		d.afterEndTag(k)
		d.plainHTML = d.isPlain()
	}
	return end, true
}

// readTag reads a tag from its name on and returns its end, 0 where that is not
// there yet.
func (d *Document) readTag(b []byte, i, name int) (int, key, attributeScan) {
	j, t := name, cutTag{}
	if d.cut.at > 0 {
		t = d.cut
		j = i + t.at
		d.cut.at = 0
	}
	if !t.named {
		if t.key, j = readName(b, name, j, t.key, d.xml); j == len(b) {
			d.cut = cutTag{at: j - i, key: t.key}
			return 0, t.key, attributeScan{}
		}
	}
	end, next, scan := readAttributes(b, j, d.mapping && !t.press, d.every)
	scan.press = scan.press || t.press
	if end == 0 {
		d.cut = cutTag{at: next - i, named: true, key: t.key, press: scan.press}
	}
	return end, t.key, scan
}

// readName reads the name that begins at name on from j.
func readName(b []byte, name, j int, k key, xml bool) (key, int) {
	fold := classUpper
	if xml {
		fold = 0
	}
	for ; j < len(b); j++ {
		c := b[j]
		cl := classes[c]
		if cl&classTagEnd != 0 {
			break
		}
		k = k.add(c|byte(cl&fold), j-name)
	}
	return k, j
}

// attributeScan is what a first look at a tag's attributes tells.
type attributeScan struct {
	press bool // one of them may have to change
	slash int  // the place of the last '/' between them
}

// readAttributes reads from j, between two attributes, to the end of a tag (HTML,
// 13.2.5.32 and on). A quote counts only where a value begins. Where the end is
// not there yet it is 0, and next is the attribute to go on with, or a '/' that
// may be the last.
func readAttributes(b []byte, j int, mapping, every bool) (end, next int, scan attributeScan) {
	for next = j; j < len(b); next = j {
		c := b[j]
		if classes[c]&classTagEnd != 0 {
			if c == '>' {
				return j + 1, j, scan
			}
			if c == '/' {
				scan.slash = j
			}
			j++
			continue
		}
		for j++; j < len(b) && classes[b[j]]&classNameEnd == 0; j++ {
		}
		name := b[next:j]
		if j = skipSpace(b, j); j == len(b) {
			break
		}
		if b[j] != '=' {
			continue
		}
		if j = skipSpace(b, j+1); j == len(b) {
			break
		}
		var value []byte
		switch c = b[j]; c {
		case '"', '\'':
			n := bytes.IndexByte(b[j+1:], c)
			if n < 0 {
				return 0, next, scan
			}
			value = b[j+1 : j+1+n]
			j += n + 2
		case '>':
			continue
		default:
			from := j
			for j < len(b) && classes[b[j]]&classUnquoted == 0 {
				j++
			}
			if j == len(b) {
				return 0, next, scan
			}
			value = b[from:j]
		}
		if n := len(name); (n >= len(initials) || initials[n]>>(name[0]&31)&1 != 0) && mapping && !scan.press && len(value) > 0 {
			scan.press = presses(name, value, every)
		}
	}
	if scan.slash > 0 && scan.slash == next-1 {
		next = scan.slash
	}
	return 0, next, scan
}

// waitForTag keeps a tag back until its end is there, or lets it pass where it
// is past its bound.
func (d *Document) waitForTag(b []byte, i int, end bool) (int, bool) {
	if len(b)-i <= maxHold {
		return i, false
	}
	e := elements.find(d.cut.key)
	d.long = longTag{openTag: openTag{element: e, key: d.cut.key}, end: end}
	d.cut.at = 0
	d.state = inLongTag
	if end {
		return i + 2, true
	}
	d.beforeTag(b, i, e)
	return i + 1, true
}

// openTag is a start tag.
type openTag struct {
	bytes   []byte // nil past the bound: its attributes are not looked at
	element element
	key     key
	press   bool // one of its attributes may have to change
	closed  bool // it ends in a '/' of its own
}

// longTag is a tag past its bound: it is read byte by byte, and changed nowhere.
type longTag struct {
	openTag
	end   bool // an end tag
	part  tagPart
	quote byte
}

type tagPart uint8

const (
	partTagName tagPart = iota
	partBetween
	partName
	partAfterName
	partEquals
	partQuoted
	partUnquoted
)

// longTag reads on in a long tag and returns where it stopped.
func (d *Document) longTag(b []byte, i int) int {
	t := &d.long
	for i < len(b) {
		if t.part == partQuoted {
			n := bytes.IndexByte(b[i:], t.quote)
			if n < 0 {
				return len(b)
			}
			i += n + 1
			t.part = partBetween
			continue
		}
		c := b[i]
		i++
		if c == '>' {
			d.endLongTag(b, i)
			return i
		}
		t.read(c)
	}
	return i
}

func (t *longTag) read(c byte) {
	space := isSpace(c)
	switch t.part {
	case partUnquoted:
		if space {
			t.part = partBetween
		}
		return
	case partEquals:
		switch {
		case c == '"' || c == '\'':
			t.part, t.quote = partQuoted, c
		case !space:
			t.part = partUnquoted
		}
		return
	case partTagName:
		if !space && c != '/' {
			return
		}
		t.part = partBetween
	}
	t.closed = c == '/'
	switch {
	case c == '/':
		t.part = partBetween
	case space:
		if t.part == partName {
			t.part = partAfterName
		}
	case c == '=' && t.part != partBetween:
		t.part = partEquals
	default:
		t.part = partName
	}
}

func (d *Document) endLongTag(b []byte, i int) {
	d.state = inData
	if d.long.end {
		d.afterEndTag(d.long.key)
	} else {
		d.afterTag(b, i, d.long.openTag)
	}
	d.plainHTML = d.isPlain()
}
