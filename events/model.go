package events

import (
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"unicode/utf16"
)

// ErrModel is returned where events do not fit the page that they are for. The
// page has to send its whole state again.
var ErrModel = errors.New("events do not fit the page")

// ErrDigest is returned where the browser's digest of a page is another.
var ErrDigest = errors.New("the page's digest differs")

// maxNodes bounds a page's tree.
const maxNodes = 500_000

// baseUnit is a batch's unit in units of 100 µs.
const baseUnit = 160

// maxPlace is how far from the origin a pointer is believed to be.
const maxPlace = 1 << 31

// Model is a page as the gateway knows it: a page state with the events after
// it applied. It is not safe for concurrent use.
type Model struct {
	head  PageState // Document and what belongs to the page as a whole
	nodes map[NodeID]*Node
	kept  map[NodeID]map[Op]PageEvent // what markup does not hold, by node
	sheet map[uint64]PageEvent        // constructed style sheets
	page  map[Op]PageEvent            // focus, selection, hover …
	top   []NodeID                    // open dialogs and popovers, in the order of their opening
	clock uint64                      // since the page state, in units of 100 µs
	other bool                        // a digest of the browser's differed
}

// keptOps are the events that a page state repeats for a node, in their order.
var keptOps = []Op{
	OpDefined, OpSheetUse, OpRules, OpAdopted, OpPlaceholder, OpCurrent, OpAssigned, OpValue, OpChecked, OpSelected, OpCaret,
	OpDialog, OpPopover, OpScroll, OpCanvas, OpMedia, OpStates, OpAnimations,
}

// pageOps are those that it repeats once for the page.
var pageOps = []Op{OpFocus, OpSelection, OpHover, OpActive, OpPointer, OpPointerBy, OpOffset}

// NewModel takes over a page state.
func NewModel(s *PageState) (*Model, error) {
	m := &Model{
		head: *s, nodes: map[NodeID]*Node{}, kept: map[NodeID]map[Op]PageEvent{},
		sheet: map[uint64]PageEvent{}, page: map[Op]PageEvent{},
	}
	m.head.Events = nil
	if err := m.adopt(s.Document, nil); err != nil {
		return nil, err
	}
	for i := range s.Events {
		if err := m.apply(&s.Events[i]); err != nil {
			return nil, err
		}
	}
	return m, nil
}

// adopt enters a subtree of new nodes.
func (m *Model) adopt(n, parent *Node) error {
	if m.nodes[n.ID] != nil {
		return fmt.Errorf("%w: node %d is there already", ErrModel, n.ID)
	}
	if len(m.nodes) >= maxNodes {
		return fmt.Errorf("%w: more than %d nodes", ErrModel, maxNodes)
	}
	m.nodes[n.ID], n.parent = n, parent
	for _, inner := range []*Node{n.Shadow, n.Frame} {
		if inner != nil {
			if err := m.adopt(inner, n); err != nil {
				return err
			}
		}
	}
	for _, c := range n.Children {
		if err := m.adopt(c, n); err != nil {
			return err
		}
	}
	return nil
}

func (m *Model) forget(n *Node) {
	n.walk(func(n *Node) {
		delete(m.nodes, n.ID)
		delete(m.kept, n.ID)
	})
	n.parent = nil
}

// Node returns a node of the page, nil when there is none. It must not be changed.
func (m *Model) Node(id NodeID) *Node { return m.nodes[id] }

// Title returns the page's title.
func (m *Model) Title() string { return m.head.Title }

// URL returns the page's address.
func (m *Model) URL() string { return m.head.Document.Text }

// Apply applies a batch. After ErrModel the model is of no more use; after
// ErrDigest all was applied, but the browser's page is another.
func (m *Model) Apply(b *Batch) error {
	m.begin(b)
	for i := range b.Events {
		m.clock += b.Events[i].Dt
		if err := m.apply(&b.Events[i]); err != nil {
			return err
		}
	}
	if m.other {
		return ErrDigest
	}
	return nil
}

func (m *Model) begin(b *Batch) {
	m.other = false
	m.clock = min(m.clock+min(b.Base, maxUint)*baseUnit, maxUint)
}

