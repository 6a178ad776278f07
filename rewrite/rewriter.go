package rewrite

import "slices"

// rewriter is what a Document needs to change tags. Its buffers are used again
// for each, so that a page costs no allocation.
type rewriter struct {
	mapping bool   // URLs are mapped
	every   bool   // the mapper sees each of them
	based   bool   // the first base element was there
	base    []byte // its href

	spans   []span
	changes []change
	texts   []byte // of the changes
	altered bool   // what a URL of this tag leads to has other bytes
	wide    bool   // the value at hand held references to what is not ASCII

	plainValue, mapped, joined, origin []byte
	listUse                            Use
	mapItem                            mapFunc // maps a URL of a list, for listUse

	inner *Document // of srcdoc and noscript
	depth int
	sheet buffer
}

// change puts texts[start:end] in place of the bytes from:to of a tag.
type change struct{ from, to, start, end int }

// buffer is the end of an inner document.
type buffer struct{ bytes []byte }

func (w *buffer) Write(p []byte) (int, error) {
	w.bytes = append(w.bytes, p...)
	return len(p), nil
}

func (r *rewriter) reset(o *DocumentOptions) {
	r.mapping = o.Map != nil
	r.every = r.mapping && o.Map.All()
	r.based, r.base = false, r.base[:0]
	r.altered, r.wide, r.depth = false, false, 0
	r.spans, r.changes = r.spans[:0], r.changes[:0]
	if cap(r.spans) > maxKept/64 {
		r.spans, r.changes = nil, nil
	}
	for _, b := range []*[]byte{&r.texts, &r.plainValue, &r.mapped, &r.joined, &r.origin, &r.sheet.bytes} {
		*b = reuse(*b)
	}
}

// giveUp lets the rest pass: markup that parsers read in different ways, or text
// to the end of the document.
func (d *Document) giveUp() {
	d.mapping, d.placed, d.head = false, true, false
	d.settle()
}

// afterTag does what a start tag asks for, and goes on to its content. The tag
// ends at end.
func (d *Document) afterTag(b []byte, end int, t openTag) {
	space := spaceHTML
	if !d.xml {
		space = d.openElement(&t)
	}
	if t.bytes != nil {
		d.rewriteTag(&t, space)
		d.apply(b, end-len(t.bytes))
	}
	if t.element == elTemplate && space == spaceHTML && (!d.xml || !t.closed) {
		d.templates++
	}
	if d.state == inData {
		switch {
		case d.mapping && t.element == elStyle && (d.xml || space != spaceHTML):
			if !t.closed {
				d.state, d.text.looked = inForeignStyle, 0
			}
		case !d.xml && space == spaceHTML:
			d.afterOpening(&t)
		}
	}
	if !d.settled {
		d.atHead(b, end, &t)
	}
}

// rewriteTag gathers what has to change in a tag.
func (d *Document) rewriteTag(t *openTag, space namespace) {
	e := t.element
	switch {
	case e == elMeta && (d.mapping || d.head):
	case d.mapping && (t.press || e == elBase || e == elParam):
	default:
		return
	}
	find := attributeHTML
	if d.xml {
		find = attributeXML
	}
	d.spans = spans(d.spans[:0], t.bytes, nameEnd(t.bytes), find)
	d.altered = false
	if e == elMeta && space == spaceHTML {
		d.meta(t.bytes)
	}
	if !d.mapping {
		return
	}
	integrity := attr(d.spans, atIntegrity) >= 0
	for i := range d.spans {
		d.rewriteAttribute(t.bytes, &d.spans[i], e, integrity)
	}
	if e == elBase && space == spaceHTML {
		d.noteBase(t.bytes)
	}
	for i := range d.spans {
		if s := &d.spans[i]; d.altered && s.name == atIntegrity {
			d.remove(t.bytes, s)
		}
	}
}

func nameEnd(tag []byte) int {
	i := 1
	for classes[tag[i]]&classTagEnd == 0 {
		i++
	}
	return i
}

// rewriteAttribute maps what an attribute holds.
func (d *Document) rewriteAttribute(tag []byte, s *span, e element, force bool) {
	raw := tag[s.from:s.to]
	switch s.name {
	case atStyle:
		if mayNameInStyle(raw, d.every) {
			d.style(tag, s)
		}
	case atHandler:
		if bearsLiteral(raw) {
			d.literals(tag, s, d.plain(raw))
		}
	case atSrcdoc:
		if e == elIframe {
			d.srcdoc(tag, s)
		}
	case atSrcset, atImagesrcset:
		d.list(tag, s, UseImage, AppendSrcset)
	case atPing, atAttributionsrc:
		d.list(tag, s, UseConnect, appendWords)
	case atArchive:
		split := appendWords
		if e == elApplet {
			split = appendCommaWords
		}
		d.list(tag, s, UseScript, split)
	case atProfile:
		if e == elHead {
			d.list(tag, s, UseMention, appendWords)
		}
	default:
		if use, ok := d.use(tag, s.name, e); ok {
			d.url(tag, s, use, force)
		}
	}
}

// remove takes an attribute out, with the white space before it where nothing
// else needs that.
func (d *Document) remove(tag []byte, s *span) {
	from := s.at
	if next := tag[s.stop]; next == '/' || classes[next]&classTagEnd == 0 {
		for classes[tag[from]]&classTagEnd != 0 {
			from++
		}
	}
	d.changes = append(d.changes, change{from: from, to: s.stop})
}

// apply edits the changes of the tag that starts at a place.
func (d *Document) apply(b []byte, at int) {
	if len(d.changes) == 0 {
		return
	}
	slices.SortFunc(d.changes, func(a, b change) int { return a.from - b.from })
	for _, c := range d.changes {
		d.edit(b, at+c.from, at+c.to, d.texts[c.start:c.end])
	}
	d.changes, d.texts = d.changes[:0], d.texts[:0]
}

// put changes a place of the tag at hand.
func (d *Document) put(from, to int, text []byte) {
	start := len(d.texts)
	d.texts = append(d.texts, text...)
	d.changes = append(d.changes, change{from, to, start, len(d.texts)})
}
