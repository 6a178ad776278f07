package events

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestEachRefusalIsAnsweredCountedAndRecorded(t *testing.T) {
	fill := func(f func(*FromAgent)) func(*play) string {
		return func(p *play) string { return p.asks(p.al, f) }
	}
	for name, c := range map[string]struct {
		ask func(*play) string
		why Reason
	}{
		"nothing wrong":         {fill(nil), ""},
		"unknown action":        {fill(func(m *FromAgent) { m.Action = "eval" }), ReasonForbidden},
		"unknown node":          {fill(func(m *FromAgent) { m.Node = 999 }), ReasonGone},
		"another page":          {fill(func(m *FromAgent) { m.Page = 2 }), ReasonGone},
		"seen in the future":    {fill(func(m *FromAgent) { m.Seen += 1000 }), ReasonForbidden},
		"before the page state": {fill(func(m *FromAgent) { m.Seen = 4 }), ReasonGone},
		"no name":               {fill(func(m *FromAgent) { m.Ref = "" }), ReasonRepeated},
		"another site":          {fill(func(m *FromAgent) { m.Node, m.Action, m.Value = 0, ActionNavigate, "http://evil/" }), ReasonForbidden},
		"a name again": {func(p *play) string {
			ref := p.asks(p.al, nil)
			p.ann.forget()
			p.user.forget()
			return p.asks(p.al, func(m *FromAgent) { m.Ref = ref })
		}, ReasonRepeated},
		"older than one before": {func(p *play) string {
			seen := p.offset()
			p.asks(p.al, nil)
			p.user.forget()
			p.asks(p.al, nil)
			p.user.forget()
			return p.asks(p.al, func(m *FromAgent) { m.Seen = seen })
		}, ReasonStale},
		"another acts": {func(p *play) string {
			p.brings(bob)
			p.allowsBob()
			p.says(p.al, `{"type":"hand","to":3}`)
			return p.asks(p.al, nil)
		}, ReasonTurn},
		"the level is lower": {func(p *play) string {
			p.says(p.ul, `{"type":"level","level":"point"}`)
			return p.asks(p.al, nil)
		}, ReasonForbidden},
		"a masked value": {func(p *play) string {
			p.sends(KindPageEvents, (&Batch{Events: []PageEvent{{Op: OpValue, ID: 30, N: [4]int64{1}, Text: "***"}}}).Append(nil))
			return p.asks(p.al, nil)
		}, ReasonMasked},
		"within what is masked": {func(p *play) string {
			p.sends(KindPageEvents, (&Batch{Events: []PageEvent{{Op: OpAttr, ID: 4, Name: "pillion-masked"}}}).Append(nil))
			return p.asks(p.al, nil)
		}, ReasonMasked},
		"the page is away": {func(p *play) string {
			p.ul.Gone()
			return p.asks(p.al, nil)
		}, ReasonGone},
		"too many wait": {func(p *play) string {
			p.session.mu.Lock()
			for i := range uint64(maxPending) {
				p.session.pending[1000+i] = pendingRequest{page: 9}
			}
			p.session.mu.Unlock()
			return p.asks(p.al, nil)
		}, ReasonFlood},
		"too many at once": {func(p *play) string {
			p.session.mu.Lock()
			p.al.who.requests.take(p.clock.Now(), requestsPerSecond, requestsAtOnce, requestsAtOnce)
			p.session.mu.Unlock()
			return p.asks(p.al, nil)
		}, ReasonFlood},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t)
			ref := c.ask(p)
			if c.why == "" {
				if !p.ann.heard("accepted", ref) || !p.user.heard(`"request"`, `"node":30`, `"name":"Ann"`, `"seen":1`) {
					t.Errorf("it does not reach the user: %q", p.ann.texts)
				}
				return
			}
			parts := []string{"rejected", string(c.why)}
			if ref != "" {
				parts = append(parts, fmt.Sprintf(`"ref":%q`, ref))
			}
			if !p.ann.heard(parts...) || p.user.heard(`"request"`) {
				t.Errorf("Ann hears %q, the user %q", p.ann.texts, p.user.texts)
			}
			list := p.records()
			asked, denied := list[len(list)-2], list[len(list)-1]
			var q EventRequest
			var a EventConfirmation
			if json.Unmarshal(asked.Payload, &q) != nil || json.Unmarshal(denied.Payload, &a) != nil || asked.Kind != KindEventRequest || asked.From != 2 || denied.From != 0 ||
				a != (EventConfirmation{Request: q.ID, Outcome: Denied, Reason: c.why}) {
				t.Errorf("the log has %s, %s", asked.Payload, denied.Payload)
			}
			if p.meter.of(c.why) != 1 || p.meter.requests < 1 {
				t.Errorf("%v of %d requests counted", p.meter.denied, p.meter.requests)
			}
			if got := p.ann.kinds(); !strings.HasSuffix(got, "3 4") {
				t.Errorf("the console shows %s", got)
			}
		})
	}
}

