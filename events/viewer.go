package events

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

// AppendFor appends the batch as a viewer gets it. The model is the page after it.
func (b *Batch) AppendFor(dst []byte, urls URLs, m *Model) []byte {
	if urls == nil {
		return b.Append(dst)
	}
	w := newWriter(dst)
	w.urls = urls
	w.u8(Version)
	w.uint(b.Base)
	for i := range b.Events {
		e := w.eventFor(&b.Events[i], m)
		w.event(&e, true)
	}
	return w.buf
}

// eventFor maps what an event bears; a subtree is mapped as it is written.
func (w *writer) eventFor(e *PageEvent, m *Model) PageEvent {
	out := *e
	n := m.Node(e.ID)
	w.base = m.baseOf(n)
	switch e.Op {
	case OpAttr:
		if n != nil {
			out.Text = w.urls.Attr(w.base, n, e.Name, e.Text)
		}
	case OpText, OpSplice:
		// A part cannot be placed in a text whose URLs are others: the whole goes.
		if n != nil && n.parent != nil && isStyle(n.parent) {
			out = PageEvent{Op: OpText, Cause: e.Cause, Dt: e.Dt, ID: e.ID, Text: w.urls.CSS(w.base, n.Text)}
		}
	case OpRules, OpSheet:
		out.Lines = w.mapLines(e.Lines)
	case OpRuleInsert:
		out.Text = w.urls.CSS(w.base, e.Text)
	}
	return out
}

func (w *writer) mapLines(lines []string) []string {
	out := make([]string, len(lines))
	for i, s := range lines {
		out[i] = w.urls.CSS(w.base, s)
	}
	return out
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
