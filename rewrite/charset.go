package rewrite

import (
	"bytes"
	"strings"
)

// coding is how the document's bytes are read. In an encoding that agrees with
// ASCII markup is found byte by byte: no byte of a character of Shift_JIS, GBK,
// Big5 or a windows code page is one of < > " ' & =, so that none is decoded.
type coding uint8

const (
	codingSniff coding = iota // not known yet
	codingASCII               // agrees with ASCII
	codingLittle
	codingBig
	codingJIS // ISO-2022-JP
)

// prescan is how far a <meta charset> is looked for (HTML, 13.2.3.2).
const prescan = 1024

// transcoder leads a document that does not agree with ASCII through a form
// that does, and back. Each byte comes back as it was.
type transcoder struct {
	coding coding
	label  string // of the header, in lower case
	quiet  bool   // no byte order mark, no meta: an attribute's text

	first  [prescan]byte // of the document, while the coding is not known
	seen   int           // how many there are
	passed int           // how many of them went on

	pending []byte // UTF-16: half a character
	room    []byte // the other form of what is on its way in
	back    []byte // the same on its way out
	in, out jisState
}

func (t *transcoder) reset(label string) {
	t.coding, t.quiet, t.seen, t.passed = codingSniff, false, 0, 0
	t.label = strings.ToLower(strings.Trim(label, " \t\"'"))
	t.pending, t.room, t.back = t.pending[:0], reuse(t.room), reuse(t.back)
	t.in, t.out = jisState{}, jisState{}
}

// idle reports whether nothing is held back.
func (t *transcoder) idle() bool { return len(t.pending) == 0 && t.passed == t.seen }

// ascii reports whether markup may stand here: not within Japanese text.
func (t *transcoder) ascii() bool {
	return t.coding != codingJIS || t.in.mode == jisASCII && t.in.escape == 0
}

// coding of a label of the Encoding standard, 4.2; codingASCII for those that
// agree with ASCII.
func labelCoding(label string) coding {
	switch label {
	case "utf-16", "utf-16le", "ucs-2", "iso-10646-ucs-2", "unicode", "csunicode", "unicodefeff":
		return codingLittle
	case "utf-16be", "unicodefffe":
		return codingBig
	case "iso-2022-jp", "csiso2022jp":
		return codingJIS
	}
	return codingASCII
}

// decode takes p, in the document's encoding.
func (d *Document) decode(p []byte) {
	if d.charset.coding == codingSniff {
		p = d.sniff(p)
	}
	if len(p) > 0 {
		d.convert(p)
	}
}

// sniff finds the encoding out: by a byte order mark, the header, a meta element,
// in that order. It returns what of p is left.
func (d *Document) sniff(p []byte) []byte {
	t := &d.charset
	if t.quiet {
		t.coding = codingASCII
		return p
	}
	n := copy(t.first[t.seen:], p)
	t.seen += n
	p = p[n:]
	head := t.first[:t.seen]
	if t.passed == 0 {
		mark, coding, ok := byteOrderMark(head)
		switch {
		case !ok:
			return nil
		case mark > 0:
			d.pass(head[:mark])
			t.passed = mark
			return d.known(coding, p)
		case t.label != "":
			return d.known(labelCoding(t.label), p)
		}
	}
	if t.seen == prescan {
		return d.known(d.guess(), p)
	}
	// Until an escape comes it makes no difference.
	if bytes.IndexByte(head, 0x1B) < 0 {
		fresh := head[t.passed:]
		t.passed = t.seen
		d.take(fresh)
	}
	return p
}

// known goes on in a coding, with what was kept back so far.
func (d *Document) known(c coding, p []byte) []byte {
	t := &d.charset
	t.coding = c
	fresh := t.first[t.passed:t.seen]
	t.passed = t.seen
	d.convert(fresh)
	return p
}

// guess is the coding without a header. Browsers find unlabelled ISO-2022-JP by
// its escapes.
func (d *Document) guess() coding {
	head := d.charset.first[:d.charset.seen]
	label := metaCharset(head)
	if label == "" && bytes.Contains(head, []byte("\x1B$")) {
		return codingJIS
	}
	if c := labelCoding(label); c == codingJIS {
		return c
	}
	return codingASCII // a meta element that can be read is not UTF-16
}

// byteOrderMark returns the length of a byte order mark and the coding it
// names; false where more bytes have to decide.
func byteOrderMark(b []byte) (int, coding, bool) {
	for _, m := range []struct {
		mark   string
		coding coding
	}{{"\xEF\xBB\xBF", codingASCII}, {"\xFE\xFF", codingBig}, {"\xFF\xFE", codingLittle}} {
		if begins(b, m.mark) {
			return len(m.mark), m.coding, true
		}
		if startOf(b, m.mark) {
			return 0, 0, false
		}
	}
	return 0, 0, true
}

// convert leads bytes of a known coding to the scanner.
func (d *Document) convert(p []byte) {
	t := &d.charset
	switch {
	case d.state == inRest && len(d.held) == 0:
		d.passOn(p)
	case t.coding == codingJIS:
		t.room = t.in.encode(t.room[:0], p)
		d.take(t.room)
	case t.coding == codingLittle || t.coding == codingBig:
		d.convertWide(p)
	default:
		d.take(p)
	}
}

// passOn writes what needs no look any more, in the document's own encoding.
func (d *Document) passOn(p []byte) {
	t := &d.charset
	if len(t.pending) > 0 {
		d.pass(t.pending)
		t.pending = t.pending[:0]
	}
	d.pass(p)
}

// encode writes b, which comes from the scanner.
func (d *Document) encode(b []byte) {
	t := &d.charset
	switch t.coding {
	case codingJIS:
		t.back = t.out.decode(t.back[:0], b)
		d.pass(t.back)
	case codingLittle, codingBig:
		t.back = appendUnits(t.back[:0], b, t.coding)
		d.pass(t.back)
	default:
		d.pass(b)
	}
}

// endDecoding decides at the end what could not be decided before.
func (d *Document) endDecoding() {
	t := &d.charset
	if t.coding != codingSniff {
		return
	}
	if t.passed == 0 && t.label != "" {
		d.known(labelCoding(t.label), nil)
		return
	}
	d.known(d.guess(), nil)
}

// endEncoding writes half a character that is left.
func (d *Document) endEncoding() {
	d.passOn(nil)
}