func TestAFloodIsRefusedAndThenCutOff(t *testing.T) {
	p := newPlay(t)
	ask := func(i int) error {
		return p.al.Text(fmt.Appendf(nil, `{"type":"request","page":1,"node":30,"action":"hover","seen":%d,"ref":"f%d"}`, p.offset(), i))
	}
	var err error
	sent := 0
	for ; err == nil && sent < 1000; sent++ {
		if err = ask(sent); sent < requestsAtOnce { // a browser that keeps up
			p.idle()
			p.seq++
			if err := p.ul.Binary(frame(KindEventConfirmation, p.seq, fmt.Appendf(nil, `{"request":%d,"outcome":"confirmed"}`, sent+1))); err != nil {
				t.Fatal(err)
			}
		}
	}
	var broke *ProtocolError
	if !errors.As(err, &broke) || broke.Code != ClosePolicy || sent != requestsAtOnce+tooManyRefused+1 {
		t.Fatalf("after %d: %v", sent, err)
	}
	p.idle()
	if got := strings.Count(strings.Join(p.user.texts, ""), `"type":"request"`); got != requestsAtOnce {
		t.Errorf("%d reach the user", got)
	}
	if p.meter.of(ReasonFlood) != tooManyRefused || p.meter.requests != requestsAtOnce+tooManyRefused {
		t.Errorf("%v of %d", p.meter.denied, p.meter.requests)
	}
	// A new connection does not help, time does.
	p.al.Gone()
	again, peer := p.console(ann)
	if err := again.Text([]byte(`{"type":"request","ref":"z"}`)); !errors.As(err, &broke) {
		t.Errorf("on a new connection: %v", err)
	}
	p.clock.pass(11 * time.Second)
	if ref := p.asks(again, nil); !peer.heard("accepted", ref) {
		t.Errorf("later: %q", peer.texts)
	}
}

func TestOtherMessagesAreBoundedToo(t *testing.T) {
	for message, most := range map[string]int{
		`{"type":"pointer","page":1,"node":30}`: messagesAtOnce, `{"type":"draw","page":1,"drawing":{"id":1,"shape":"highlight","node":30}}`: messagesAtOnce / 2,
		`{"type":"chat","text":"x"}`: messagesAtOnce / 20, `{"type":"state"}`: messagesAtOnce / 100, `{"type":"invite"}`: messagesAtOnce / 20,
	} {
		p := newPlay(t)
		before, err := len(p.records()), error(nil)
		for range 2 * messagesAtOnce {
			if err = p.al.Text([]byte(message)); err != nil {
				break
			}
		}
		if err == nil || len(p.records())-before > most || len(p.ann.records) > most+10 {
			t.Errorf("%s: %d records, %d shown, %v", message, len(p.records())-before, len(p.ann.records), err)
		}
	}
}

