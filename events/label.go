package events

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxLabel bounds a name in a label, in characters.
const maxLabel = 60

// Label says in words what a page event was, and its type for lists (click,
// input, scroll, navigation, key, view); both are empty for events that people
// do not look for. The model must be as it is after the event.
func (m *Model) Label(e *PageEvent) (kind, label string) {
	n := m.nodes[e.ID]
	if n != nil && e.Cause != CausePage {
		if kind, label = m.labelDone(e, n); kind != "" {
			return kind, label
		}
	}
	switch e.Op {
	case OpClick:
		return m.labelClick(e, n)
	case OpKey:
		return "key", "pressed " + keyName(e)
	case OpSubmit:
		return "input", "sent a form"
	case OpLocation:
		if n != nil && n.parent == nil {
			return "navigation", "went to " + e.Name
		}
	case OpDialog:
		if e.N[0] == 0 {
			return "view", "a dialog closed"
		}
		return "view", "a dialog opened"
	case OpViewport:
		return "view", fmt.Sprintf("window resized to %d × %d", e.N[0], e.N[1])
	}
	return "", ""
}

// labelDone names what is told only where a person brought it about.
func (m *Model) labelDone(e *PageEvent, n *Node) (kind, label string) {
	switch e.Op {
	case OpValue:
		if e.N[0]&1 != 0 {
			return "input", "typed into " + m.quoted(n) + " (masked)"
		}
		return "input", "typed into " + m.quoted(n)
	case OpChecked:
		return m.labelChecked(e, n)
	case OpSelected:
		return "input", m.labelSelected(e, n)
	case OpScroll:
		return "scroll", fmt.Sprintf("scrolled to %d px", e.N[1])
	case OpPopover:
		return "view", "a pop-up " + map[bool]string{true: "opened", false: "closed"}[e.N[0] != 0]
	case OpMedia:
		return "view", fmt.Sprintf("%s the %s at %d:%02d", map[bool]string{true: "stopped", false: "played"}[e.N[0]&1 != 0], n.Name, e.N[1]/60000, e.N[1]/1000%60)
	}
	return "", ""
}

func (m *Model) labelClick(e *PageEvent, n *Node) (kind, label string) {
	verb := map[int64]string{0: "clicked", 1: "double-clicked", 2: "opened the menu on", 5: "tapped"}[e.N[0]]
	if verb == "" || n == nil {
		return "", ""
	}
	return "click", verb + " " + m.quoted(m.clickable(n))
}

// clickable is the link, button or control around a node, else the node.
func (m *Model) clickable(n *Node) *Node {
	for p := n; p != nil; p = p.parent {
		switch p.Name {
		case "a", "button", "input", "select", "textarea", "summary", "label", "option", "area":
			return p
		}
	}
	return n
}

func (m *Model) labelChecked(e *PageEvent, n *Node) (kind, label string) {
	on := e.N[0]&1 != 0
	kindAttr, _ := n.Attr("type")
	switch {
	case strings.EqualFold(kindAttr, "radio") && !on:
		return "", "" // its neighbour was chosen
	case strings.EqualFold(kindAttr, "radio"):
		return "input", "chose " + m.quoted(n)
	case on:
		return "input", "ticked " + m.quoted(n)
	default:
		return "input", "unticked " + m.quoted(n)
	}
}

func (m *Model) labelSelected(e *PageEvent, n *Node) string {
	chosen := optionsOf(n, e.Nums)
	if chosen == "" {
		return "cleared " + m.quoted(n)
	}
	return "chose " + chosen + " in " + m.quoted(n)
}

// optionsOf names those of a list's options that numbers choose.
func optionsOf(n *Node, numbers []uint64) string {
	var options, chosen []string
	n.walk(func(c *Node) {
		if c.Kind == ElementNode && c.Name == "option" {
			options = append(options, clean(text(c)))
		}
	})
	for _, i := range numbers {
		if i < uint64(len(options)) {
			chosen = append(chosen, "“"+options[i]+"”")
		}
	}
	return strings.Join(chosen, ", ")
}

// chosen names the options that a request chooses.
func chosen(n *Node, value string) string {
	var numbers []uint64
	for text := range strings.SplitSeq(value, ",") {
		if i, err := strconv.ParseUint(text, 10, 32); err == nil {
			numbers = append(numbers, i)
		}
	}
	return optionsOf(n, numbers)
}

func keyName(e *PageEvent) string {
	var keys []string
	for i, name := range []string{"Shift", "Ctrl", "Alt", "Meta"} {
		if e.N[0]>>i&1 != 0 {
			keys = append(keys, name)
		}
	}
	return strings.Join(append(keys, e.Name), "+")
}

// RequestLabel says what an agent asks for, for example: fill “Name” with “Ann”.
func (m *Model) RequestLabel(r *EventRequest) string {
	n, target := m.nodes[r.Node], "something"
	if n != nil {
		target = m.quoted(m.clickable(n))
	}
	switch r.Action {
	case ActionFill:
		return "fill " + target + " with “" + clean(r.Value) + "”"
	case ActionSelect:
		if n != nil && n.Name == "select" {
			if options := chosen(n, r.Value); options != "" {
				return "choose " + options + " in " + target
			}
		}
		return "choose in " + target
	case ActionCheck:
		return "choose " + target
	case ActionUncheck:
		return "untick " + target
	case ActionScroll:
		return "scroll the page"
	case ActionKey:
		return "press " + r.Value + " on " + target
	case ActionBack:
		return "go back"
	case ActionForward:
		return "go forward"
	case ActionDoubleClick:
		return "double-click " + target
	case ActionHover:
		return "point at " + target
	case ActionNavigate:
		return "go to " + r.Value
	default:
		return string(r.Action) + " " + target
	}
}

