package rewrite

import "bytes"

// maxNested bounds how deep documents within documents are rewritten.
const maxNested = 4

// srcdoc rewrites the document in an iframe's attribute: it is a page of its own
// with its own tag, and with the URLs of this one (HTML, 2.4.3, fallback base).
func (d *Document) srcdoc(tag []byte, s *span) {
	text := d.plain(tag[s.from:s.to])
	wide := d.wide
	if out, changed := d.nested(text, d.opts.Tag); changed {
		d.wide = wide
		d.replace(tag, s, s.from, s.to, text, out)
	}
}

// nested rewrites a document within this one. The result is good until the next.
func (d *Document) nested(text []byte, tag string) ([]byte, bool) {
	if d.depth >= maxNested {
		return nil, false
	}
	if d.inner == nil {
		d.inner = &Document{}
	}
	in := d.inner
	d.sheet.bytes = d.sheet.bytes[:0]
	in.Reset(&d.sheet, DocumentOptions{Tag: tag, Map: d.opts.Map, Charset: "utf-8"})
	in.depth = d.depth + 1
	in.base = append(in.base[:0], d.base...)
	in.every = d.every
	in.charset.quiet = true
	// The buffer takes everything, so that neither can fail.
	_, _ = in.Write(text)
	_ = in.Close()
	return d.sheet.bytes, !bytes.Equal(d.sheet.bytes, text)
}

// rewriteText rewrites what b[from:to] holds, the text of an element.
func (d *Document) rewriteText(b []byte, from, to int) {
	text := b[from:to]
	var out []byte
	changed := false
	switch d.text.kind {
	case heldStyle:
		out, changed = AppendCSS(d.mapped[:0], text, d.base, d.opts.Map)
		d.mapped = out[:0]
	case heldImports:
		out, changed = d.appendImports(d.mapped[:0], text)
		d.mapped = out[:0]
	case heldMarkup:
		out, changed = d.nested(text, "")
	}
	if changed && !d.endsEarly(out) {
		d.edit(b, from, to, out)
	}
}

// endsEarly reports whether text would end its element.
func (d *Document) endsEarly(text []byte) bool {
	for {
		i := bytes.IndexByte(text, '<')
		if i < 0 {
			return false
		}
		if text = text[i:]; named(text, "</", d.text.name) != no {
			return true
		}
		text = text[1:]
	}
}

// rewriteMarkedText rewrites the text and CDATA sections of a style element.
func (d *Document) rewriteMarkedText(b []byte, from, to int) {
	for from < to {
		end := to
		section := begins(b[from:to], cdata)
		if section {
			from += len(cdata)
			end = from + bytes.Index(b[from:to], []byte("]]>"))
		} else if n := bytes.IndexByte(b[from:to], '<'); n >= 0 {
			end = from + n
		}
		d.sheetPart(b, from, end, section)
		if from = end; section {
			from += len("]]>")
		}
	}
}

func (d *Document) sheetPart(b []byte, from, to int, section bool) {
	text := b[from:to]
	if !section {
		text = d.plain(text)
	}
	out, changed := AppendCSS(d.mapped[:0], text, d.base, d.opts.Map)
	d.mapped = out[:0]
	switch {
	case !changed || section && bytes.Contains(out, []byte("]]>")):
	case section:
		d.edit(b, from, to, out)
	default:
		d.joined = escape{xml: true, numeric: d.wide}.append(d.joined[:0], out)
		d.edit(b, from, to, d.joined)
	}
}
