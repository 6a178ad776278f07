package events

import (
	"encoding/json"
	"net/url"
	"strings"
)

// URLs leads what a viewer loads to the archive. Records stay as they came: URLs
// are mapped when a page or its events are encoded for a viewer.
type URLs interface {
	// Attr returns an attribute's value for the viewer. base is the document's.
	Attr(base string, element *Node, name, value string) string
	// CSS returns a style sheet's or a rule's text for the viewer.
	CSS(base, text string) string
}

// AppendFor appends the page state as a viewer gets it.
func (s *PageState) AppendFor(dst []byte, urls URLs) []byte {
	w := newWriter(dst)
	w.urls = urls
	s.write(w)
	return w.buf
}

// ApplyFor applies a batch as Apply does, and appends it as a viewer gets it.
// Each event is written before it is applied: what comes later in the batch
// changes the nodes that it brought.
func (m *Model) ApplyFor(dst []byte, b *Batch, urls URLs) ([]byte, error) {
	w := newWriter(dst)
	w.urls = urls
	w.u8(Version)
	w.uint(b.Base)
	m.begin(b)
	for i := range b.Events {
		e := &b.Events[i]
		m.clock += e.Dt
		whole := urls != nil && m.changesStyle(e)
		if !whole {
			shown := w.eventFor(e, m)
			w.event(&shown, true)
		}
		if err := m.apply(e); err != nil {
			return nil, err
		}
		if whole {
			// A part cannot be placed in a text whose URLs are others.
			n := m.nodes[e.ID]
			w.event(&PageEvent{Op: OpText, Cause: e.Cause, Dt: e.Dt, ID: e.ID, Text: urls.CSS(m.baseOf(n), n.Text)}, true)
		}
	}
	if m.other {
		return w.buf, ErrDigest
	}
	return w.buf, nil
}

// Visit lets urls see every URL that a batch brings to the page. The model is
// the page after it.
func (m *Model) Visit(b *Batch, urls URLs) {
	w := newWriter(nil)
	w.urls = urls
	for i := range b.Events {
		e := w.eventFor(&b.Events[i], m)
		if m.changesStyle(&e) {
			n := m.nodes[e.ID]
			urls.CSS(m.baseOf(n), n.Text)
		}
		w.event(&e, true)
	}
}

// changesStyle reports whether an event changes the text of a style element.
func (m *Model) changesStyle(e *PageEvent) bool {
	if e.Op != OpText && e.Op != OpSplice {
		return false
	}
	n := m.nodes[e.ID]
	return n != nil && n.parent != nil && isStyle(n.parent)
}

// eventFor maps what an event bears; a subtree is mapped as it is written.
func (w *writer) eventFor(e *PageEvent, m *Model) PageEvent {
	out := *e
	if w.urls != nil {
		n := m.Node(e.ID)
		w.mapEvent(&out, n, m.baseOf(n))
	}
	return out
}

// mapEvent maps what an event of a node bears; base is that of the node's document.
func (w *writer) mapEvent(e *PageEvent, n *Node, base string) {
	w.base = base
	switch e.Op {
	case OpAttr:
		if n != nil {
			e.Text = w.urls.Attr(base, n, e.Name, e.Text)
		}
	case OpCurrent:
		if n != nil {
			e.Text = w.urls.Attr(base, n, "src", e.Text)
		}
	case OpRules:
		e.Lines = w.mapLines(sheetBase(base, n), e.Lines)
	case OpSheet:
		e.Lines = w.mapLines(base, e.Lines)
	case OpRuleInsert:
		e.Text = w.urls.CSS(sheetBase(base, n), e.Text)
	case OpAnimations:
		e.Lines = w.mapAnimations(e.Lines)
	}
}

func (w *writer) mapLines(base string, lines []string) []string {
	out := make([]string, len(lines))
	for i, s := range lines {
		out[i] = w.urls.CSS(base, s)
	}
	return out
}

// mapAnimations maps the URLs in keyframes. What is no JSON is left out.
func (w *writer) mapAnimations(lines []string) []string {
	out := make([]string, 0, len(lines))
	for _, s := range lines {
		if strings.ContainsAny(s, `(\`) {
			var a any
			if json.Unmarshal([]byte(s), &a) != nil {
				continue
			}
			b, err := json.Marshal(w.mapStrings(a))
			if err != nil {
				continue
			}
			s = string(b)
		}
		out = append(out, s)
	}
	return out
}

func (w *writer) mapStrings(v any) any {
	switch v := v.(type) {
	case string:
		return w.urls.CSS(w.base, v)
	case []any:
		for i := range v {
			v[i] = w.mapStrings(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = w.mapStrings(v[k])
		}
	}
	return v
}

// sheetBase is what the URLs in a sheet's rules are relative to: for a linked
// one the file's own URL, since rules are told as they stand in it.
func sheetBase(base string, owner *Node) string {
	if owner == nil || owner.Name != "link" {
		return base
	}
	href, _ := owner.Attr("href")
	b, err := url.Parse(base)
	if err != nil {
		return base
	}
	if u, err := b.Parse(strings.TrimSpace(href)); err == nil {
		return u.String()
	}
	return base
}

// finder finds a state's nodes, with the base URL of the document that each is in.
func (s *PageState) finder() func(NodeID) (*Node, string) {
	type place struct {
		n    *Node
		base string
	}
	var places map[NodeID]place
	var add func(n *Node, base string)
	add = func(n *Node, base string) {
		if n.Kind == DocumentNode {
			base = n.Base
		}
		places[n.ID] = place{n, base}
		for _, inner := range []*Node{n.Shadow, n.Frame} {
			if inner != nil {
				add(inner, base)
			}
		}
		for _, c := range n.Children {
			add(c, base)
		}
	}
	return func(id NodeID) (*Node, string) {
		if places == nil {
			places = map[NodeID]place{}
			add(s.Document, "")
		}
		if p, ok := places[id]; ok {
			return p.n, p.base
		}
		return nil, s.Document.Base
	}
}

func isStyle(n *Node) bool { return n.Kind == ElementNode && n.Name == "style" }

// baseOf is the base URL of the document that a node is in; the page's for none.
func (m *Model) baseOf(n *Node) string {
	for p := n; p != nil; p = p.parent {
		if p.Kind == DocumentNode {
			return p.Base
		}
	}
	return m.head.Document.Base
}
