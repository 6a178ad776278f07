package events

// Op says what a page event is (FORMAT.md, Batch of page events).
type Op uint8

// The page events.
const (
	OpRemove Op = iota + 1
	OpInsert
	OpMove
	OpAttr
	OpAttrGone
	OpText
	OpSplice
	OpValue
	OpChecked
	OpSelected
	OpScroll
	OpViewport
	OpFocus
	OpSelection
	OpCaret
	OpPointer
	OpClick
	OpKey
	OpDialog
	OpPopover
	OpRules
	OpRuleInsert
	OpRuleDelete
	OpAdopted
	OpSheet
	OpCanvas
	OpMedia
	OpHover
	OpActive
	OpLocation
	OpTitle
	OpShadow
	OpFrame
	OpHidden
	OpDigest
	OpSubmit
	OpDocument
	OpSheetUse
	OpDigestPart
	OpPlaceholder
	OpStates
	OpAnimations
	OpAssigned
	OpOffset
	OpDefined
	OpCurrent
	OpPointerBy
	opEnd
)

// Cause says who brought an event about.
type Cause uint8

// The causes.
const (
	CausePage    Cause = 0
	CauseUser    Cause = 1
	CauseRequest Cause = 2 // a confirmed event request
)

// PageEvent is one change or interaction. Which fields an Op uses, and in which
// order they are written, is in fields.
type PageEvent struct {
	Op     Op
	Cause  Cause
	Dt     uint64 // units of 100 µs since the event before; unused in a page state
	ID     NodeID // the first id of the body
	Other  NodeID // the second one
	Before NodeID // the third one
	N      [4]int64
	Name   string
	Text   string
	Nums   []uint64
	Lines  []string
	Data   []byte
	Node   *Node
}

// fields lists the body of each op: i an id, u a uint, s a sint (both to N), a
// Name, t Text, b Data, n Node (in Frame a 0 byte for none), U Nums, T Lines.
var fields = [opEnd]string{
	OpRemove: "i", OpInsert: "iin", OpMove: "iii", OpAttr: "iat", OpAttrGone: "ia", OpText: "it",
	OpSplice: "iuut", OpValue: "iut", OpChecked: "iu", OpSelected: "iU", OpScroll: "iss",
	OpViewport: "uuuu", OpFocus: "i", OpSelection: "iuiu", OpCaret: "iuuu", OpPointer: "ssi",
	OpClick: "iuuss", OpKey: "iau", OpDialog: "iu", OpPopover: "iu", OpRules: "iT",
	OpRuleInsert: "iut", OpRuleDelete: "iu", OpAdopted: "iU", OpSheet: "uT", OpCanvas: "iab",
	OpMedia: "iuuuu", OpHover: "i", OpActive: "i", OpLocation: "iat", OpTitle: "t",
	OpShadow: "in", OpFrame: "in", OpHidden: "u", OpDigest: "u", OpSubmit: "i", OpDocument: "n",
	OpSheetUse: "iut", OpDigestPart: "uuu", OpPlaceholder: "iuut", OpStates: "iT", OpAnimations: "iT",
	OpAssigned: "iU", OpOffset: "ss", OpDefined: "iT", OpCurrent: "iut",
	OpPointerBy: "ss",
}

func (r *reader) event(timed bool) PageEvent {
	head := r.u8()
	e := PageEvent{Op: Op(head & 0x3f), Cause: Cause(head >> 6)}
	if e.Op == 0 || e.Op >= opEnd || e.Cause > CauseRequest {
		r.fail("unknown event")
		return e
	}
	if timed {
		e.Dt = r.uint()
	}
	ids, nums := 0, 0
	for _, f := range []byte(fields[e.Op]) {
		switch f {
		case 'i':
			*e.id(ids) = r.id()
			ids++
		case 'u':
			e.N[nums] = int64(r.uint())
			nums++
		case 's':
			e.N[nums] = r.sint()
			nums++
		case 'a':
			e.Name = r.str()
		case 't':
			e.Text = r.str()
		case 'b':
			e.Data = r.bytes()
		case 'U':
			e.Nums = make([]uint64, r.count())
			for i := range e.Nums {
				e.Nums[i] = r.uint()
			}
		case 'T':
			e.Lines = make([]string, r.count())
			for i := range e.Lines {
				e.Lines[i] = r.str()
			}
		case 'n':
			e.Node = r.subtree(e.Op)
		}
	}
	return e
}

