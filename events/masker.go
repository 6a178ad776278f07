package events

import (
	"net/url"
	"regexp"
	"strings"
	"unicode/utf16"
)

// The capture script masks what nobody else may see before it leaves the
// browser. The gateway looks again at what came, with less knowledge: for card
// numbers, for the operator's patterns, for values of secret fields.

// mask stands for a value that is masked.
const mask = "••••••••"

// masker takes out of what a browser sent what its own masking let through.
type masker struct {
	patterns []*regexp.Regexp
	known    map[NodeID]*Node // of the page before
	brought  []*Node          // subtrees that came with what is being looked at
	fresh    map[NodeID]*Node // their nodes; nil until one is asked for
	texts    map[NodeID]string
	slipped  int
}

func (h *Hub) masker(known map[NodeID]*Node) *masker {
	return &masker{patterns: h.opts.Patterns, known: known}
}

// masked is what a browser says of a session, as others may know it.
func (h *Hub) masked(info SessionInfo) SessionInfo {
	k := h.masker(nil)
	info.URL, info.Title = k.url(info.URL), k.text(info.Title)
	return info
}

// text returns a text without card numbers and what patterns match, as long in
// UTF-16 as before.
func (k *masker) text(s string) string {
	out := withoutCards(s)
	for _, p := range k.patterns {
		out = p.ReplaceAllStringFunc(out, dots)
	}
	if out != s {
		k.slipped++
	}
	return out
}

func dots(s string) string { return strings.Repeat("•", len(utf16.Encode([]rune(s)))) }

// url does so for what follows a URL's way, as it is and as it is meant.
func (k *masker) url(s string) string {
	at := strings.IndexAny(s, "?#")
	if at < 0 {
		return s
	}
	var out strings.Builder
	out.WriteString(s[:at])
	for rest := s[at:]; rest != ""; {
		end := strings.IndexAny(rest[1:], "?&#;=") + 1
		if end == 0 {
			end = len(rest)
		}
		out.WriteByte(rest[0])
		part := rest[1:end]
		if plain, err := url.QueryUnescape(part); err == nil && k.text(plain) != plain {
			part = "***"
		}
		out.WriteString(part)
		rest = rest[end:]
	}
	return out.String()
}

// state looks at a page state.
func (k *masker) state(s *PageState) {
	s.Title = k.text(s.Title)
	k.tree(s.Document, nil)
	k.events(s.Events)
}

func (k *masker) events(list []PageEvent) {
	for i := range list {
		k.event(&list[i])
	}
}

func (k *masker) event(e *PageEvent) {
	n := k.node(e)
	switch e.Op {
	case OpTitle, OpPlaceholder:
		e.Text = k.text(e.Text)
	case OpLocation:
		e.Name, e.Text = k.url(e.Name), k.url(e.Text)
	case OpText, OpSplice:
		if n != nil && (n.parent == nil || !isStyle(n.parent)) {
			k.changed(e, n)
		}
	case OpValue:
		k.value(e, n)
	case OpAttr:
		if n == nil || n.Kind != ElementNode {
			return
		}
		if strings.EqualFold(e.Name, "type") && secretControl(n) {
			n.secret = true // shown by a toggle, it is as secret as before
		}
		e.Text = k.attr(n, e.Name, e.Text)
	}
	if e.Node != nil {
		k.tree(e.Node, n)
	}
}

// node finds the node of an event that needs one.
func (k *masker) node(e *PageEvent) *Node {
	switch e.Op {
	case OpText, OpSplice, OpValue, OpAttr, OpInsert:
	default:
		return nil
	}
	if n := k.known[e.ID]; n != nil {
		return n
	}
	if k.fresh == nil {
		k.fresh = map[NodeID]*Node{}
	}
	for _, root := range k.brought {
		root.walk(func(n *Node) { k.fresh[n.ID] = n })
	}
	k.brought = nil
	return k.fresh[e.ID]
}

// changed looks at the text that results: a number may come in parts.
func (k *masker) changed(e *PageEvent, n *Node) {
	text := e.Text
	if e.Op == OpSplice {
		before, earlier := k.texts[n.ID]
		if !earlier {
			before = n.Text
		}
		after := Node{ID: n.ID, Text: before}
		if splice(&after, e) != nil {
			return // the model says so too
		}
		text = after.Text
	}
	masked := k.text(text)
	if k.texts == nil {
		k.texts = map[NodeID]string{}
	}
	k.texts[n.ID] = masked
	if masked != text {
		*e = PageEvent{Op: OpText, Cause: e.Cause, Dt: e.Dt, ID: e.ID, Text: masked}
	}
}

// value looks at what a control holds. One that is masked holds a mask.
func (k *masker) value(e *PageEvent, n *Node) {
	if e.N[0]&1 == 0 && (n == nil || !secretControl(n)) {
		e.Text = k.text(e.Text)
		return
	}
	e.N[0] |= 1
	if e.Text != "" && e.Text != mask {
		e.Text = mask
		k.slipped++
	}
}

// tree looks at a subtree of new nodes.
func (k *masker) tree(n, parent *Node) {
	k.brought = append(k.brought, n)
	k.subtree(n, parent)
}

func (k *masker) subtree(n, parent *Node) {
	n.parent = parent
	switch n.Kind {
	case TextNode, CommentNode, CDATANode:
		if parent == nil || !isStyle(parent) {
			n.Text = k.text(n.Text)
		}
	case DocumentNode:
		n.Text, n.Base = k.url(n.Text), k.url(n.Base)
	case ElementNode:
		for i, a := range n.Attrs {
			n.Attrs[i].Value = k.attr(n, a.Name, a.Value)
		}
	}
	for _, inner := range []*Node{n.Shadow, n.Frame} {
		if inner != nil {
			k.subtree(inner, n)
		}
	}
	for _, c := range n.Children {
		k.subtree(c, n)
	}
}

// attr looks at attributes that people read, and at where links lead; never at
// names, styles and the addresses of files.
func (k *masker) attr(n *Node, name, value string) string {
	switch name {
	case "value":
		if value != "" && secretControl(n) {
			k.slipped++
			return ""
		}
		return k.text(value)
	case "title", "alt", "placeholder", "label", "content", "summary", "abbr",
		"aria-label", "aria-valuetext", "aria-description", "aria-placeholder", "aria-roledescription":
		return k.text(value)
	case "href", "xlink:href", "action", "formaction":
		switch n.Name {
		case "link", "image", "use", "feImage":
			return value
		}
		return k.url(value)
	}
	if strings.HasPrefix(name, "data-") {
		return k.text(value)
	}
	return value
}

// secretControl reports whether a control's value is secret by what it is.
func secretControl(n *Node) bool {
	if n.secret {
		return true
	}
	switch n.Name {
	case "input":
		kind, _ := n.Attr("type")
		switch strings.ToLower(kind) {
		case "password", "hidden", "file":
			return true
		}
	case "textarea", "select":
	default:
		return false
	}
	complete, _ := n.Attr("autocomplete")
	complete = strings.ToLower(complete)
	for word := range strings.FieldsSeq(complete) {
		if strings.HasPrefix(word, "cc-") {
			return true
		}
	}
	return strings.Contains(complete, "one-time-code") || strings.Contains(complete, "-password")
}
