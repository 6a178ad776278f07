package replayui

import (
	"encoding/base64"
	"regexp"
	"strings"

	"github.com/pillion-dev/pillion/events"
)

// pageMarkup writes a page state as an HTML document, for readers that know nothing
// of ours. What HTML cannot say (scroll offsets, marks, animations) is not in it.
type pageMarkup struct {
	out    strings.Builder
	values map[events.NodeID]string
	checks map[events.NodeID]bool
	chosen map[events.NodeID]map[int]bool
	rules  map[events.NodeID][]string
	sheets map[int64][]string
	adopts map[events.NodeID][]uint64
	drawn  map[events.NodeID]string // canvases, as data: URLs
	base   string                   // for the document's head, when it is not its URL
}

// markupOf returns a page state as HTML. No script is in it, whatever the state
// holds: it is filtered, and names that are none are left out.
func markupOf(s *events.PageState) string {
	events.FilterState(s)
	m := pageMarkup{
		values: map[events.NodeID]string{}, checks: map[events.NodeID]bool{}, chosen: map[events.NodeID]map[int]bool{},
		rules: map[events.NodeID][]string{}, sheets: map[int64][]string{}, adopts: map[events.NodeID][]uint64{}, drawn: map[events.NodeID]string{},
	}
	for i := range s.Events {
		m.note(&s.Events[i])
	}
	m.document(s.Document)
	return m.out.String()
}

// note keeps what markup holds in another place than the state does.
func (m *pageMarkup) note(e *events.PageEvent) {
	switch e.Op {
	case events.OpValue:
		m.values[e.ID] = e.Text
	case events.OpChecked:
		m.checks[e.ID] = e.N[0]&1 != 0
	case events.OpSelected:
		m.chosen[e.ID] = map[int]bool{}
		for _, n := range e.Nums {
			m.chosen[e.ID][int(n)] = true //nolint:gosec // bounded by the decoder
		}
	case events.OpRules:
		m.rules[e.ID] = e.Lines
	case events.OpSheet:
		m.sheets[e.N[0]] = e.Lines
	case events.OpAdopted:
		m.adopts[e.ID] = e.Nums
	case events.OpCanvas:
		m.drawn[e.ID] = "data:" + e.Name + ";base64," + base64.StdEncoding.EncodeToString(e.Data)
	}
}

var (
	elementName   = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9._-]*$`)
	attributeName = regexp.MustCompile(`^[A-Za-z_:][A-Za-z0-9_:.-]*$`)
)

// void elements have no end tag; unread ones have content that a parser does
// not read as markup.
var (
	voidElements = map[string]bool{
		"area": true, "br": true, "col": true, "embed": true, "hr": true, "img": true, "input": true, "link": true, "meta": true,
		"source": true, "track": true, "wbr": true, "base": true, "param": true,
	}
	unreadElements = map[string]bool{
		"script": true, "noscript": true, "noembed": true, "noframes": true, "plaintext": true, "xmp": true, "pillion-gone": true,
	}
)

func (m *pageMarkup) document(d *events.Node) {
	if d.Base != d.Text {
		m.base = d.Base
	}
	m.children(d)
}

func (m *pageMarkup) children(n *events.Node) {
	for _, c := range n.Children {
		m.node(c, n)
	}
	for _, number := range m.adopts[n.ID] {
		m.style(strings.Join(m.sheets[int64(number)], "\n"))
	}
}

func (m *pageMarkup) node(n, parent *events.Node) {
	switch n.Kind {
	case events.TextNode, events.CDATANode:
		if parent.Name == "style" && parent.Namespace == "" {
			m.out.WriteString(sheetText(n.Text))
		} else {
			m.out.WriteString(escapeText(n.Text))
		}
	case events.DoctypeNode:
		m.out.WriteString(doctype(n))
	case events.ElementNode:
		m.element(n)
	}
}

func doctype(n *events.Node) string {
	clean := strings.NewReplacer(`"`, "", ">", "").Replace
	switch name := clean(n.Name); {
	case n.Text != "" && n.Base != "":
		return "<!DOCTYPE " + name + ` PUBLIC "` + clean(n.Text) + `" "` + clean(n.Base) + `">`
	case n.Text != "":
		return "<!DOCTYPE " + name + ` PUBLIC "` + clean(n.Text) + `">`
	case n.Base != "":
		return "<!DOCTYPE " + name + ` SYSTEM "` + clean(n.Base) + `">`
	default:
		return "<!DOCTYPE " + name + ">"
	}
}

