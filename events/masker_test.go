package events

import (
	"fmt"
	"regexp"
	"strings"
	"testing"
)

// card is a number that a browser should have masked, and what stands for it.
const (
	card     = "4111 1111 1111 1111"
	noCard   = "•••• •••• •••• ••••"
	plain    = "4111111111111111"
	noPlain  = "••••••••••••••••"
	contract = "K-123456"
)

var contracts = regexp.MustCompile(`K-\d{6}`)

func newMasker(known map[NodeID]*Node) *masker {
	return &masker{patterns: []*regexp.Regexp{contracts}, known: known}
}

func element(id NodeID, name string, attrs ...Attr) *Node {
	return &Node{ID: id, Kind: ElementNode, Name: name, Attrs: attrs}
}

func TestAPageStateIsMaskedAgain(t *testing.T) {
	style := element(50, "style")
	style.Children = []*Node{{ID: 51, Kind: TextNode, Text: ".a{width:" + plain + "}"}}
	p := element(52, "p", Attr{"title", card}, Attr{"class", plain}, Attr{"id", plain}, Attr{"style", plain}, Attr{"data-x", contract})
	p.Children = []*Node{{ID: 53, Kind: TextNode, Text: "Grüße " + card}, {ID: 54, Kind: CommentNode, Text: contract}}
	host := element(55, "x-a")
	host.Shadow = &Node{ID: 56, Kind: ShadowNode, Children: []*Node{{ID: 57, Kind: TextNode, Text: plain}}}
	s := samplePage()
	s.Title, s.Document.Text = "Card "+card, "http://site/"+plain+"/?n=4111+1111+1111+1111&m=1#"+plain
	body := s.Document.Children[1].Children[0]
	body.Children = append(body.Children, style, p, host,
		element(58, "a", Attr{"href", "/x?card=" + plain}), element(59, "img", Attr{"src", "/x?card=" + plain}, Attr{"alt", plain}),
		element(60, "link", Attr{"href", "/x?card=" + plain}), element(61, "input", Attr{"autocomplete", "cc-number"}, Attr{"value", "12"}),
		element(62, "input", Attr{"type", "PASSWORD"}))
	s.Events = []PageEvent{
		{Op: OpValue, ID: 30, Text: plain}, {Op: OpValue, ID: 61, Text: "1234"}, {Op: OpValue, ID: 62, Text: "word", N: [4]int64{1}},
		{Op: OpRules, ID: 50, Lines: []string{".b{width:" + plain + "}"}},
	}
	k := newMasker(nil)
	k.state(s)
	for name, c := range map[string][2]string{
		"title":           {s.Title, "Card " + noCard},
		"address":         {s.Document.Text, "http://site/" + plain + "/?n=***&m=1#***"},
		"title attribute": {p.Attrs[0].Value, noCard}, "class": {p.Attrs[1].Value, plain}, "id": {p.Attrs[2].Value, plain}, "style": {p.Attrs[3].Value, plain},
		"data":                                {p.Attrs[4].Value, "••••••••"},
		"text":                                {p.Children[0].Text, "Grüße " + noCard},
		"comment":                             {p.Children[1].Text, "••••••••"},
		"shadow root":                         {host.Shadow.Children[0].Text, noPlain},
		"rules as text":                       {style.Children[0].Text, ".a{width:" + plain + "}"},
		"rules":                               {s.Events[3].Lines[0], ".b{width:" + plain + "}"},
		"link":                                {body.Children[len(body.Children)-5].Attrs[0].Value, "/x?card=***"},
		"image":                               {body.Children[len(body.Children)-4].Attrs[0].Value, "/x?card=" + plain},
		"alt":                                 {body.Children[len(body.Children)-4].Attrs[1].Value, noPlain},
		"style sheet":                         {body.Children[len(body.Children)-3].Attrs[0].Value, "/x?card=" + plain},
		"value of a secret control as markup": {body.Children[len(body.Children)-2].Attrs[1].Value, ""},
		"value":                               {s.Events[0].Text, noPlain}, "value of a payment field": {s.Events[1].Text, mask}, "value of a password": {s.Events[2].Text, mask},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %q, not %q", name, c[0], c[1])
		}
	}
	if s.Events[1].N[0] != 1 {
		t.Error("a value that is masked does not say so")
	}
	if before := k.slipped; before == 0 {
		t.Error("nothing was counted")
	} else if k.state(s); k.slipped != before {
		t.Errorf("%d more were found the second time", k.slipped-before)
	}
}

