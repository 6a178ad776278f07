package rewrite

import (
	"bytes"
	"html"
	"io"
	"strings"
)

// maxHead bounds how far into a document policies are looked for.
const maxHead = 256 << 10

// Policies copies an HTML document and lets the policies in its head be edited
// (<meta http-equiv="Content-Security-Policy">). Every other byte is copied as
// it came; only a tag that is cut off waits for its end.
type Policies struct {
	w    io.Writer
	edit func(value string) string
	held []byte
	raw  string // the element whose text runs to its own end tag
	seen int
	done bool // past the head
}

// EditPolicies returns a Policies that writes to w. Close has to be called at
// the document's end; it does not close w.
func EditPolicies(w io.Writer, edit func(value string) string) *Policies {
	return &Policies{w: w, edit: edit}
}

// Done reports whether every byte from here on is copied as it comes.
func (p *Policies) Done() bool { return p.done }

// Write implements io.Writer.
func (p *Policies) Write(b []byte) (int, error) {
	if p.done {
		return p.w.Write(b)
	}
	p.held = append(p.held, b...)
	out := p.scan()
	p.seen += len(out)
	if p.done = p.done || p.seen > maxHead || len(p.held) > maxHold; p.done {
		out = append(out, p.held...)
		p.held = nil
	}
	if len(out) > 0 {
		if _, err := p.w.Write(out); err != nil {
			return 0, err
		}
	}
	return len(b), nil
}

// Close writes what waited.
func (p *Policies) Close() error {
	if p.done || len(p.held) == 0 {
		return nil
	}
	p.done = true
	_, err := p.w.Write(p.held)
	return err
}

// scan takes whole tokens out of held and returns them, edited.
func (p *Policies) scan() (out []byte) {
	for len(p.held) > 0 && !p.done {
		n := p.rawText()
		if n == 0 {
			n = bytes.IndexByte(p.held, '<')
			if n < 0 {
				n = len(p.held)
			}
		}
		if n > 0 {
			out, p.held = append(out, p.held[:n]...), p.held[n:]
			continue
		}
		if p.raw != "" && !p.closesRaw() {
			return out // too short to tell
		}
		end, _, ok := token(p.held)
		if !ok {
			return out
		}
		out = append(out, p.tag(p.held[:end])...)
		p.held = p.held[end:]
	}
	return out
}

// rawText returns how many bytes of held are surely text of a raw text element.
func (p *Policies) rawText() int {
	if p.raw == "" {
		return 0
	}
	for i := 0; ; i++ {
		next := bytes.IndexByte(p.held[i:], '<')
		if next < 0 {
			return len(p.held)
		}
		i += next
		if rest := p.held[i:]; len(rest) < len(p.raw)+3 || strings.EqualFold(string(rest[:len(p.raw)+2]), "</"+p.raw) {
			return i
		}
	}
}

// closesRaw reports whether held starts with the end tag of the raw text element.
func (p *Policies) closesRaw() bool {
	if len(p.held) < len(p.raw)+3 || !strings.EqualFold(string(p.held[:len(p.raw)+2]), "</"+p.raw) {
		return false
	}
	p.raw = ""
	return true
}

// tag looks at a whole token, and returns it, edited if it is a policy.
func (p *Policies) tag(b []byte) []byte {
	if len(b) < 3 || b[1] == '!' || b[1] == '?' {
		return b
	}
	if b[1] == '/' {
		p.done = name(b[2:]) == "head"
		return b
	}
	switch n := name(b[1:]); n {
	case "meta":
		return p.meta(b)
	case "script", "style", "title", "noscript", "textarea", "xmp", "iframe", "noembed", "noframes":
		p.raw = n
	case "body", "frameset":
		p.done = true
	}
	return b
}

func (p *Policies) meta(b []byte) []byte {
	var policy bool
	var content *attrSpan
	for _, a := range attrSpans(b) {
		switch {
		case a.name == "http-equiv" && strings.EqualFold(strings.TrimSpace(html.UnescapeString(string(b[a.from:a.to]))), "content-security-policy"):
			policy = true
		case a.name == "content" && content == nil:
			content = &a
		}
	}
	if !policy || content == nil {
		return b
	}
	value := html.UnescapeString(string(b[content.from:content.to]))
	edited := p.edit(value)
	if edited == value {
		return b
	}
	out := append([]byte(nil), b[:content.outer]...)
	out = append(out, '"')
	out = append(out, escapeAttr(edited)...)
	out = append(out, '"')
	return append(out, b[content.end:]...)
}

// attrSpan is where an attribute's value stands in a tag: from and to without
// its quotes, outer and end with them.
type attrSpan struct {
	name                 string
	from, to, outer, end int
}

// attrSpans lists the attributes of a start tag that have a value (HTML, tokenization).
func attrSpans(tag []byte) (list []attrSpan) {
	i := 1 + len(name(tag[1:]))
	for i < len(tag) {
		for i < len(tag) && (isSpace(tag[i]) || tag[i] == '/') {
			i++
		}
		start := i
		for i < len(tag) && !isSpace(tag[i]) && tag[i] != '>' && tag[i] != '/' && (tag[i] != '=' || i == start) {
			i++
		}
		a := attrSpan{name: strings.ToLower(string(tag[start:i]))}
		for i < len(tag) && isSpace(tag[i]) {
			i++
		}
		if i >= len(tag) || tag[i] == '>' {
			return list
		}
		if tag[i] != '=' {
			continue
		}
		for i++; i < len(tag) && isSpace(tag[i]); i++ {
		}
		if i >= len(tag) {
			return list
		}
		i = a.value(tag, i)
		list = append(list, a)
	}
	return list
}

// value reads an attribute's value and returns where it ends.
func (a *attrSpan) value(tag []byte, i int) int {
	a.outer, a.from = i, i
	if quote := tag[i]; quote == '"' || quote == '\'' {
		a.from++
		n := bytes.IndexByte(tag[a.from:], quote)
		if n < 0 {
			n = len(tag) - a.from
		}
		a.to = a.from + n
		a.end = min(a.to+1, len(tag))
		return a.end
	}
	for i < len(tag) && !isSpace(tag[i]) && tag[i] != '>' {
		i++
	}
	a.to, a.end = i, i
	return i
}
