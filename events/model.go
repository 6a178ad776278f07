package events

import (
	"errors"
	"fmt"
	"slices"
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