func TestTextsAreMaskedHoweverTheyComeAbout(t *testing.T) {
	m := newSample(t)
	long := strings.Repeat("Grüße 😀 ", 10)
	if err := m.Apply(&Batch{Events: []PageEvent{{Op: OpText, ID: 5, Text: long + "4111 1111 "}}}); err != nil {
		t.Fatal(err)
	}
	at := int64(len(long)) // in UTF-16: two units for four bytes, one for two, twice
	at -= 4 * 10
	added := element(70, "p")
	added.Children = []*Node{{ID: 71, Kind: TextNode, Text: "5555 5555 5555 44"}}
	b := &Batch{Events: []PageEvent{
		{Op: OpSplice, ID: 5, N: [4]int64{at + 10, 0}, Text: "1111 111x1"},
		{Op: OpSplice, ID: 5, N: [4]int64{at + 18, 1}, Dt: 7, Cause: CauseUser}, // the x goes
		{Op: OpSplice, ID: 5, N: [4]int64{0, 0}, Text: "Und "},
		{Op: OpInsert, ID: 4, Node: added},
		{Op: OpSplice, ID: 71, N: [4]int64{17, 0}, Text: "44"},
		{Op: OpAttr, ID: 30, Name: "aria-label", Text: "Contract " + contract},
		{Op: OpTitle, Text: contract}, {Op: OpLocation, ID: 1, Name: "http://site/?c=" + contract, Text: "http://site/"},
	}}
	k := newMasker(m.nodes)
	k.events(b.Events)
	if err := m.Apply(b); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string][2]string{
		"parts": {m.Node(5).Text, "Und " + long + noCard}, "parts of a new text": {m.Node(71).Text, noCard},
		"attribute": {m.nodes[30].Attrs[1].Value, "Contract ••••••••"}, "title": {m.Title(), "••••••••"}, "address": {m.URL(), "http://site/?c=***"},
	} {
		if c[0] != c[1] {
			t.Errorf("%s: %q, not %q", name, c[0], c[1])
		}
	}
	if e := b.Events[1]; e.Op != OpText || e.Dt != 7 || e.Cause != CauseUser {
		t.Errorf("the event that completes a number is %+v", e)
	}
	if b.Events[2].Op != OpSplice {
		t.Error("a change of what is masked already came as a whole text")
	}
}

func TestAControlStaysSecretWhenAToggleShowsIt(t *testing.T) {
	m := newSample(t)
	for _, e := range []PageEvent{
		{Op: OpAttr, ID: 30, Name: "type", Text: "password"},
		{Op: OpAttr, ID: 30, Name: "type", Text: "text"},
		{Op: OpValue, ID: 30, Text: "word"},
		{Op: OpAttr, ID: 30, Name: "value", Text: "word"},
	} {
		b := &Batch{Events: []PageEvent{e}}
		newMasker(m.nodes).events(b.Events)
		if err := m.Apply(b); err != nil {
			t.Fatal(err)
		}
	}
	for _, e := range m.State().Events {
		if e.Op == OpValue && (e.Text != mask || e.N[0] != 1) {
			t.Errorf("its value is %q", e.Text)
		}
	}
	if v, _ := m.Node(30).Attr("value"); v != "" {
		t.Errorf("its markup says %q", v)
	}
}

func TestNothingThatABrowserLetThroughReachesAnybody(t *testing.T) {
	s := newStage(t)
	s.opts.Patterns = []*regexp.Regexp{contracts}
	meter := &countingMeter{}
	s.opts.Meter = meter
	session, ul, _, user, agent := s.live(t)
	state := samplePage()
	state.Document.Children[1].Children[0].Children[0].Text = card
	for i, b := range [][]byte{
		frame(KindPageState, 2, state.Append(nil)),
		frame(KindPageEvents, 3, (&Batch{Events: []PageEvent{
			{Op: OpValue, ID: 30, Text: contract}, {Op: OpDigest, N: [4]int64{12345}},
		}}).Append(nil)),
	} {
		if err := ul.Binary(b); err != nil {
			t.Fatal(i, err)
		}
	}
	if err := ul.Text([]byte(`{"type":"chat","text":"it is ` + card + `"}`)); err != nil {
		t.Fatal(err)
	}
	session.End("user")
	<-s.ended
	var all strings.Builder
	for r, err := range s.log.Read(t.Context(), session.Info().ID, 0) {
		if err != nil {
			t.Fatal(err)
		}
		all.Write(r.Payload)
	}
	for _, r := range agent.records {
		all.Write(r.Payload)
	}
	for _, secret := range []string{"4111", contract} {
		if strings.Contains(all.String(), secret) {
			t.Errorf("%q is in the log, or reached the agent", secret)
		}
	}
	if meter.slipped != 2 {
		t.Errorf("%d were counted, not 2", meter.slipped)
	}
	for _, text := range user.texts {
		if strings.Contains(text, "resync") {
			t.Error("the page was asked for again: its digest is of what was masked")
		}
	}
}

func TestWhatABrowserSaysOfASessionIsMasked(t *testing.T) {
	s := newStage(t)
	says := SessionInfo{Org: "o", URL: "http://site/?n=" + plain, Title: card}
	started, err := s.Start(t.Context(), says)
	if err != nil {
		t.Fatal(err)
	}
	offered, err := s.Open(t.Context(), ann, false)
	if err != nil {
		t.Fatal(err)
	}
	code, _ := offered.Code()
	if _, err := s.Enter("guest", string(code), says); err != nil {
		t.Fatal(err)
	}
	agent := &fakePeer{}
	if _, err := offered.AttachAgent(agent, ann); err != nil {
		t.Fatal(err)
	}
	if _, err := offered.AttachUser(&fakePeer{}, FromUser{Type: "hello", URL: says.URL, Title: says.Title}); err != nil {
		t.Fatal(err)
	}
	all := fmt.Sprint(started.Info(), offered.Info(), agent.texts)
	for _, session := range []*Session{started, offered} {
		for r, err := range s.log.Read(t.Context(), session.Info().ID, 0) {
			if err != nil {
				t.Fatal(err)
			}
			all += string(r.Payload)
		}
	}
	if strings.Contains(all, "4111") || !strings.Contains(all, "http://site/?n=***") {
		t.Errorf("it is known that %s", all)
	}
}

type countingMeter struct {
	noMeter
	slipped, drift int
}

func (m *countingMeter) Drift() { m.drift++ }

func (m *countingMeter) Slipped(n int) { m.slipped += n }
