package events

import (
	"fmt"
	"slices"
	"unicode/utf16"
)

func (m *Model) applyTree(e *PageEvent, n *Node) error {
	switch e.Op {
	case OpRemove:
		if err := detach(n); err != nil {
			return err
		}
		m.forget(n)
	case OpInsert:
		if err := m.adopt(e.Node, n); err != nil {
			return err
		}
		return m.place(e.Node, n, e.Other)
	case OpMove:
		parent := m.nodes[e.Other]
		for p := parent; p != nil; p = p.parent {
			if p == n {
				return fmt.Errorf("%w: node %d moved into itself", ErrModel, n.ID)
			}
		}
		if parent == nil {
			return fmt.Errorf("%w: unknown parent %d", ErrModel, e.Other)
		}
		if err := detach(n); err != nil {
			return err
		}
		return m.place(n, parent, e.Before)
	case OpAttr:
		for i := range n.Attrs {
			if n.Attrs[i].Name == e.Name {
				n.Attrs[i].Value = e.Text
				return nil
			}
		}
		n.Attrs = append(n.Attrs, Attr{e.Name, e.Text})
	case OpAttrGone:
		n.Attrs = slices.DeleteFunc(n.Attrs, func(a Attr) bool { return a.Name == e.Name })
	case OpText:
		n.Text = e.Text
	case OpSplice:
		return splice(n, e)
	default: // a shadow root or a frame's document
		return m.applyInner(e, n)
	}
	return nil
}

func (m *Model) applyInner(e *PageEvent, n *Node) error {
	slot := &n.Shadow
	if e.Op == OpFrame {
		slot = &n.Frame
	}
	if n.Kind != ElementNode {
		return fmt.Errorf("%w: node %d is no element", ErrModel, n.ID)
	}
	if *slot != nil {
		m.forget(*slot)
	}
	*slot = e.Node
	if e.Node == nil {
		return nil
	}
	return m.adopt(e.Node, n)
}

// applyDocument puts a document's new content in place of all that was in it.
func (m *Model) applyDocument(n *Node) error {
	old := m.nodes[n.ID]
	if old == nil || old.Kind != DocumentNode {
		return fmt.Errorf("%w: unknown document %d", ErrModel, n.ID)
	}
	owner := old.parent
	m.forget(old)
	if owner == nil {
		m.head.Document = n
	} else {
		owner.Frame = n
	}
	return m.adopt(n, owner)
}

func (m *Model) applyRule(e *PageEvent) error {
	rules, known := m.kept[e.ID][OpRules]
	at := int(e.N[0])
	if !known || at > len(rules.Lines) || e.Op == OpRuleDelete && at == len(rules.Lines) {
		return fmt.Errorf("%w: rule %d of sheet %d is not known", ErrModel, at, e.ID)
	}
	if e.Op == OpRuleInsert {
		rules.Lines = slices.Insert(slices.Clone(rules.Lines), at, e.Text)
	} else {
		rules.Lines = slices.Delete(slices.Clone(rules.Lines), at, at+1)
	}
	m.kept[e.ID][OpRules] = rules
	return nil
}

func detach(n *Node) error {
	if n.parent == nil || n.Kind == ShadowNode || n.Kind == DocumentNode {
		return fmt.Errorf("%w: node %d is no child", ErrModel, n.ID)
	}
	i := slices.Index(n.parent.Children, n)
	n.parent.Children = slices.Delete(n.parent.Children, i, i+1)
	n.parent = nil
	return nil
}

func (m *Model) place(n, parent *Node, before NodeID) error {
	if parent.Kind != ElementNode && parent.Kind != DocumentNode && parent.Kind != ShadowNode {
		return fmt.Errorf("%w: node %d has no children", ErrModel, parent.ID)
	}
	depth := 0
	for p := parent; p != nil; p = p.parent {
		if depth++; depth > maxDepth {
			return fmt.Errorf("%w: nested too deeply", ErrModel)
		}
	}
	at := len(parent.Children)
	if before != 0 {
		if at = slices.Index(parent.Children, m.nodes[before]); at < 0 {
			return fmt.Errorf("%w: node %d is no child of %d", ErrModel, before, parent.ID)
		}
	}
	parent.Children = slices.Insert(parent.Children, at, n)
	n.parent = parent
	return nil
}

// splice changes part of a text; its units are those of JavaScript.
func splice(n *Node, e *PageEvent) error {
	units := utf16.Encode([]rune(n.Text))
	from, to := e.N[0], e.N[0]+e.N[1]
	if to > int64(len(units)) {
		return fmt.Errorf("%w: text %d is shorter", ErrModel, n.ID)
	}
	n.Text = string(utf16.Decode(units[:from])) + e.Text + string(utf16.Decode(units[to:]))
	return nil
}
