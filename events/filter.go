package events

import (
	"encoding/json"
	"slices"
	"strings"
)

// What a viewer must never be given, whatever a browser sends: a page is
// hostile input. The filter is the first of three layers; the viewer's sandbox
// and its policy are the others.

// goneName replaces elements that may not reach a viewer.
const goneName = "pillion-gone"

var forbiddenElements = map[string]bool{
	"script": true, "noscript": true, "base": true, "object": true, "embed": true, "applet": true, "portal": true, "fencedframe": true,
}

var urlAttrs = map[string]bool{
	"href": true, "xlink:href": true, "src": true, "action": true, "formaction": true, "data": true,
	"poster": true, "background": true, "cite": true, "longdesc": true, "ping": true, "manifest": true,
	"from": true, "to": true, "values": true, "by": true,
}

var allowedSchemes = map[string]bool{
	"http": true, "https": true, "blob": true, "mailto": true, "tel": true, "sms": true, "ftp": true, "about": true,
}

// Filtered says what a filter took out.
type Filtered struct {
	Any      bool
	Elements bool // elements too: the tree is another than the browser's
}

// FilterState takes out of a page state what no viewer may have.
func FilterState(s *PageState) Filtered {
	var f Filtered
	f.node(s.Document)
	s.Events = f.events(s.Events)
	return f
}

// FilterBatch does the same for a batch.
func FilterBatch(b *Batch) Filtered {
	var f Filtered
	b.Events = f.events(b.Events)
	return f
}

func (f *Filtered) events(events []PageEvent) []PageEvent {
	var late uint64 // time of dropped events goes to the next one
	kept := events[:0]
	for _, e := range events {
		if forbiddenEvent(&e) {
			f.Any = true
			late += e.Dt
			continue
		}
		if e.Node != nil {
			f.node(e.Node)
		}
		e.Dt, late = e.Dt+late, 0
		kept = append(kept, e)
	}
	return kept
}

func forbiddenEvent(e *PageEvent) bool {
	switch e.Op {
	case OpAttr:
		return forbiddenAttr(e.Name, e.Text)
	case OpCanvas:
		return !strings.HasPrefix(e.Name, "image/")
	case OpCurrent:
		return !allowedURL(e.Text)
	case OpAnimations:
		return slices.ContainsFunc(e.Lines, func(s string) bool { return !json.Valid([]byte(s)) })
	}
	return false
}

func (f *Filtered) node(root *Node) {
	root.walk(func(n *Node) {
		if n.Kind == ElementNode {
			f.element(n)
		}
	})
}

func (f *Filtered) element(n *Node) {
	name := strings.ToLower(n.Name)
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		name = name[i+1:]
	}
	_, pragma := n.Attr("http-equiv")
	if forbiddenElements[name] || name == "meta" && pragma {
		*n = Node{ID: n.ID, Kind: ElementNode, Name: goneName, Attrs: []Attr{{"tag", name}}, parent: n.parent}
		f.Any, f.Elements = true, true
		return
	}
	kept := n.Attrs[:0]
	kind, _ := n.Attr("type")
	secret := name == "input" && (strings.EqualFold(kind, "password") || strings.EqualFold(kind, "hidden"))
	for _, a := range n.Attrs {
		lower := strings.ToLower(a.Name)
		frame := (name == "iframe" || name == "frame") && lower == "src"
		if frame || secret && lower == "value" || forbiddenAttr(a.Name, a.Value) {
			continue
		}
		kept = append(kept, a)
	}
	f.Any = f.Any || len(kept) != len(n.Attrs)
	n.Attrs = kept
}

func forbiddenAttr(name, value string) bool {
	name = strings.ToLower(name)
	switch {
	case strings.HasPrefix(name, "on"), name == "srcdoc", name == "http-equiv", name == "nonce":
		return true
	case name == "attributename":
		v := strings.ToLower(strings.TrimSpace(value))
		return urlAttrs[v] || strings.HasPrefix(v, "on")
	case urlAttrs[name]:
		return !allowedURL(value)
	}
	return false
}

// allowedURL reports whether a URL is relative or of a listed scheme, read as a
// browser reads it: control characters and white space do not hide a scheme.
func allowedURL(v string) bool {
	v = strings.Map(func(r rune) rune {
		if r <= ' ' {
			return -1
		}
		return r
	}, v)
	i := strings.IndexAny(v, ":/?#")
	if i < 0 || v[i] != ':' {
		return true
	}
	scheme := strings.ToLower(v[:i])
	if scheme == "data" {
		media := strings.ToLower(v[i+1:])
		for _, ok := range []string{"image/", "font/", "audio/", "video/", "text/css", "application/font", "application/x-font", "application/vnd.ms-fontobject", "application/octet-stream"} {
			if strings.HasPrefix(media, ok) {
				return true
			}
		}
		return false
	}
	// What is no scheme by its syntax makes a relative URL, "12:30" for one.
	for j := range len(scheme) {
		c := scheme[j]
		letter := c >= 'a' && c <= 'z'
		if !letter && (j == 0 || (c < '0' || c > '9') && c != '+' && c != '-' && c != '.') {
			return true
		}
	}
	return allowedSchemes[scheme]
}
