package events

import (
	"strings"
	"testing"
)

// archived maps every URL by putting a mark and the document's base before it.
type archived struct{}

func (archived) Attr(base string, el *Node, name, value string) string {
	if name == "src" || el.Name == "link" && name == "href" {
		return "[" + base + "]" + value
	}
	return value
}

func (archived) CSS(base, text string) string {
	return strings.ReplaceAll(text, "url(", "url(["+base+"]")
}

func TestViewersGetMappedURLsAndTheSamePage(t *testing.T) {
	page := func() *PageState {
		return &PageState{Document: &Node{ID: 1, Kind: DocumentNode, Base: "b1", Children: []*Node{
			{ID: 2, Kind: ElementNode, Name: "body", Children: []*Node{
				{ID: 3, Kind: ElementNode, Name: "img", Attrs: []Attr{{"src", "x.png"}}},
				{ID: 4, Kind: ElementNode, Name: "style", Children: []*Node{{ID: 5, Kind: TextNode, Text: "a{b:url(y)}"}}},
				{ID: 6, Kind: ElementNode, Name: "iframe", Frame: &Node{ID: 7, Kind: DocumentNode, Base: "b2", Children: []*Node{
					{ID: 8, Kind: ElementNode, Name: "img", Attrs: []Attr{{"src", "z.png"}}},
				}}},
			}},
		}}}
	}
	m, err := NewModel(page())
	if err != nil {
		t.Fatal(err)
	}
	viewed, err := DecodeState(m.State().AppendFor(nil, archived{}))
	if err != nil {
		t.Fatal(err)
	}
	viewer, err := NewModel(viewed)
	if err != nil {
		t.Fatal(err)
	}
	check := func(id NodeID, want string) {
		t.Helper()
		n := viewer.Node(id)
		got := n.Text
		if n.Kind == ElementNode {
			got, _ = n.Attr("src")
		}
		if got != want {
			t.Errorf("node %d: %s, want %s", id, got, want)
		}
	}
	check(3, "[b1]x.png")
	check(5, "a{b:url([b1]y)}")
	check(8, "[b2]z.png")
	if src, _ := m.Node(3).Attr("src"); src != "x.png" {
		t.Errorf("the model was changed: %s", src)
	}
	// A node that comes with the batch, and takes another in within it.
	batch := &Batch{Events: []PageEvent{
		{Op: OpInsert, ID: 2, Node: &Node{ID: 20, Kind: ElementNode, Name: "div", Children: []*Node{{ID: 21, Kind: ElementNode, Name: "img", Attrs: []Attr{{"src", "n"}}}}}},
		{Op: OpMove, ID: 3, Other: 20},
		{Op: OpAttr, ID: 8, Name: "src", Text: "q"},
		{Op: OpSplice, ID: 5, N: [4]int64{8, 1}, Text: "yy"},
		{Op: OpRemove, ID: 21},
	}}
	b, err := m.ApplyFor(nil, batch, archived{})
	if err != nil {
		t.Fatal(err)
	}
	shown, err := DecodeBatch(b)
	if err != nil {
		t.Fatal(err)
	}
	if err := viewer.Apply(shown); err != nil {
		t.Fatal(err)
	}
	check(5, "a{b:url([b1]yy)}")
	check(8, "[b2]q")
	check(3, "[b1]x.png")
	if got, want := outline(viewer.State().Document), outline(m.State().Document); strings.ReplaceAll(got, "[b1]", "") != want {
		t.Errorf("%s\n%s", got, want)
	}
}
