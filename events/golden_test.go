package events

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// The golden files are shared with the codec in TypeScript: .hex holds the
// bytes, .json what is in them.

func sampleState() *PageState {
	el := func(id NodeID, name string, attrs []Attr, children ...*Node) *Node {
		return &Node{ID: id, Kind: ElementNode, Name: name, Attrs: attrs, Children: children}
	}
	txt := func(id NodeID, s string) *Node { return &Node{ID: id, Kind: TextNode, Text: s} }
	host := el(8, "x-card", nil)
	host.Shadow = &Node{ID: 9, Kind: ShadowNode, Flags: 1, Children: []*Node{el(10, "slot", nil)}}
	frame := el(11, "iframe", []Attr{{"name", "offices"}})
	frame.Frame = &Node{ID: 12, Kind: DocumentNode, Flags: 1, Text: "http://site/offices", Base: "http://site/", Children: []*Node{el(13, "html", nil)}}
	svg := &Node{ID: 14, Kind: ElementNode, Namespace: SVGNamespace, Name: "svg", Children: []*Node{{ID: 15, Kind: ElementNode, Namespace: SVGNamespace, Name: "foreignObject"}}}
	math := &Node{ID: 16, Kind: ElementNode, Namespace: MathMLNamespace, Name: "math"}
	other := &Node{ID: 17, Kind: ElementNode, Namespace: "urn:x", Name: "x:y"}
	return &PageState{
		Hidden: true, Width: 1280, Height: 720, DPR: 150, Zoom: 100, Title: "Enrolment – Ä 😀",
		Document: &Node{
			ID: 1, Kind: DocumentNode, Text: "http://site/enrol?x=1", Base: "http://site/", Children: []*Node{
				{ID: 2, Kind: DoctypeNode, Name: "html", Text: "-//W3C//DTD HTML 4.01//EN", Base: "http://www.w3.org/TR/html4/strict.dtd"},
				el(3, "html", []Attr{{"lang", "en"}},
					el(4, "body", []Attr{{"class", "a"}, {"lang", "en"}}, txt(5, "Name "), el(30, "input", []Attr{{"name", "n"}}),
						&Node{ID: 7, Kind: CommentNode, Text: " c "}, host, frame, svg, math, other, &Node{ID: 18, Kind: CDATANode, Text: "cd"},
						el(19, "select", nil, el(20, "option", nil, txt(21, "One"))))),
			},
		},
		Events: sampleEvents(30),
	}
}

// sampleEvents has each op once, every field with a value of its own.
func sampleEvents(id NodeID) []PageEvent {
	var list []PageEvent
	for op := Op(1); op < opEnd; op++ {
		e := PageEvent{Op: op, Cause: Cause(op % 3)}
		ids, nums := 0, 0
		for _, f := range []byte(fields[op]) {
			switch f {
			case 'i':
				*e.id(ids) = id - NodeID(ids)
				ids++
			case 'u':
				e.N[nums] = int64(op)*100 + int64(nums)
				nums++
			case 's':
				e.N[nums] = -300 + int64(nums)*301
				nums++
			case 'a':
				e.Name = "name"
			case 't':
				e.Text = "Grüße"
			case 'U':
				e.Nums = []uint64{0, 200, 1 << 40}
			case 'T':
				e.Lines = []string{"a{color:red}", "b{}", "a{color:red}"}
			case 'b':
				e.Data = []byte{0, 255, 128}
			case 'n':
				e.Node = &Node{ID: 100 + NodeID(op), Kind: ElementNode, Name: "p", Children: []*Node{{ID: 7, Kind: TextNode, Text: "x"}}}
				switch op {
				case OpShadow:
					e.Node = &Node{ID: 102, Kind: ShadowNode}
				case OpFrame, OpDocument:
					e.Node = &Node{ID: 103, Kind: DocumentNode, Text: "u", Base: "u"}
				}
			}
		}
		list = append(list, e)
	}
	return append(list, PageEvent{Op: OpFrame, ID: id})
}

func sampleBatch() *Batch {
	b := &Batch{Base: 123456, Events: sampleEvents(30)}
	for i := range b.Events {
		b.Events[i].Dt = uint64(i) * 7
	}
	return b
}

