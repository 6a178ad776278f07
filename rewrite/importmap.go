package rewrite

import (
	"bytes"
	"encoding/json"
)

// isImportMap reports whether a script's text is an import map.
func (d *Document) isImportMap(t *openTag) bool {
	if t.bytes == nil {
		return false
	}
	d.spans = spans(d.spans[:0], t.bytes, nameEnd(t.bytes), attributeHTML)
	return equalFold(d.attrText(t.bytes, atType), "importmap")
}

// imports walks over an import map (HTML, 8.1.6.2) and maps the URLs in it.
type imports struct {
	d       *Document
	src     []byte
	pos     int
	out     []byte
	kept    int
	changed bool
}

// appendImports appends an import map with its URLs mapped; every other byte
// stays. A map that is not valid JSON does nothing in a browser.
func (d *Document) appendImports(dst, src []byte) ([]byte, bool) {
	if !json.Valid(src) {
		return dst, false
	}
	m := imports{d: d, src: src, out: dst}
	m.object(func(key []byte) {
		switch string(key) {
		case "imports":
			m.specifiers()
		case "scopes":
			m.scopes()
		case "integrity":
			m.integrity()
		default:
			m.passValue()
		}
	})
	return append(m.out, src[m.kept:]...), m.changed
}

// object calls f for each member, with its key undone, where its value begins.
// f has to read the value. What is no object is passed over.
func (m *imports) object(f func(key []byte)) {
	m.members(func(from, to int) {
		key := m.text(from, to)
		m.colon()
		f(key)
	})
}

// members calls f for each member with the place of its key; f has to read on to
// the end of its value.
func (m *imports) members(f func(from, to int)) {
	m.space()
	if m.src[m.pos] != '{' {
		m.passValue()
		return
	}
	for m.pos++; ; {
		m.space()
		switch m.src[m.pos] {
		case '}':
			m.pos++
			return
		case ',':
			m.pos++
		default:
			from := m.pos
			m.passValue()
			f(from, m.pos)
		}
	}
}

func (m *imports) specifiers() {
	m.members(func(from, to int) {
		if isSpecifierURL(m.text(from, to)) {
			m.map1(from, to, false)
		}
		m.colon()
		m.value()
	})
}

func (m *imports) scopes() {
	m.members(func(from, to int) {
		m.map1(from, to, false)
		m.colon()
		m.specifiers()
	})
}

// integrity maps the keys. The hash of a module that we change cannot match: it
// is emptied, and with that nothing is checked.
func (m *imports) integrity() {
	m.members(func(from, to int) {
		m.d.altered = false
		if isSpecifierURL(m.text(from, to)) {
			m.map1(from, to, true)
		}
		m.colon()
		m.space()
		start := m.pos
		m.passValue()
		if m.d.altered && m.src[start] == '"' {
			m.put(start, m.pos, []byte(`""`))
		}
	})
}

// value maps the address of a module.
func (m *imports) value() {
	m.space()
	from := m.pos
	m.passValue()
	if m.src[from] == '"' {
		m.map1(from, m.pos, false)
	}
}

// isSpecifierURL reports whether a specifier is a URL and not a bare name.
func isSpecifierURL(s []byte) bool {
	return begins(s, "/") || begins(s, "./") || begins(s, "../") || NamesOrigin(s)
}

// map1 maps the URL that a string holds.
func (m *imports) map1(from, to int, force bool) {
	ref := m.text(from, to)
	out, ok := m.d.mapURL(nil, UseScript, ref, force)
	if ok {
		m.put(from, to, jsonString(out))
	}
}

func (m *imports) put(from, to int, text []byte) {
	m.out = append(m.out, m.src[m.kept:from]...)
	m.out = append(m.out, text...)
	m.kept, m.changed = to, true
}

// jsonString writes text as a string. Byte by byte: a page need not be UTF-8.
func jsonString(text []byte) []byte {
	const hex = "0123456789abcdef"
	out := []byte{'"'}
	for _, c := range text {
		switch {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c < 0x20 || c == '<': // '<' might end the script
			out = append(out, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}

// text returns what the string at a place says.
func (m *imports) text(from, to int) []byte {
	raw := m.src[from:to]
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1]
	}
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return nil
	}
	return []byte(s)
}

func (m *imports) space() {
	for m.pos < len(m.src) && isSpace(m.src[m.pos]) {
		m.pos++
	}
}

func (m *imports) colon() {
	m.space()
	m.pos++
}

// passValue passes over one value of valid JSON.
func (m *imports) passValue() {
	m.space()
	depth := 0
	for m.pos < len(m.src) {
		switch c := m.src[m.pos]; c {
		case '"':
			m.str()
		case '{', '[':
			depth++
			m.pos++
		case '}', ']':
			if depth == 0 {
				return // the end of what holds a number or a word
			}
			depth--
			m.pos++
		case ',', ':', ' ', '\t', '\n', '\r':
			if depth == 0 {
				return
			}
			m.pos++
			continue
		default:
			m.pos++
			continue
		}
		if depth == 0 {
			return
		}
	}
}

func (m *imports) str() {
	for m.pos++; m.src[m.pos] != '"'; m.pos++ {
		if m.src[m.pos] == '\\' {
			m.pos++
		}
	}
	m.pos++
}
