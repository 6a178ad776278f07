package events

// NodeID names a node of a page, over frames and shadow roots; 0 is no node.
type NodeID uint32

const maxNodeID = 1<<31 - 1

// NodeKind says what a node is (FORMAT.md, node).
type NodeKind uint8

// The kinds of nodes.
const (
	ElementNode  NodeKind = 1
	TextNode     NodeKind = 2
	CommentNode  NodeKind = 3
	DoctypeNode  NodeKind = 4
	DocumentNode NodeKind = 5
	ShadowNode   NodeKind = 6
	CDATANode    NodeKind = 7
)

const (
	flagShadow byte = 0x10
	flagFrame  byte = 0x20
	flagSVG    byte = 0x40
	flagMathML byte = 0x80
)

// Namespaces of elements. HTML is the empty string.
const (
	SVGNamespace    = "http://www.w3.org/2000/svg"
	MathMLNamespace = "http://www.w3.org/1998/Math/MathML"
)

// Attr is an attribute: its qualified name and its authored value.
type Attr struct{ Name, Value string }

// Node is a node of a page's tree.
type Node struct {
	ID        NodeID
	Kind      NodeKind
	Namespace string  // elements: empty for HTML
	Name      string  // element: local name; doctype: name
	Attrs     []Attr  // elements
	Text      string  // text, comment, CDATA: data; document: URL; doctype: public id
	Base      string  // document: base URL; doctype: system id
	Flags     uint64  // document, shadow root
	Shadow    *Node   // element: its shadow root
	Frame     *Node   // element: the document of its frame
	Children  []*Node // element, document, shadow root

	parent *Node // the owner, for shadow roots and frames too; kept by a Model
	secret bool  // a control whose value was secret before its type changed
}

// Attr returns an attribute's value and whether it is there.
func (n *Node) Attr(name string) (string, bool) {
	for _, a := range n.Attrs {
		if a.Name == name {
			return a.Value, true
		}
	}
	return "", false
}

// walk visits the subtree in document order: node, shadow root, frame, children.
func (n *Node) walk(visit func(*Node)) {
	visit(n)
	if n.Shadow != nil {
		n.Shadow.walk(visit)
	}
	if n.Frame != nil {
		n.Frame.walk(visit)
	}
	for _, c := range n.Children {
		c.walk(visit)
	}
}

func (r *reader) node(depth int) *Node {
	head := r.u8()
	return r.nodeOf(head, depth)
}

func (r *reader) nodeOf(head byte, depth int) *Node {
	if depth > maxDepth {
		r.fail("nested too deeply")
		return nil
	}
	id := int64(r.last) + 1 + r.sint()
	if id < 1 || id > maxNodeID {
		r.fail("node id out of range")
		return nil
	}
	n := &Node{ID: NodeID(id), Kind: NodeKind(head & 0x0f)}
	r.last = n.ID
	if n.Kind != ElementNode && head > 0x0f {
		r.fail("flags on what is no element")
		return nil
	}
	switch n.Kind {
	case ElementNode:
		r.element(n, head, depth)
	case TextNode, CommentNode, CDATANode:
		n.Text = r.str()
	case DoctypeNode:
		n.Name, n.Text, n.Base = r.str(), r.str(), r.str()
	case DocumentNode:
		n.Flags, n.Text, n.Base = r.uint(), r.str(), r.str()
		r.children(n, depth)
	case ShadowNode:
		n.Flags = r.uint()
		r.children(n, depth)
	default:
		r.fail("unknown kind of node")
	}
	if r.err != nil {
		return nil
	}
	return n
}

func (r *reader) element(n *Node, head byte, depth int) {
	switch head & (flagSVG | flagMathML) {
	case flagSVG:
		n.Namespace = SVGNamespace
	case flagMathML:
		n.Namespace = MathMLNamespace
	case flagSVG | flagMathML:
		n.Namespace = r.str()
	}
	n.Name = r.str()
	if count := r.count(); count > 0 {
		n.Attrs = make([]Attr, count)
		for i := range n.Attrs {
			n.Attrs[i] = Attr{r.str(), r.str()}
		}
	}
	if head&flagShadow != 0 {
		if n.Shadow = r.node(depth + 1); n.Shadow != nil && n.Shadow.Kind != ShadowNode {
			r.fail("a shadow root of another kind")
		}
	}
	if head&flagFrame != 0 {
		if n.Frame = r.node(depth + 1); n.Frame != nil && n.Frame.Kind != DocumentNode {
			r.fail("a frame's document of another kind")
		}
	}
	r.children(n, depth)
}

func (r *reader) children(n *Node, depth int) {
	count := r.count()
	if count == 0 {
		return
	}
	n.Children = make([]*Node, count)
	for i := range n.Children {
		c := r.node(depth + 1)
		if c == nil {
			return
		}
		if c.Kind == DocumentNode || c.Kind == ShadowNode {
			r.fail("a document or shadow root as a child")
			return
		}
		n.Children[i] = c
	}
}

func (w *writer) node(n *Node) {
	head := byte(n.Kind)
	if n.Shadow != nil {
		head |= flagShadow
	}
	if n.Frame != nil {
		head |= flagFrame
	}
	switch n.Namespace {
	case "":
	case SVGNamespace:
		head |= flagSVG
	case MathMLNamespace:
		head |= flagMathML
	default:
		head |= flagSVG | flagMathML
	}
	w.u8(head)
	w.sint(int64(n.ID) - int64(w.last) - 1)
	w.last = n.ID
	switch n.Kind {
	case ElementNode:
		if head&(flagSVG|flagMathML) == flagSVG|flagMathML {
			w.str(n.Namespace)
		}
		w.str(n.Name)
		w.uint(uint64(len(n.Attrs)))
		for _, a := range n.Attrs {
			w.str(a.Name)
			if w.urls != nil {
				a.Value = w.urls.Attr(w.base, n, a.Name, a.Value)
			}
			w.str(a.Value)
		}
		if n.Shadow != nil {
			w.node(n.Shadow)
		}
		if n.Frame != nil {
			w.node(n.Frame)
		}
	case DoctypeNode:
		w.str(n.Name)
		w.str(n.Text)
		w.str(n.Base)
		return
	case DocumentNode:
		w.uint(n.Flags)
		w.str(n.Text)
		w.str(n.Base)
	case ShadowNode:
		w.uint(n.Flags)
	default:
		w.str(n.Text)
		return
	}
	w.uint(uint64(len(n.Children)))
	outer := w.base
	if n.Kind == DocumentNode {
		w.base = n.Base
	}
	for _, c := range n.Children {
		if w.urls != nil && c.Kind == TextNode && isStyle(n) {
			c = &Node{ID: c.ID, Kind: TextNode, Text: w.urls.CSS(w.base, c.Text)}
		}
		w.node(c)
	}
	w.base = outer
}
