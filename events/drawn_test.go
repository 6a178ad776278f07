package events

import (
	"testing"
	"time"
)

func TestWhatOnePersonDrawsIsBounded(t *testing.T) {
	p := newPlay(t)
	p.al.who.drawn = maxDrawn - 200
	const drawing = `{"type":"draw","page":1,"drawing":{"id":1,"shape":"box","node":30,"points":[0,0,1,1]}}`
	before := len(p.records())
	for range 20 {
		p.clock.pass(time.Second)
		p.says(p.al, drawing)
	}
	kept := len(p.records()) - before
	if kept == 0 || kept > 5 || p.meter.denied[ReasonFlood] != 20-kept {
		t.Errorf("%d of 20 drawings were kept, %d counted", kept, p.meter.denied[ReasonFlood])
	}
}