func TestOnlyWhoKnowsAnswers(t *testing.T) {
	gone := func(p *play) { p.ul.Gone() }
	for name, c := range map[string]struct {
		happens func(*play)
		want    string // the reason; "" for a request that still waits
		void    bool   // the page begins anew
	}{
		"nothing happens":              {func(*play) {}, "", false},
		"25 s pass":                    {func(p *play) { p.tick(25 * time.Second) }, "", false},
		"30 s pass":                    {func(p *play) { p.tick(31 * time.Second) }, "", false},
		"the browser does not answer":  {func(p *play) { p.tick(31*time.Second, 11*time.Second) }, "expired", true},
		"the page was away all along":  {func(p *play) { gone(p); p.tick(31 * time.Second) }, "expired", true},
		"the page has just gone":       {func(p *play) { p.tick(28 * time.Second); gone(p); p.tick(3 * time.Second) }, "", false},
		"it does not come back either": {func(p *play) { p.tick(28 * time.Second); gone(p); p.tick(3*time.Second, 11*time.Second) }, "expired", true},
		"another page in the same tab": {func(p *play) { gone(p); p.page(FromUser{URL: "http://site/2", Tab: "t"}) }, "gone", true},
		"that came before it was gone": {func(p *play) { p.page(FromUser{URL: "http://site/2", Tab: "t"}); gone(p) }, "gone", true},
		"another page in another tab":  {func(p *play) { gone(p); p.page(FromUser{URL: "http://site/2", Tab: "u"}) }, "", false},
		"a copy of the tab, both alive": {func(p *play) {
			p.page(FromUser{URL: "http://site/2", Tab: "t"})
			p.says(p.ul, `{"type":"ping"}`)
			gone(p)
		}, "", false},
		"the session ends": {func(p *play) { p.says(p.ul, `{"type":"end"}`) }, "expired", true},
		"the browser answers": {func(p *play) {
			p.sends(KindEventConfirmation, []byte(`{"request":1,"outcome":"denied","reason":"disabled","value":"x"}`))
			p.sends(KindEventConfirmation, []byte(`{"request":1,"outcome":"confirmed"}`))
			p.tick(31*time.Second, 11*time.Second)
		}, "disabled", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlay(t)
			p.ul, p.user = p.page(FromUser{Page: 1, Tab: "t"})
			p.asks(p.al, nil)
			c.happens(p)
			var why []string
			for _, a := range p.answers(1) {
				why = append(why, string(a.Reason)+a.Value)
			}
			if got := strings.Join(why, " "); got != c.want {
				t.Errorf("denied for %q", got)
			}
			if p.session.isOver() {
				return
			}
			_, peer := p.page(FromUser{Page: 1, Tab: "t"})
			if again := peer.heard(`"request"`, `"id":1`); again != (c.want == "") || peer.heard(`"page":1`) == c.void {
				t.Errorf("it comes back to %q", peer.texts)
			}
		})
	}
}

// tick lets time pass and the sweep look.
func (p *play) tick(steps ...time.Duration) {
	p.t.Helper()
	for _, d := range steps {
		p.clock.pass(d)
		p.session.expire(p.clock.Now())
		p.idle()
	}
}

func TestARequestComesAgainWithTheConnection(t *testing.T) {
	p := newPlay(t)
	p.asks(p.al, nil)
	p.sends(KindPageEvents, (&Batch{}).Append(nil))
	p.asks(p.al, nil)
	for _, how := range []string{"a connection", "a gateway"} {
		if how == "a gateway" {
			p.again()
		}
		_, p.user = p.page(FromUser{Page: 1})
		if !p.user.heard(`"request"`, `"id":1`, `"seen":1`, `"name":"Ann"`, `"value":"v"`, `"from":2`) || !p.user.heard(`"request"`, `"id":2`, `"seen":2`) || p.user.heard(`"expire"`) {
			t.Errorf("after %s: %q", how, p.user.texts)
		}
	}
	p.tick(31 * time.Second)
	if _, p.user = p.page(FromUser{Page: 1}); !p.user.heard(`"expire"`, `"id":1`) || !p.user.heard(`"expire"`, `"id":2`) {
		t.Errorf("late: %q", p.user.texts)
	}
}

func TestAnswersThatAreNone(t *testing.T) {
	for _, body := range []string{
		`{`, `[]`, `{"request":1}`, `{"request":1,"outcome":"maybe"}`, `{"request":1,"outcome":"denied"}`, `{"request":1,"outcome":"denied","reason":"because"}`,
		`{"request":1,"outcome":"confirmed","reason":"gone"}`, `{"request":-1,"outcome":"confirmed"}`,
		`{"request":1,"outcome":"confirmed","value":"` + strings.Repeat("x", maxValue+1) + `"}`,
	} {
		p := newPlay(t)
		p.asks(p.al, nil)
		var broke *ProtocolError
		if err := p.ul.Binary(frame(KindEventConfirmation, 2, []byte(body))); !errors.As(err, &broke) || broke.Code != CloseMalformed || len(p.answers(1)) > 0 {
			t.Errorf("%.80s: %v", body, err)
		}
	}
}