func (e *PageEvent) id(i int) *NodeID {
	return [3]*NodeID{&e.ID, &e.Other, &e.Before}[i]
}

func (r *reader) subtree(op Op) *Node {
	head := r.u8()
	if head == 0 && op == OpFrame {
		return nil
	}
	r.last = 0
	n := r.nodeOf(head, 0)
	if n == nil {
		return nil
	}
	want := map[Op]NodeKind{OpShadow: ShadowNode, OpFrame: DocumentNode, OpDocument: DocumentNode}[op]
	if want != 0 && n.Kind != want || want == 0 && (n.Kind == DocumentNode || n.Kind == ShadowNode) {
		r.fail("a node of the wrong kind")
		return nil
	}
	return n
}

func (w *writer) event(e *PageEvent, timed bool) {
	w.u8(byte(e.Op) | byte(e.Cause)<<6)
	if timed {
		w.uint(e.Dt)
	}
	ids, nums := 0, 0
	for _, f := range []byte(fields[e.Op]) {
		switch f {
		case 'i':
			w.uint(uint64(*e.id(ids)))
			ids++
		case 'u':
			w.uint(uint64(e.N[nums]))
			nums++
		case 's':
			w.sint(e.N[nums])
			nums++
		case 'a':
			w.str(e.Name)
		case 't':
			w.str(e.Text)
		case 'b':
			w.bytes(e.Data)
		case 'U':
			w.uint(uint64(len(e.Nums)))
			for _, v := range e.Nums {
				w.uint(v)
			}
		case 'T':
			w.uint(uint64(len(e.Lines)))
			for _, s := range e.Lines {
				w.str(s)
			}
		case 'n':
			if e.Node == nil {
				w.u8(0)
				continue
			}
			w.last = 0
			w.node(e.Node)
		}
	}
}

// PageState is a whole page at a moment.
type PageState struct {
	Hidden        bool
	Width, Height uint64 // layout viewport, CSS pixels
	DPR           uint64 // × 100
	Zoom          uint64 // × 100
	Title         string
	Document      *Node
	Events        []PageEvent // what markup does not hold
}

// DecodeState reads a page state. Byte slices in it alias b.
func DecodeState(b []byte) (*PageState, error) {
	r := &reader{b: b}
	if v := r.u8(); v != Version {
		r.fail("unknown version")
	}
	s := &PageState{Hidden: r.uint()&1 != 0, Width: r.uint(), Height: r.uint(), DPR: r.uint(), Zoom: r.uint(), Title: r.str()}
	s.Document = r.node(0)
	if r.err == nil && s.Document.Kind != DocumentNode {
		r.fail("no document")
	}
	n := r.count()
	for i := 0; i < n && r.err == nil; i++ {
		s.Events = append(s.Events, r.event(false))
	}
	if r.err == nil && r.more() {
		r.fail("trailing bytes")
	}
	return s, r.err
}

// Append appends the encoded page state.
func (s *PageState) Append(dst []byte) []byte {
	w := newWriter(dst)
	s.write(w)
	return w.buf
}

func (s *PageState) write(w *writer) {
	w.u8(Version)
	var flags uint64
	if s.Hidden {
		flags = 1
	}
	for _, v := range []uint64{flags, s.Width, s.Height, s.DPR, s.Zoom} {
		w.uint(v)
	}
	w.str(s.Title)
	w.node(s.Document)
	w.uint(uint64(len(s.Events)))
	find := s.finder()
	for i := range s.Events {
		e := s.Events[i]
		if w.urls != nil {
			n, base := find(e.ID)
			w.mapEvent(&e, n, base)
		}
		w.event(&e, false)
	}
}

// Batch is some page events in order.
type Batch struct {
	Base   uint64 // time since the batch before, or the page state, units of 16 ms
	Events []PageEvent
}

// DecodeBatch reads a batch. Byte slices in it alias b.
func DecodeBatch(b []byte) (*Batch, error) {
	r := &reader{b: b}
	if v := r.u8(); v != Version {
		r.fail("unknown version")
	}
	batch := &Batch{Base: r.uint()}
	for r.more() {
		batch.Events = append(batch.Events, r.event(true))
	}
	return batch, r.err
}

// Append appends the encoded batch.
func (b *Batch) Append(dst []byte) []byte {
	w := newWriter(dst)
	w.u8(Version)
	w.uint(b.Base)
	for i := range b.Events {
		w.event(&b.Events[i], true)
	}
	return w.buf
}