func TestGolden(t *testing.T) {
	for name, c := range map[string]struct {
		bytes []byte
		value any
	}{
		"state": {sampleState().Append(nil), plainState(sampleState())},
		"batch": {sampleBatch().Append(nil), map[string]any{"base": 123456, "events": plainEvents(sampleBatch().Events)}},
	} {
		path := filepath.Join("testdata", "golden", name)
		text, err := json.MarshalIndent(c.value, "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if *update {
			if err := os.WriteFile(path+".hex", []byte(hex.EncodeToString(c.bytes)+"\n"), 0o644); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path+".json", append(text, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path + ".hex")
		if err != nil {
			t.Fatal(err)
		}
		raw, err := hex.DecodeString(string(bytes.TrimSpace(want)))
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(raw, c.bytes) {
			t.Errorf("%s: encoded otherwise than the golden file", name)
		}
		var decoded any
		if name == "state" {
			s, derr := DecodeState(raw)
			decoded, err = plainState(s), derr
		} else {
			b, derr := DecodeBatch(raw)
			decoded, err = map[string]any{"base": b.Base, "events": plainEvents(b.Events)}, derr
		}
		if err != nil {
			t.Fatal(name, err)
		}
		got, _ := json.MarshalIndent(decoded, "", " ")
		described, _ := os.ReadFile(path + ".json")
		if string(got)+"\n" != string(described) {
			t.Errorf("%s: decoded\n%s", name, got)
		}
	}
}

// plain* turn decoded values into what the TypeScript codec gives.

func plainState(s *PageState) map[string]any {
	return map[string]any{
		"hidden": s.Hidden, "width": s.Width, "height": s.Height, "dpr": s.DPR, "zoom": s.Zoom, "title": s.Title,
		"document": plainNode(s.Document), "events": plainEvents(s.Events),
	}
}

func plainNode(n *Node) map[string]any {
	out := map[string]any{"id": n.ID, "kind": n.Kind}
	switch n.Kind {
	case ElementNode:
		attrs := [][2]string{}
		for _, a := range n.Attrs {
			attrs = append(attrs, [2]string{a.Name, a.Value})
		}
		out["ns"], out["name"], out["attrs"] = n.Namespace, n.Name, attrs
	case DoctypeNode:
		out["name"], out["text"], out["base"] = n.Name, n.Text, n.Base
		return out
	case DocumentNode:
		out["flags"], out["text"], out["base"] = n.Flags, n.Text, n.Base
	case ShadowNode:
		out["flags"] = n.Flags
	default:
		out["text"] = n.Text
		return out
	}
	if n.Shadow != nil {
		out["shadow"] = plainNode(n.Shadow)
	}
	if n.Frame != nil {
		out["frame"] = plainNode(n.Frame)
	}
	children := []any{}
	for _, c := range n.Children {
		children = append(children, plainNode(c))
	}
	out["children"] = children
	return out
}

func plainEvents(list []PageEvent) []any {
	var out []any
	for _, e := range list {
		m := map[string]any{"op": e.Op, "cause": e.Cause, "dt": e.Dt}
		ids, nums := []NodeID{}, []int64{}
		for _, f := range []byte(fields[e.Op]) {
			switch f {
			case 'i':
				ids = append(ids, *e.id(len(ids)))
			case 'u', 's':
				nums = append(nums, e.N[len(nums)])
			case 'a':
				m["name"] = e.Name
			case 't':
				m["text"] = e.Text
			case 'U':
				m["nums"] = e.Nums
			case 'T':
				m["lines"] = e.Lines
			case 'b':
				m["data"] = hex.EncodeToString(e.Data)
			case 'n':
				if e.Node != nil {
					m["node"] = plainNode(e.Node)
				}
			}
		}
		if len(ids) > 0 {
			m["ids"] = ids
		}
		if len(nums) > 0 {
			m["n"] = nums
		}
		out = append(out, m)
	}
	return out
}

func FuzzDecodeState(f *testing.F) {
	f.Add(sampleState().Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		s, err := DecodeState(b)
		if err != nil {
			return
		}
		FilterState(s)
		again, err := DecodeState(s.Append(nil))
		if err != nil {
			t.Fatalf("own encoding refused: %v", err)
		}
		if FilterState(again).Any {
			t.Error("the filter left something")
		}
		m, err := NewModel(again)
		if err != nil {
			return
		}
		m.Digest()
		if _, err := DecodeState(m.State().Append(nil)); err != nil {
			t.Errorf("model's state: %v", err)
		}
	})
}

func FuzzDecodeBatch(f *testing.F) {
	f.Add(sampleBatch().Append(nil))
	f.Fuzz(func(t *testing.T, b []byte) {
		batch, err := DecodeBatch(b)
		if err != nil {
			return
		}
		FilterBatch(batch)
		if _, err := DecodeBatch(batch.Append(nil)); err != nil {
			t.Fatalf("own encoding refused: %v", err)
		}
		m, err := NewModel(samplePage())
		if err != nil {
			t.Fatal(err)
		}
		if m.Apply(batch) != nil {
			return
		}
		for i := range batch.Events {
			m.Label(&batch.Events[i])
		}
		if _, err := DecodeState(m.State().Append(nil)); err != nil {
			t.Errorf("model's state: %v", err)
		}
	})
}
