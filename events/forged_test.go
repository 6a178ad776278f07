package events

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
)

// forgery is one kind of request that must not reach the user's page.
type forgery struct {
	name    string
	message string
	seen    string      // SEEN in the message; the newest offset where empty
	before  func(*play) // what the session is like
	by      func(*play) *AgentLink
}

// TestForgedRequestsDoNotReachThePage is figure 7 of the security promises.
func TestForgedRequestsDoNotReachThePage(t *testing.T) {
	kinds := map[string]bool{}
	var list []forgery
	for _, some := range [][]forgery{forgedActions(), forgedNodes(), forgedValues(), forgedEnvelopes(), forgedDrawings(), forgedMoments()} {
		list = append(list, some...)
	}
	for _, f := range list {
		key := f.name + f.message
		if kinds[key] {
			t.Errorf("twice: %s", f.name)
		}
		kinds[key] = true
		p := newPlay(t)
		f.try(p)
		p.Close()
	}
	if len(kinds) < 300 {
		t.Errorf("%d kinds", len(kinds))
	}
	t.Logf("%d kinds of forged requests", len(kinds))
}

func (f *forgery) try(p *play) {
	if f.before != nil {
		f.before(p)
	}
	by := p.al
	if f.by != nil {
		by = f.by(p)
	}
	link := by.peer.(*fakePeer)
	p.user.forget()
	before, counted := len(p.records()), p.meter.requests
	err := by.Text([]byte(strings.ReplaceAll(f.message, "SEEN", cmp.Or(f.seen, fmt.Sprint(p.offset())))))
	list := p.records()
	for _, kind := range []string{`"request"`, `"draw"`, `"pointer"`, `"chat"`} {
		if p.user.heard(`"type":` + kind) {
			p.t.Errorf("%s: it reaches the page: %q", f.name, p.user.texts)
		}
	}
	var broke *ProtocolError
	refused := errors.As(err, &broke) && broke.Code >= CloseMalformed && broke.Reason != ""
	switch list = list[before:]; {
	case refused || link.code() != 0 || strings.HasPrefix(f.name, "drawing: "):
		if len(list) > 0 {
			p.t.Errorf("%s: %d records of what is nothing", f.name, len(list))
		}
	case err != nil || len(list) != 2 || !link.heard(`"rejected"`) || p.meter.requests != counted+1:
		p.t.Errorf("%s: neither refused nor closed: %v, %d records, %q", f.name, err, len(list), link.texts)
	default:
		f.judge(p, list)
	}
}

func (f *forgery) judge(p *play, list []Record) {
	var q EventRequest
	var a EventConfirmation
	if err := errors.Join(json.Unmarshal(list[0].Payload, &q), json.Unmarshal(list[1].Payload, &a)); err != nil || list[0].Kind != KindEventRequest || list[1].From != 0 ||
		a.Request != q.ID || a.Outcome != Denied || a.Reason == "" || p.meter.of(a.Reason) == 0 || len(list[0].Payload) > 4*maxLogged {
		p.t.Errorf("%s: the log has %.200s, %s", f.name, list[0].Payload, list[1].Payload)
	}
}

// What is not forged reaches the page: else the test above would prove nothing.
func TestRequestsInOrderReachThePage(t *testing.T) {
	for a, v := range valid {
		p := newPlay(t)
		p.masks()
		p.clock.pass(time.Second)
		p.says(p.al, "%s", strings.ReplaceAll(of(a, v.node, v.value), "SEEN", fmt.Sprint(p.offset())))
		if !p.user.heard(`"request"`, fmt.Sprintf(`"action":%q`, a)) || !p.ann.heard(`"accepted"`) {
			t.Errorf("%s: %q", a, p.ann.texts)
		}
	}
	for _, url := range []string{"/", "next", "?q=1", "#top", "./a/../b", "http://site/", "http://site/a?b#c", "//site/x", "/a:b", "/%2f%2fevil", "/ä", "/x?to=http://evil/"} {
		if !sameSite("http://site/enrol?x=1", url) {
			t.Errorf("%s is refused", url)
		}
	}
	for shape, points := range map[string]string{"arrow": "[0,0,1,1]", "box": "[-0.5,0,100,1]", "free": "[0,0,0.1,0.1,0.2,0.2]", "highlight": "[]"} {
		p := newPlay(t)
		p.says(p.al, `{"type":"draw","page":1,"drawing":{"id":1,"shape":%q,"node":30,"points":%s}}`, shape, points)
		if !p.user.heard(`"draw"`, fmt.Sprintf(`"shape":%q`, shape)) {
			t.Errorf("%s: %q", shape, p.user.texts)
		}
	}
}