func (m *pageMarkup) element(n *events.Node) {
	name := n.Name
	if unreadElements[strings.ToLower(name)] || !elementName.MatchString(name) {
		return
	}
	attrs := n.Attrs
	if data, ok := m.drawn[n.ID]; ok && name == "canvas" {
		name, attrs = "img", append([]events.Attr{{Name: "src", Value: data}}, attrs...)
	}
	m.out.WriteString("<" + name)
	for _, a := range attrs {
		if m.stands(n, a.Name) {
			m.attribute(a.Name, a.Value)
		}
	}
	m.state(n)
	if n.Frame != nil {
		inner := *m
		inner.out = strings.Builder{}
		inner.document(n.Frame)
		m.attribute("srcdoc", inner.out.String())
	}
	m.out.WriteString(">")
	if voidElements[name] && n.Namespace == "" {
		return
	}
	if name == "head" && m.base != "" {
		m.out.WriteString("<base")
		m.attribute("href", m.base)
		m.out.WriteString(">")
		m.base = ""
	}
	m.content(n, name)
	m.out.WriteString("</" + name + ">")
}

// stands reports whether an attribute is written as it is; form state has others.
func (m *pageMarkup) stands(n *events.Node, name string) bool {
	lower := strings.ToLower(name)
	if !attributeName.MatchString(name) || strings.HasPrefix(lower, "on") || lower == "srcdoc" || lower == "nonce" || lower == "integrity" || lower == "loading" {
		return false
	}
	_, valued := m.values[n.ID]
	_, checked := m.checks[n.ID]
	if lower == "value" && n.Name == "input" {
		return !valued
	}
	return lower != "checked" || !checked
}

func (m *pageMarkup) state(n *events.Node) {
	if value, ok := m.values[n.ID]; ok && n.Name == "input" {
		m.attribute("value", value)
	}
	if m.checks[n.ID] {
		m.attribute("checked", "")
	}
}

func (m *pageMarkup) attribute(name, value string) {
	m.out.WriteString(" " + name + `="` + strings.NewReplacer("&", "&amp;", `"`, "&quot;").Replace(value) + `"`)
}

func (m *pageMarkup) content(n *events.Node, name string) {
	if n.Shadow != nil {
		m.out.WriteString(`<template shadowrootmode="open">`)
		m.children(n.Shadow)
		m.out.WriteString("</template>")
	}
	switch value, valued := m.values[n.ID]; {
	case name == "textarea" && valued:
		m.out.WriteString("\n" + escapeText(value)) // a parser leaves the first line break out
	case name == "style" && m.rules[n.ID] != nil:
		m.out.WriteString(sheetText(strings.Join(m.rules[n.ID], "\n")))
	case name == "select" && m.chosen[n.ID] != nil:
		m.options(n)
	case name == "img" && n.Name == "canvas":
	default:
		m.children(n)
	}
}

// options writes a select's content with the options that were chosen.
func (m *pageMarkup) options(n *events.Node) {
	i := 0
	var each func(of *events.Node)
	each = func(of *events.Node) {
		for _, c := range of.Children {
			if c.Name == "optgroup" {
				each(c)
			}
			if c.Name != "option" {
				continue
			}
			kept := c.Attrs[:0:0]
			for _, a := range c.Attrs {
				if a.Name != "selected" {
					kept = append(kept, a)
				}
			}
			if m.chosen[n.ID][i] {
				kept = append(kept, events.Attr{Name: "selected"})
			}
			c.Attrs = kept
			i++
		}
	}
	each(n)
	m.children(n)
}

func (m *pageMarkup) style(text string) { m.out.WriteString("<style>" + sheetText(text) + "</style>") }

func escapeText(s string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(s)
}

// sheetText keeps a sheet from ending the element that it is in.
func sheetText(s string) string { return strings.ReplaceAll(s, "</", `<\/`) }
