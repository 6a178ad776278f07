package events

import (
	"strings"
	"testing"
	"time"
)

func (p *play) changes(b Batch) {
	p.t.Helper()
	p.sends(KindPageEvents, b.Append(nil))
}

func TestASessionInWhichNobodyDoesAnythingEnds(t *testing.T) {
	p := newPlay(t)
	p.opts.Quiet = time.Hour
	look := func() bool {
		t.Helper()
		p.session.expire(p.clock.Now())
		return p.session.isOver()
	}
	for name, act := range map[string]func(){
		"the user's change": func() {
			p.changes(Batch{Events: []PageEvent{{Op: OpScroll, ID: 1, Cause: CauseUser}}})
		},
		"an agent's pointer": func() { p.says(p.al, `{"type":"pointer","page":1,"node":30,"x":1,"y":1}`) },
		"a word":             func() { p.says(p.ul, `{"type":"chat","text":"still here"}`) },
	} {
		p.clock.pass(50 * time.Minute)
		act()
		p.clock.pass(50 * time.Minute)
		if look() {
			t.Fatalf("%s did not count", name)
		}
	}
	for range 7 { // what the page does by itself, and what keeps connections alive
		p.clock.pass(10 * time.Minute)
		p.changes(Batch{Events: []PageEvent{{Op: OpTitle, Text: p.clock.Now().String()}}})
		p.says(p.al, `{"type":"ping","ref":"1"}`)
		p.says(p.ul, `{"type":"ping","ref":"1"}`)
	}
	if !look() || p.session.reason != "quiet" {
		t.Errorf("it goes on, or ended otherwise: %q", p.session.reason)
	}
}

func TestASessionThatGrowsBeyondItsSizeEnds(t *testing.T) {
	p := newPlay(t)
	p.opts.Size = p.session.size + 2000
	p.says(p.ul, `{"type":"chat","text":"short"}`)
	if p.session.expire(p.clock.Now()); p.session.isOver() {
		t.Fatal("it ended early")
	}
	p.idle()
	was := p.session.size
	p.again()
	if p.session.size != was {
		t.Errorf("%d bytes after a restart, %d before", p.session.size, was)
	}
	link, _ := p.page(FromUser{URL: "http://site/"})
	p.opts.Size = p.session.size + 100
	p.says(link, "%s", `{"type":"chat","text":"`+strings.Repeat("x", 400)+`"}`)
	if p.session.expire(p.clock.Now()); !p.session.isOver() || p.session.reason != "size" {
		t.Errorf("it goes on, or ended otherwise: %q", p.session.reason)
	}
}