func (m *Model) apply(e *PageEvent) error {
	n := m.nodes[e.ID]
	if fields[e.Op][0] == 'i' && n == nil && e.ID != 0 {
		return fmt.Errorf("%w: event %d for unknown node %d", ErrModel, e.Op, e.ID)
	}
	switch e.Op {
	case OpRemove, OpInsert, OpMove, OpAttr, OpAttrGone, OpText, OpSplice, OpShadow, OpFrame:
		if n == nil {
			return fmt.Errorf("%w: event %d for no node", ErrModel, e.Op)
		}
		return m.applyTree(e, n)
	case OpDocument:
		return m.applyDocument(e.Node)
	case OpLocation:
		if n == nil || n.Kind != DocumentNode {
			return fmt.Errorf("%w: a location for what is no document", ErrModel)
		}
		n.Text, n.Base = e.Name, e.Text
	case OpViewport:
		m.head.Width, m.head.Height, m.head.DPR, m.head.Zoom = uint64(e.N[0]), uint64(e.N[1]), uint64(e.N[2]), uint64(e.N[3])
	case OpDigest:
		m.other = m.other || uint32(e.N[0]) != m.Digest()
	case OpDigestPart:
		m.other = m.other || uint32(e.N[2]) != m.DigestPart(NodeID(e.N[0]), NodeID(e.N[1]))
	case OpTitle:
		m.head.Title = e.Text
	case OpHidden:
		m.head.Hidden = e.N[0] != 0
	case OpSheet:
		m.sheet[uint64(e.N[0])] = timeless(e)
	case OpRuleInsert, OpRuleDelete:
		return m.applyRule(e)
	case OpFocus, OpSelection, OpHover, OpActive, OpOffset:
		m.page[e.Op] = timeless(e)
	case OpPointer:
		m.page[e.Op] = timeless(e)
		delete(m.page, OpPointerBy)
	case OpPointerBy:
		m.point(e)
	default:
		if slices.Contains(keptOps, e.Op) && e.ID != 0 {
			m.keep(e)
		}
	}
	return nil
}

// point moves the pointer on. What is kept is where it was before the last such
// step, and how far that one went: so a page state says both.
func (m *Model) point(e *PageEvent) {
	at, by := m.page[OpPointer], m.page[OpPointerBy]
	at.Op, at.Cause = OpPointer, e.Cause
	by.Op, by.Cause = OpPointerBy, e.Cause
	for i := range 2 {
		at.N[i] = within(at.N[i] + by.N[i])
		by.N[i] = within(by.N[i] + within(e.N[i]))
	}
	m.page[OpPointer], m.page[OpPointerBy] = at, by
}

func within(v int64) int64 { return max(-maxPlace, min(maxPlace, v)) }

func timeless(e *PageEvent) PageEvent {
	kept := *e
	kept.Dt = 0
	return kept
}

func (m *Model) keep(e *PageEvent) {
	if m.kept[e.ID] == nil {
		m.kept[e.ID] = map[Op]PageEvent{}
	}
	kept := timeless(e)
	if e.Op == OpAnimations || e.Op == OpMedia {
		kept.Dt = m.clock // when it was so: it goes on by itself
	}
	m.kept[e.ID][e.Op] = kept
	if e.Op == OpDialog || e.Op == OpPopover {
		m.top = slices.DeleteFunc(m.top, func(id NodeID) bool { return id == e.ID || m.nodes[id] == nil })
		if e.N[0] != 0 {
			m.top = append(m.top, e.ID)
		}
	}
}

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

// State returns the page as it is now. It shares the model's nodes: it has to
// be encoded before the model is changed.
func (m *Model) State() *PageState {
	s := m.head
	for _, n := range slices.Sorted(maps.Keys(m.sheet)) {
		s.Events = append(s.Events, m.sheet[n])
	}
	s.Document.walk(func(n *Node) {
		kept := m.kept[n.ID]
		if kept == nil {
			return
		}
		for _, op := range keptOps {
			if e, is := kept[op]; is && (op != OpDialog && op != OpPopover || e.N[0] == 0) {
				s.Events = append(s.Events, m.aged(e))
			}
		}
	})
	for _, id := range m.top {
		for _, op := range []Op{OpDialog, OpPopover} {
			if e, is := m.kept[id][op]; is && e.N[0] != 0 {
				s.Events = append(s.Events, e)
			}
		}
	}
	for _, op := range pageOps {
		e, is := m.page[op]
		there := e.ID != 0 && m.nodes[e.ID] != nil
		if op == OpPointer && !there {
			e.ID = 0 // what moves it on needs its place all the same
		}
		if is && (there || op == OpOffset || op == OpPointer || op == OpPointerBy) {
			s.Events = append(s.Events, e)
		}
	}
	return &s
}

