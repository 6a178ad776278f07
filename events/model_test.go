package events

import (
	"errors"
	"strings"
	"testing"
)

// samplePage is the sample state without its events.
func samplePage() *PageState {
	s := sampleState()
	s.Events = nil
	return s
}

func newSample(t *testing.T) *Model {
	t.Helper()
	m, err := NewModel(samplePage())
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// outline writes a tree as name(children), texts quoted.
func outline(n *Node) string {
	var out strings.Builder
	var add func(*Node)
	add = func(n *Node) {
		switch n.Kind {
		case TextNode:
			out.WriteString("'" + n.Text + "'")
		case CommentNode, CDATANode, DoctypeNode:
			out.WriteString("-")
		default:
			out.WriteString(n.Name)
		}
		if n.Shadow != nil {
			out.WriteString("#")
			add(n.Shadow)
		}
		if n.Frame != nil {
			out.WriteString("@")
			add(n.Frame)
		}
		if len(n.Children) > 0 {
			out.WriteString("(")
			for i, c := range n.Children {
				if i > 0 {
					out.WriteString(" ")
				}
				add(c)
			}
			out.WriteString(")")
		}
	}
	add(n)
	return out.String()
}

func TestModelFollowsTheEvents(t *testing.T) {
	m := newSample(t)
	events := []PageEvent{
		{Op: OpRemove, ID: 7},
		{Op: OpMove, ID: 19, Other: 4, Before: 5},
		{Op: OpInsert, ID: 4, Other: 30, Node: &Node{ID: 40, Kind: ElementNode, Name: "b", Children: []*Node{{ID: 41, Kind: TextNode, Text: "new"}}}},
		{Op: OpSplice, ID: 5, N: [4]int64{4, 1}, Text: "😀:"},
		{Op: OpSplice, ID: 5, N: [4]int64{6, 1}, Text: "!"},
		{Op: OpAttr, ID: 4, Name: "class", Text: "b"},
		{Op: OpAttrGone, ID: 4, Name: "lang"},
		{Op: OpFrame, ID: 11},
		{Op: OpShadow, ID: 4, Node: &Node{ID: 50, Kind: ShadowNode}},
		{Op: OpValue, ID: 30, Text: "Ann", Cause: CauseUser},
		{Op: OpTitle, Text: "T"},
		{Op: OpLocation, ID: 1, Name: "http://site/2", Text: "http://site/2"},
		{Op: OpRules, ID: 4, Lines: []string{"a{}", "b{}"}},
		{Op: OpRuleInsert, ID: 4, N: [4]int64{1}, Text: "c{}"},
		{Op: OpRuleDelete, ID: 4, N: [4]int64{0}},
	}
	if err := m.Apply(&Batch{Events: events}); err != nil {
		t.Fatal(err)
	}
	got := outline(m.State().Document)
	want := "(- html(body#(select(option('One')) 'Name😀!' b('new') input x-card#(slot) iframe svg(foreignObject) math x:y -)))"
	if got != want {
		t.Errorf("\n%s\n%s", got, want)
	}
	if body := m.Node(4); len(body.Attrs) != 1 || body.Attrs[0] != (Attr{"class", "b"}) {
		t.Errorf("attributes %v", body.Attrs)
	}
	// What a late agent gets is the same page.
	s, err := DecodeState(m.State().Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	late, err := NewModel(s)
	if err != nil {
		t.Fatal(err)
	}
	if late.Digest() != m.Digest() || late.Title() != "T" || late.URL() != "http://site/2" {
		t.Errorf("late: %d %d %q %q", late.Digest(), m.Digest(), late.Title(), late.URL())
	}
	if rules := late.kept[4][OpRules].Lines; strings.Join(rules, "") != "c{}b{}" {
		t.Errorf("rules %q", rules)
	}
}

func TestModelRefusesWhatDoesNotFit(t *testing.T) {
	for name, e := range map[string]PageEvent{
		"unknown node":     {Op: OpText, ID: 999},
		"known id again":   {Op: OpInsert, ID: 4, Node: &Node{ID: 5, Kind: TextNode}},
		"into itself":      {Op: OpMove, ID: 3, Other: 4},
		"before no child":  {Op: OpMove, ID: 5, Other: 3, Before: 30},
		"child of text":    {Op: OpInsert, ID: 5, Node: &Node{ID: 60, Kind: TextNode}},
		"remove document":  {Op: OpRemove, ID: 1},
		"splice too long":  {Op: OpSplice, ID: 5, N: [4]int64{3, 9}},
		"rule unknown":     {Op: OpRuleInsert, ID: 4},
		"shadow of text":   {Op: OpShadow, ID: 5, Node: &Node{ID: 60, Kind: ShadowNode}},
		"no such document": {Op: OpDocument, Node: &Node{ID: 60, Kind: DocumentNode}},
	} {
		if err := newSample(t).Apply(&Batch{Events: []PageEvent{e}}); !errors.Is(err, ErrModel) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestDecodersRefuseWithAReason(t *testing.T) {
	good := sampleState().Append(nil)
	for i := range good {
		if _, err := DecodeState(good[:i]); !errors.Is(err, ErrFormat) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	for name, b := range map[string][]byte{
		"version":  {9},
		"trailing": append(append([]byte(nil), good...), 0),
		"huge":     {1, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
	} {
		if _, err := DecodeState(b); !errors.Is(err, ErrFormat) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := DecodeBatch([]byte{1, 0, 63, 0}); !errors.Is(err, ErrFormat) {
		t.Errorf("unknown op: %v", err)
	}
}

func TestFilterTakesOutWhatCouldRun(t *testing.T) {
	el := func(id NodeID, name string, attrs ...Attr) *Node {
		return &Node{ID: id, Kind: ElementNode, Name: name, Attrs: attrs}
	}
	s := &PageState{Document: &Node{ID: 1, Kind: DocumentNode, Children: []*Node{el(2, "html")}}}
	bad := []*Node{
		el(3, "script", Attr{"src", "/x.js"}), el(4, "SCRIPT"), el(5, "base", Attr{"href", "/"}),
		el(6, "meta", Attr{"http-equiv", "refresh"}), el(7, "object"), el(8, "p", Attr{"onclick", "x()"}),
		el(9, "a", Attr{"href", "java\nscript:x()"}), el(10, "iframe", Attr{"src", "/y"}, Attr{"srcdoc", "<b>"}),
		el(11, "a", Attr{"href", " \x01JavaScript:x()"}), el(12, "form", Attr{"action", "data:text/html,x"}),
		el(13, "input", Attr{"type", "password"}, Attr{"value", "secret"}), el(14, "set", Attr{"attributeName", "href"}),
		el(15, "svg:script"),
	}
	s.Document.Children[0].Children = bad
	if !FilterState(s).Any {
		t.Fatal("nothing was filtered")
	}
	for _, n := range bad {
		for _, a := range n.Attrs {
			if n.Name != goneName && a.Name != "type" {
				t.Errorf("%s kept %v", n.Name, a)
			}
		}
		if forbiddenElements[strings.ToLower(n.Name)] {
			t.Errorf("%s stayed", n.Name)
		}
	}
	fine := el(20, "a", Attr{"href", "12:30"}, Attr{"class", "on"}, Attr{"src", "data:image/png;base64,x"})
	s.Document.Children[0].Children = []*Node{fine}
	if FilterState(s).Any || len(fine.Attrs) != 3 {
		t.Errorf("filtered %v", fine)
	}
	b := &Batch{Events: []PageEvent{{Op: OpAttr, Dt: 5, ID: 2, Name: "onload", Text: "x"}, {Op: OpHover, Dt: 3, ID: 2}}}
	if !FilterBatch(b).Any || len(b.Events) != 1 || b.Events[0].Dt != 8 {
		t.Errorf("batch %+v", b)
	}
}

func TestLabelsAreReadable(t *testing.T) {
	el := func(id NodeID, name string, attrs []Attr, children ...*Node) *Node {
		return &Node{ID: id, Kind: ElementNode, Name: name, Attrs: attrs, Children: children}
	}
	txt := func(id NodeID, s string) *Node { return &Node{ID: id, Kind: TextNode, Text: s} }
	body := el(2, "body", nil,
		el(3, "label", []Attr{{"for", "n"}}, txt(4, "Name:")), el(5, "input", []Attr{{"id", "n"}}),
		el(6, "table", nil, el(7, "tr", nil, el(8, "td", nil, txt(9, " Street\n *")), el(10, "td", nil, el(11, "input", []Attr{{"name", "st"}})))),
		el(12, "p", nil, el(13, "input", []Attr{{"type", "radio"}, {"value", "b"}}), txt(14, " Plan B ($200/Mo)")),
		el(15, "select", []Attr{{"name", "state"}}, el(16, "option", nil, txt(17, "Ohio")), el(18, "option", nil, txt(19, "Utah"))),
		el(20, "a", nil, el(21, "b", nil, txt(22, "Next"))), el(23, "input", []Attr{{"type", "submit"}, {"value", "Enrol"}}))
	m, err := NewModel(&PageState{Document: &Node{ID: 1, Kind: DocumentNode, Children: []*Node{body}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		e    PageEvent
		want string
	}{
		{PageEvent{Op: OpValue, ID: 5, Cause: CauseUser}, "input: typed into “Name”"},
		{PageEvent{Op: OpValue, ID: 11, Cause: CauseRequest}, "input: typed into “Street”"},
		{PageEvent{Op: OpValue, ID: 11}, ": "},
		{PageEvent{Op: OpChecked, ID: 13, N: [4]int64{1}, Cause: CauseUser}, "input: chose “Plan B ($200/Mo)”"},
		{PageEvent{Op: OpSelected, ID: 15, Nums: []uint64{1}, Cause: CauseUser}, "input: chose “Utah” in “state”"},
		{PageEvent{Op: OpClick, ID: 22, Cause: CauseUser}, "click: clicked “Next”"},
		{PageEvent{Op: OpClick, ID: 23, Cause: CauseUser}, "click: clicked “Enrol”"},
		{PageEvent{Op: OpKey, ID: 5, Name: "a", N: [4]int64{2}}, "key: pressed Ctrl+a"},
		{PageEvent{Op: OpLocation, ID: 1, Name: "http://x/"}, "navigation: went to http://x/"},
	} {
		kind, label := m.Label(&c.e)
		if got := kind + ": " + label; got != c.want {
			t.Errorf("got %s, want %s", got, c.want)
		}
	}
	for want, r := range map[string]EventRequest{
		"fill “Name” with “Ann”":   {Node: 5, Action: ActionFill, Value: "Ann"},
		"choose “Utah” in “state”": {Node: 15, Action: ActionSelect, Value: "1"},
		"choose in “state”":        {Node: 15, Action: ActionSelect, Value: "99"},
		"choose in something":      {Node: 999, Action: ActionSelect, Value: "1"},
	} {
		if got := m.RequestLabel(&r); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
	}
}

func TestADigestOfAPartSeesWhatIsInIt(t *testing.T) {
	one, other := newSample(t), newSample(t)
	if one.DigestPart(1, 100) != other.DigestPart(1, 100) {
		t.Fatal("the same page has two digests")
	}
	if one.DigestPart(1, 1<<31-1) != one.DigestPart(1, 100) {
		t.Error("ids that nobody has count")
	}
	whole := one.DigestPart(1, 100)
	for name, e := range map[string]PageEvent{
		"a text":   {Op: OpText, ID: firstText(one), Text: "another"},
		"a value":  {Op: OpValue, ID: firstElement(one, "input"), Text: "typed"},
		"a child":  {Op: OpInsert, ID: firstElement(one, "body"), Node: &Node{ID: 99, Kind: TextNode, Text: "x"}},
		"an order": {Op: OpMove, ID: firstText(one), Other: firstElement(one, "body")},
	} {
		m := newSample(t)
		if err := m.Apply(&Batch{Events: []PageEvent{e}}); err != nil {
			t.Fatal(name, err)
		}
		if m.DigestPart(1, 100) == whole {
			t.Errorf("%s is not seen", name)
		}
	}
	wrong := &Batch{Events: []PageEvent{{Op: OpDigestPart, N: [4]int64{1, 100, int64(whole ^ 1)}}}}
	if err := one.Apply(wrong); !errors.Is(err, ErrDigest) {
		t.Errorf("a wrong digest: %v", err)
	}
	if err := one.Apply(&Batch{Events: []PageEvent{{Op: OpDigestPart, N: [4]int64{1, 100, int64(whole)}}}}); err != nil {
		t.Errorf("a right digest: %v", err)
	}
}

func TestWhatIsOpenComesInTheOrderOfItsOpening(t *testing.T) {
	m := newSample(t)
	first, last := firstElement(m, "body"), firstElement(m, "html")
	list := []PageEvent{{Op: OpDialog, ID: first, N: [4]int64{2}}, {Op: OpPopover, ID: last, N: [4]int64{1}}}
	if err := m.Apply(&Batch{Events: list}); err != nil {
		t.Fatal(err)
	}
	var order []NodeID
	for _, e := range m.State().Events {
		if e.Op == OpDialog || e.Op == OpPopover {
			order = append(order, e.ID)
		}
	}
	if len(order) != 2 || order[0] != first || order[1] != last {
		t.Errorf("opened %d, then %d; told %v", first, last, order)
	}
}

func TestAPointerIsWhereItMovedTo(t *testing.T) {
	m := newSample(t)
	place := func() (at [2]int64) {
		for _, e := range m.State().Events {
			if e.Op == OpPointer || e.Op == OpPointerBy {
				at[0] += e.N[0]
				at[1] += e.N[1]
			}
		}
		return at
	}
	id := firstElement(m, "body")
	for _, c := range []struct {
		event PageEvent
		want  [2]int64
	}{
		{PageEvent{Op: OpPointer, ID: id, N: [4]int64{100, 50}}, [2]int64{100, 50}},
		{PageEvent{Op: OpPointerBy, N: [4]int64{-3, 7}}, [2]int64{97, 57}},
		{PageEvent{Op: OpRemove, ID: id}, [2]int64{97, 57}}, // the node goes, the place stays
		{PageEvent{Op: OpPointerBy, N: [4]int64{1, 1}}, [2]int64{95, 65}},
		{PageEvent{Op: OpPointerBy, N: [4]int64{2, -8}}, [2]int64{95, 65}}, // it slowed down, to 0
		{PageEvent{Op: OpPointer, ID: 1, N: [4]int64{10, 10}}, [2]int64{10, 10}},
		{PageEvent{Op: OpPointerBy, N: [4]int64{1, 2}}, [2]int64{11, 12}},
	} {
		if err := m.Apply(&Batch{Events: []PageEvent{c.event}}); err != nil {
			t.Fatal(err)
		}
		if at := place(); at != c.want {
			t.Errorf("after op %d: at %v, not %v", c.event.Op, at, c.want)
		}
		// Who starts from here goes on alike.
		late, err := NewModel(m.State())
		if err != nil {
			t.Fatal(err)
		}
		late.point(&PageEvent{Op: OpPointerBy, N: [4]int64{2, 3}})
		if got, want := late.page[OpPointerBy].N, [4]int64{m.page[OpPointerBy].N[0] + 2, m.page[OpPointerBy].N[1] + 3}; got != want {
			t.Errorf("after op %d: late at a pace of %v, not %v", c.event.Op, got, want)
		}
	}
}

func TestURLsOfALinkedSheetAreRelativeToIt(t *testing.T) {
	link := &Node{ID: 50, Kind: ElementNode, Name: "link", Attrs: []Attr{{"href", "css/main.css"}}}
	if got := sheetBase("http://site/app/", link); got != "http://site/app/css/main.css" {
		t.Errorf("the sheet's rules are relative to %s", got)
	}
}

func firstElement(m *Model, name string) (id NodeID) {
	m.head.Document.walk(func(n *Node) {
		if id == 0 && n.Kind == ElementNode && n.Name == name {
			id = n.ID
		}
	})
	return id
}

func firstText(m *Model) (id NodeID) {
	m.head.Document.walk(func(n *Node) {
		if id == 0 && n.Kind == TextNode {
			id = n.ID
		}
	})
	return id
}

func TestForgedLooksLeadNowhere(t *testing.T) {
	b := &Batch{Events: []PageEvent{
		{Op: OpCurrent, ID: 4, Text: "javascript:x"},
		{Op: OpAnimations, ID: 4, Lines: []string{"[["}},
		{Op: OpAnimations, ID: 4, Lines: []string{`{"k":[{"backgroundImage":"url(http://evil/)"}]}`}},
	}}
	if f := FilterBatch(b); !f.Any || len(b.Events) != 1 {
		t.Fatalf("left: %v", b.Events)
	}
	m := newSample(t)
	shown, err := m.ApplyFor(nil, b, upperURLs{})
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(shown), "evil") {
		t.Errorf("a viewer gets %q", shown)
	}
}

// upperURLs stands for a mapping that leaves nothing as it was.
type upperURLs struct{}

func (upperURLs) Attr(_ string, _ *Node, _, value string) string { return strings.ToUpper(value) }
func (upperURLs) CSS(_, text string) string                      { return strings.ToUpper(text) }

func TestWhatRunsIsLaterLaterOn(t *testing.T) {
	m := newSample(t)
	id := firstElement(m, "body")
	steps := []*Batch{
		{Base: 60, Events: []PageEvent{{Op: OpMedia, ID: id, N: [4]int64{0, 4000, 100, 200}}, {Op: OpAnimations, ID: id, Lines: []string{`{"n":"spin","c":100,"s":"running"}`, `{"n":"still","c":100,"s":"paused"}`}}}},
		{Base: 125, Events: []PageEvent{{Op: OpTitle, Text: "two seconds later"}}},
	}
	for _, b := range steps {
		if err := m.Apply(b); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range m.State().Events {
		if e.Op == OpMedia && e.N[1] != 8000 {
			t.Errorf("a film is at %d ms", e.N[1])
		}
		if e.Op == OpAnimations && (!strings.Contains(e.Lines[0], `"c":2100`) || !strings.Contains(e.Lines[1], `"c":100`)) {
			t.Errorf("animations: %q", e.Lines)
		}
	}
}
