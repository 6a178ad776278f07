package rewrite

import (
	"bytes"
	"unicode/utf8"
)

// plain returns a value with its character references undone: the value itself
// where it has none, else a copy that is good until the next one.
func (d *Document) plain(value []byte) []byte {
	d.wide = false
	if bytes.IndexByte(value, '&') < 0 {
		return value
	}
	d.plainValue = appendUnescaped(d.plainValue[:0], value)
	d.wide = hasWide(d.plainValue) && !hasWide(value)
	return d.plainValue
}

func hasWide(b []byte) bool {
	for _, c := range b {
		if c >= utf8.RuneSelf {
			return true
		}
	}
	return false
}

// url maps the URL in an attribute. With force the mapper sees it though it
// names no origin.
func (d *Document) url(tag []byte, s *span, use Use, force bool) {
	from, to := s.from, s.to
	for from < to && tag[from] <= ' ' {
		from++
	}
	for to > from && tag[to-1] <= ' ' {
		to--
	}
	whole := d.plain(tag[from:to])
	ref := trimURL(whole)
	if hasScheme(ref, "javascript:") {
		d.literals(tag, s, d.plain(tag[s.from:s.to]))
		return
	}
	out, ok := d.mapURL(d.mapped[:0], use, ref, force)
	d.mapped = out[:0]
	if ok {
		d.replace(tag, s, from, to, whole, out)
	}
}

// mapURL appends what stands for ref, and reports whether that is not ref.
func (d *Document) mapURL(dst []byte, use Use, ref []byte, force bool) ([]byte, bool) {
	if len(ref) == 0 || ref[0] == '#' || !d.every && !force && !NamesOrigin(ref) {
		return dst, false
	}
	start := len(dst)
	var base []byte
	if use != UseBase {
		base = d.base
	}
	dst, fate := d.opts.Map.Map(dst, use, base, ref)
	if fate == Keep {
		return dst[:start], false
	}
	d.altered = d.altered || fate == Alter
	if bytes.Equal(dst[start:], ref) {
		return dst[:start], false
	}
	return dst, true
}

// noteBase remembers the first base element's href (HTML, 4.2.3): from there on
// the mapper sees every URL.
func (d *Document) noteBase(tag []byte) {
	i := attr(d.spans, atHref)
	if d.based || i < 0 || d.templates > 0 {
		return
	}
	d.based, d.every = true, true
	d.base = append(d.base[:0], trimURL(d.plain(tag[d.spans[i].from:d.spans[i].to]))...)
}

// style maps the URLs of a style attribute.
func (d *Document) style(tag []byte, s *span) {
	text := d.plain(tag[s.from:s.to])
	out, changed := AppendCSS(d.mapped[:0], text, d.base, d.opts.Map)
	d.mapped = out[:0]
	if changed {
		d.replace(tag, s, s.from, s.to, text, out)
	}
}

// list maps the URLs of an attribute that holds several.
func (d *Document) list(tag []byte, s *span, use Use, split func(dst, src []byte, f mapFunc) ([]byte, bool)) {
	text := d.plain(tag[s.from:s.to])
	d.listUse = use
	out, changed := split(d.joined[:0], text, d.mapItem)
	d.joined = out[:0]
	if changed {
		d.replace(tag, s, s.from, s.to, text, out)
	}
}

// mapFunc appends what stands for a URL; false, and dst as it was, where that
// stays.
type mapFunc = func(dst, url []byte) ([]byte, bool)

// item maps one URL of a list.
func (d *Document) item(dst, url []byte) ([]byte, bool) {
	return d.mapURL(dst, d.listUse, url, false)
}

// replace puts text in place of tag[from:to], which is s's value or the part of
// it that reads old. The end that both have in common keeps its bytes, so that
// a path and a query stay as their author wrote them.
func (d *Document) replace(tag []byte, s *span, from, to int, old, text []byte) {
	e := escape{quote: s.quote, xml: d.xml, numeric: d.wide}
	if s.quote == 0 && needsQuotes(text) {
		e.quote = '"'
		start := len(d.texts)
		d.texts = append(e.append(append(d.texts, '"'), text), '"')
		d.changes = append(d.changes, change{s.from, s.to, start, len(d.texts)})
		return
	}
	same := 0
	for same < len(old) && same < len(text) && old[len(old)-1-same] == text[len(text)-1-same] {
		same++
	}
	cut, n := rawPlace(tag[from:to], len(old)-same)
	start := len(d.texts)
	d.texts = e.append(d.texts, text[:len(text)-(len(old)-n)])
	d.changes = append(d.changes, change{from, from + cut, start, len(d.texts)})
}

// needsQuotes reports whether text cannot stand as an unquoted value.
func needsQuotes(text []byte) bool {
	return len(text) == 0 || bytes.ContainsAny(text, " \t\n\f\r\"'<>`") || text[0] == '='
}

// appendWords maps each word of a list with white space between.
func appendWords(dst, src []byte, f mapFunc) ([]byte, bool) {
	return appendSplit(dst, src, f, isSpace)
}

// appendCommaWords does the same for a list with commas, as an applet's archive.
func appendCommaWords(dst, src []byte, f mapFunc) ([]byte, bool) {
	return appendSplit(dst, src, f, func(c byte) bool { return c == ',' || isSpace(c) })
}

func appendSplit(dst, src []byte, f mapFunc, between func(byte) bool) ([]byte, bool) {
	changed := false
	for i := 0; i < len(src); {
		start := i
		for i < len(src) && between(src[i]) {
			i++
		}
		dst = append(dst, src[start:i]...)
		start = i
		for i < len(src) && !between(src[i]) {
			i++
		}
		dst, changed = appendMapped(dst, src[start:i], f, changed)
	}
	return dst, changed
}

// appendMapped appends what stands for url, or url itself.
func appendMapped(dst, url []byte, f mapFunc, changed bool) ([]byte, bool) {
	if len(url) == 0 {
		return dst, changed
	}
	dst, ok := f(dst, url)
	if !ok {
		dst = append(dst, url...)
	}
	return dst, changed || ok
}