// aged is what plays or runs as it is by now.
func (m *Model) aged(e PageEvent) PageEvent {
	if e.Op != OpMedia && e.Op != OpAnimations {
		return e
	}
	passed := float64(m.clock-min(m.clock, e.Dt)) / 10
	e.Dt = 0
	if e.Op == OpMedia {
		if now := float64(e.N[1]) + passed*float64(e.N[3])/100; e.N[0]&1 == 0 && now < maxUint {
			e.N[1] = int64(now)
		}
		return e
	}
	e.Lines = slices.Clone(e.Lines)
	for i, line := range e.Lines {
		e.Lines[i] = agedAnimation(line, passed)
	}
	return e
}

func agedAnimation(line string, passed float64) string {
	var a map[string]any
	if json.Unmarshal([]byte(line), &a) != nil || a["s"] != "running" {
		return line
	}
	at, _ := a["c"].(float64)
	rate, is := a["r"].(float64)
	if !is {
		rate = 1
	}
	a["c"] = at + passed*rate
	b, err := json.Marshal(a)
	if err != nil {
		return line
	}
	return string(b)
}

// Digest is the digest of tree and form state (FORMAT.md, Digest).
func (m *Model) Digest() uint32 {
	h := fnv.New32a()
	buf := make([]byte, 0, 256)
	m.head.Document.walk(func(n *Node) {
		buf = m.appendOwn(buf[:0], n)
		_, _ = h.Write(buf) // never fails (hash.Hash)
	})
	return h.Sum32()
}

// DigestPart is the digest of the nodes with ids from first to before after,
// each with the ids of what is in it.
func (m *Model) DigestPart(first, after NodeID) uint32 {
	h := fnv.New32a()
	buf := make([]byte, 0, 256)
	for _, n := range m.between(first, after) {
		buf = m.appendOwn(buf[:0], n)
		for _, inner := range []*Node{n.Shadow, n.Frame} {
			if inner != nil {
				buf = binary.LittleEndian.AppendUint32(buf, uint32(inner.ID))
			}
		}
		for _, c := range n.Children {
			buf = binary.LittleEndian.AppendUint32(buf, uint32(c.ID))
		}
		_, _ = h.Write(buf) // never fails (hash.Hash)
	}
	return h.Sum32()
}

// between returns the nodes with ids from first to before after, in the order of
// ids. A page that has long been changing has few of them among many ids.
func (m *Model) between(first, after NodeID) []*Node {
	var list []*Node
	if int64(after)-int64(first) <= int64(len(m.nodes)) {
		for id := first; id < after; id++ {
			if n := m.nodes[id]; n != nil {
				list = append(list, n)
			}
		}
		return list
	}
	for id, n := range m.nodes {
		if id >= first && id < after {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b *Node) int { return cmp.Compare(a.ID, b.ID) })
	return list
}

// appendOwn appends what a digest has of a node by itself.
func (m *Model) appendOwn(buf []byte, n *Node) []byte {
	buf = binary.LittleEndian.AppendUint32(buf, uint32(n.ID))
	buf = append(buf, byte(n.Kind))
	switch n.Kind {
	case ElementNode:
		buf = append(buf, n.Name...)
	case TextNode:
		buf = append(buf, n.Text...)
	}
	if kept := m.kept[n.ID]; kept != nil {
		if v, is := kept[OpValue]; is {
			buf = append(buf, v.Text...)
		}
		if c, is := kept[OpChecked]; is {
			buf = append(buf, byte(c.N[0]))
		}
	}
	return buf
}
