package rewrite

// tree is what has to be known of the open elements: whether a tag is one of
// SVG or MathML decides whether its content is text or markup (HTML, 13.2.6).
type tree struct {
	// open are the elements from the outermost svg or math on, with those of HTML
	// within them; empty in HTML alone.
	open     []openElement
	inSelect bool
	frames   int // open frameset elements
}

type openElement struct {
	key   key
	space namespace
	child integration
}

type namespace uint8

const (
	spaceHTML namespace = iota
	spaceSVG
	spaceMath
)

// integration says which start tags within a foreign element are HTML's.
type integration uint8

const (
	childSame       integration = iota // none
	childHTML                          // all (HTML integration point)
	childText                          // all but mglyph and malignmark (MathML text integration point)
	childAnnotation                    // svg
)

// maxForeign bounds the stack: markup nested deeper passes as it is.
const maxForeign = 512

var keyP, keyBr = keyOf("p"), keyOf("br")

// foreign reports whether text comes within SVG or MathML.
func (t *tree) foreign() bool {
	n := len(t.open)
	return n > 0 && t.open[n-1].space != spaceHTML
}

// takesHTML reports whether a start tag is HTML's where the stack stands.
func (t *tree) takesHTML(e element) bool {
	n := len(t.open)
	if n == 0 {
		return true
	}
	switch top := t.open[n-1]; top.child {
	case childHTML:
		return true
	case childText:
		return e != elMathGlyph
	case childAnnotation:
		return e == elSVG
	default:
		return top.space == spaceHTML
	}
}

// openElement puts a start tag's element on the stack, and returns its namespace.
func (d *Document) openElement(t *openTag) namespace {
	if len(d.open) == 0 && t.element != elSVG && t.element != elMath {
		return spaceHTML
	}
	if !d.takesHTML(t.element) && d.breaksOut(t) {
		d.popForeign()
	}
	if d.takesHTML(t.element) {
		return d.openHTML(t)
	}
	space := d.open[len(d.open)-1].space
	if !t.closed {
		d.push(openElement{t.key, space, d.integration(space, t)})
	}
	return space
}

func (d *Document) openHTML(t *openTag) namespace {
	space := spaceHTML
	switch t.element {
	case elSVG:
		space = spaceSVG
	case elMath:
		space = spaceMath
	}
	switch {
	case space != spaceHTML:
		if !t.closed {
			d.push(openElement{key: t.key, space: space})
		}
	case len(d.open) > 0 && !t.element.has(noChild):
		d.closeImplied(t)
		d.push(openElement{key: t.key, child: childHTML})
	}
	return space
}

func (d *Document) push(e openElement) {
	if len(d.open) == maxForeign {
		d.giveUp()
		return
	}
	d.open = append(d.open, e)
}

// closeImplied closes what a start tag closes without an end tag.
func (d *Document) closeImplied(t *openTag) {
	top := &d.open[len(d.open)-1]
	if top.space != spaceHTML {
		return
	}
	switch e := t.element; {
	case top.key == keyP && (e.has(breakout) && e != elPhrase || e == elForm):
		d.open = d.open[:len(d.open)-1]
	case top.key == t.key && (e == elItem || e == elRow || e == elCell):
		d.open = d.open[:len(d.open)-1]
	}
}

// breaksOut reports whether a start tag ends foreign content.
func (d *Document) breaksOut(t *openTag) bool {
	if t.element == elFont && t.bytes != nil {
		d.spans = spans(d.spans[:0], t.bytes, len("<font"), attributeHTML)
		return attr(d.spans, atColor) >= 0 || attr(d.spans, atFace) >= 0 || attr(d.spans, atSize) >= 0
	}
	return t.element.has(breakout)
}

// popForeign closes foreign elements up to one within which HTML stands.
func (d *Document) popForeign() {
	n := len(d.open)
	for n > 0 && d.open[n-1].space != spaceHTML && d.open[n-1].child != childHTML && d.open[n-1].child != childText {
		n--
	}
	d.open = d.open[:n]
}

func (d *Document) integration(space namespace, t *openTag) integration {
	switch {
	case space == spaceSVG && (t.element == elHTMLInSVG || t.element == elTitle):
		return childHTML
	case space == spaceMath && t.element == elMathText:
		return childText
	case space == spaceMath && t.element == elAnnotation:
		if d.annotatesHTML(t) {
			return childHTML
		}
		return childAnnotation
	}
	return childSame
}

func (d *Document) annotatesHTML(t *openTag) bool {
	if t.bytes == nil {
		return false
	}
	d.spans = spans(d.spans[:0], t.bytes, len("<annotation-xml"), attributeHTML)
	i := attr(d.spans, atEncoding)
	if i < 0 {
		return false
	}
	value := d.plain(t.bytes[d.spans[i].from:d.spans[i].to])
	return equalFold(value, "text/html") || equalFold(value, "application/xhtml+xml")
}

// closeElement takes what an end tag closes off the stack.
func (d *Document) closeElement(k key, e element) {
	if d.foreign() && (k == keyP || k == keyBr) {
		if d.popForeign(); d.foreign() {
			return
		}
	}
	n := len(d.open) - 1
	if n < 0 {
		return
	}
	for _, foreign := range []bool{true, false} {
		for ; n >= 0 && d.open[n].space != spaceHTML == foreign; n-- {
			if d.open[n].key == k {
				d.open = d.open[:n]
				return
			}
		}
	}
	// An integration point is a boundary to HTML's end tags. The outermost svg or
	// math is none: it stands in an element which may be the one that ends.
	if n < 0 && e.encloses() && !d.bounded() {
		d.open = d.open[:0]
	}
}

// encloses reports whether an element of HTML may have SVG or MathML in it that
// its end tag closes.
func (e element) encloses() bool {
	switch e {
	case elOther, elBody, elHTML, elHead, elSVG, elMath, elPicture, elUse, elHTMLInSVG, elMathText, elMathGlyph, elAnnotation:
		return false
	}
	return !e.has(rawText | noChild)
}

func (t *tree) bounded() bool {
	for i := range t.open {
		if t.open[i].child != childSame {
			return true
		}
	}
	return false
}
