package rewrite

// headState is what is known about the head: where the tag comes, and whether
// policies are still looked for.
type headState struct {
	placed    bool // the tag's place was found, or there is no tag
	injected  bool
	head      bool // policies may still come
	settled   bool // neither is of interest any more
	seen      bool // something that is not white space
	root      bool // XML: the html element has begun
	templates int  // open template elements
}

func (p *headState) reset(o *DocumentOptions) {
	*p = headState{placed: o.Tag == "", head: o.Policy != nil}
}

// ScriptTag is the markup of a classic script, well-formed as XML too. The
// nonce is left out when empty.
func ScriptTag(src, nonce string) string {
	if nonce == "" {
		return `<script src="` + escapeAttr(src) + `"></script>`
	}
	return `<script src="` + escapeAttr(src) + `" nonce="` + escapeAttr(nonce) + `"></script>`
}

func escapeAttr(s string) string {
	return string(escape{quote: '"', xml: true}.append(nil, []byte(s)))
}

// settle notes what is of no interest any more.
func (d *Document) settle() {
	d.settled = d.placed && !d.head
	if d.settled && !d.mapping {
		d.state = inRest
	}
}

// inject puts the tag at a place.
func (d *Document) inject(b []byte, at int) {
	d.edit(b, at, at, d.tag)
	d.placed, d.injected = true, true
}

// seeText notes text between tags: any but white space begins the body.
func (d *Document) seeText(text []byte) {
	if d.settled || d.seen && !d.head {
		return
	}
	for _, c := range text {
		if !isSpace(c) {
			d.seen = true
			d.leaveHead()
			return
		}
	}
}

// leaveHead notes that the body has begun, outside templates.
func (d *Document) leaveHead() {
	if d.head && d.templates == 0 {
		d.head = false
		d.settle()
	}
}

// beforeTag puts the tag before the first start tag that is not html or head.
// In XML it may only come within the html element.
func (d *Document) beforeTag(b []byte, i int, e element) {
	if d.settled {
		return
	}
	d.seen = true
	switch {
	case d.placed || e == elHTML || e == elHead:
	case d.xml && !d.root:
		d.placed = true // another root: not a page
	default:
		d.inject(b, i)
	}
}

// atHead puts the tag after the head's start tag, and sees where the head ends.
func (d *Document) atHead(b []byte, end int, t *openTag) {
	switch {
	case t.element == elHTML:
		d.root = !t.closed
		if d.xml && t.closed {
			d.placed = true
		}
	case t.element == elHead && !d.placed:
		d.inject(b, end)
	case !t.element.has(inHead):
		d.leaveHead()
	}
	d.settle()
}

// afterEndTag notes what an end tag ends. In a head body, html and br alone
// begin the body (HTML, 13.2.6.4.4); what comes after </head> and belongs into
// a head goes there all the same (13.2.6.4.6).
func (d *Document) afterEndTag(k key) {
	e := elements.find(k)
	d.seen = true
	d.closeElement(k, e)
	switch e {
	case elSelect:
		d.inSelect = false
	case elFrameset:
		d.frames = max(0, d.frames-1)
	case elTemplate:
		d.templates = max(0, d.templates-1)
	case elBody, elHTML, elBreak:
		d.leaveHead()
	}
}

// atEnd reports whether the tag has to be added at the document's end: a page
// of text alone. Nothing may follow what is unfinished.
func (d *Document) atEnd() bool {
	return !d.placed && d.seen && !d.xml && d.state == inData && d.charset.ascii()
}
