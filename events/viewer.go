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

// ApplyFor applies a batch as Apply does, and appends it as a viewer gets it.
// Each event is written before it is applied: what comes later in the batch
// changes the nodes that it brought.
func (m *Model) ApplyFor(dst []byte, b *Batch, urls URLs) ([]byte, error) {
	w := newWriter(dst)
	w.urls = urls
	w.u8(Version)
	w.uint(b.Base)
	m.other = false
	for i := range b.Events {
		e := &b.Events[i]
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
	if w.urls == nil {
		return out
	}
	n := m.Node(e.ID)
	w.base = m.baseOf(n)
	switch e.Op {
	case OpAttr:
		if n != nil {
			out.Text = w.urls.Attr(w.base, n, e.Name, e.Text)
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