func (m *Model) quoted(n *Node) string {
	if name := m.nameOf(n); name != "" {
		return "“" + name + "”"
	}
	if n.Kind == ElementNode {
		return "<" + n.Name + ">"
	}
	return "the page"
}

// nameOf is what a person would call a node: much like its accessible name, and
// for old forms in tables the text of the cell before.
func (m *Model) nameOf(n *Node) string {
	if n.Kind != ElementNode {
		return clean(text(n))
	}
	control := n.Name == "input" || n.Name == "select" || n.Name == "textarea"
	kind, _ := n.Attr("type")
	button := n.Name == "input" && (kind == "submit" || kind == "button" || kind == "reset")
	tries := []func() string{attr(n, "aria-label"), func() string { return m.labelOf(n) }}
	switch {
	case button:
		tries = append(tries, attr(n, "value"))
	case control && (kind == "radio" || kind == "checkbox"):
		tries = append(tries, func() string { return following(n) }, func() string { return cellBefore(n) })
	case control:
		tries = append(tries, func() string { return preceding(n) }, func() string { return cellBefore(n) })
	default:
		tries = append(tries, func() string { return text(n) })
	}
	tries = append(tries, attr(n, "alt"), attr(n, "title"), attr(n, "placeholder"), attr(n, "name"), attr(n, "value"), func() string { return imageOf(n) })
	for _, try := range tries {
		if name := clean(try()); name != "" {
			return name
		}
	}
	return ""
}

func attr(n *Node, name string) func() string {
	return func() string { v, _ := n.Attr(name); return v }
}

// labelOf is the text of the label element around a control or for it.
func (m *Model) labelOf(n *Node) string {
	for p := n.parent; p != nil && p.Kind == ElementNode; p = p.parent {
		if p.Name == "label" {
			return text(p)
		}
	}
	id, _ := n.Attr("id")
	if id == "" {
		return ""
	}
	root := n
	for root.parent != nil && root.Kind != DocumentNode && root.Kind != ShadowNode {
		root = root.parent
	}
	found := ""
	root.walk(func(c *Node) {
		if found == "" && c.Name == "label" {
			if v, _ := c.Attr("for"); v == id {
				found = text(c)
			}
		}
	})
	return found
}

// following is the text right after a control.
func following(n *Node) string {
	if n.parent == nil {
		return ""
	}
	after := false
	for _, c := range n.parent.Children {
		if after {
			if t := text(c); strings.TrimSpace(t) != "" {
				return t
			}
			if c.Kind == ElementNode {
				return ""
			}
		}
		after = after || c == n
	}
	return ""
}

// preceding is the text right before a control, on its own line.
func preceding(n *Node) string {
	if n.parent == nil {
		return ""
	}
	before := ""
	for _, c := range n.parent.Children {
		switch {
		case c == n:
			return before
		case c.Kind == TextNode && strings.TrimSpace(c.Text) != "":
			before = c.Text
		case c.Kind == ElementNode && (c.Name == "b" || c.Name == "span" || c.Name == "strong" || c.Name == "font"):
			before = text(c)
		case c.Kind == ElementNode:
			before = ""
		}
	}
	return ""
}

// cellBefore is the text of the table cell before the one that a control is in.
func cellBefore(n *Node) string {
	cell := n.parent
	for cell != nil && cell.Kind == ElementNode && cell.Name != "td" && cell.Name != "th" {
		cell = cell.parent
	}
	if cell == nil || cell.Kind != ElementNode || cell.parent == nil {
		return ""
	}
	before := ""
	for _, c := range cell.parent.Children {
		if c == cell {
			return before
		}
		if c.Name == "td" || c.Name == "th" {
			before = text(c)
		}
	}
	return ""
}

func imageOf(n *Node) string {
	alt := ""
	n.walk(func(c *Node) {
		if c.Name == "img" && alt == "" {
			alt, _ = c.Attr("alt")
		}
	})
	return alt
}

// text is a subtree's text, bounded; what is in controls and styles is no text.
func text(n *Node) string {
	var out strings.Builder
	var add func(*Node)
	add = func(n *Node) {
		if out.Len() > 8*maxLabel || n.Name == "style" || n.Name == "select" || n.Name == "textarea" {
			return
		}
		if n.Kind == TextNode {
			out.WriteString(n.Text)
			out.WriteByte(' ')
		}
		for _, c := range n.Children {
			add(c)
		}
	}
	add(n)
	return out.String()
}

// clean collapses white space, drops a label's colon and bounds the length.
func clean(s string) string {
	s = strings.TrimSuffix(strings.Join(strings.Fields(s), " "), ":")
	s = strings.TrimSpace(strings.TrimSuffix(s, "*"))
	if utf8.RuneCountInString(s) <= maxLabel {
		return s
	}
	return string([]rune(s)[:maxLabel-1]) + "…"
}
