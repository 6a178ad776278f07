package events

import (
	"encoding/json"
	"maps"
	"slices"
)

// State returns the page as it is now. It shares the model's nodes: it has to
// be encoded before the model is changed.
func (m *Model) State() *PageState {
	s := m.head
	for _, n := range slices.Sorted(maps.Keys(m.sheet)) {
		s.Events = append(s.Events, m.sheet[n])
	}
	s.Document.walk(func(n *Node) {
		kept := m.kept[n.ID]
		if kept == nil {
			return
		}
		for _, op := range keptOps {
			if e, is := kept[op]; is && (op != OpDialog && op != OpPopover || e.N[0] == 0) {
				s.Events = append(s.Events, m.aged(e))
			}
		}
	})
	for _, id := range m.top {
		for _, op := range []Op{OpDialog, OpPopover} {
			if e, is := m.kept[id][op]; is && e.N[0] != 0 {
				s.Events = append(s.Events, e)
			}
		}
	}
	for _, op := range pageOps {
		e, is := m.page[op]
		there := e.ID != 0 && m.nodes[e.ID] != nil
		if op == OpPointer && !there {
			e.ID = 0 // what moves it on needs its place all the same
		}
		if is && (there || op == OpOffset || op == OpPointer || op == OpPointerBy) {
			s.Events = append(s.Events, e)
		}
	}
	return &s
}

// aged is what plays or runs as it is by now.
func (m *Model) aged(e PageEvent) PageEvent {
	if e.Op != OpMedia && e.Op != OpAnimations {
		return e
	}
	passed := float64(m.clock-min(m.clock, e.Dt)) / 10
	e.Dt = 0
	if e.Op == OpMedia {
		if now := float64(e.N[1]) + passed*float64(e.N[3])/100; e.N[0]&1 == 0 && now < maxUint {
			e.N[1] = int64(now)
		}
		return e
	}
	e.Lines = slices.Clone(e.Lines)
	for i, line := range e.Lines {
		e.Lines[i] = agedAnimation(line, passed)
	}
	return e
}

func agedAnimation(line string, passed float64) string {
	var a map[string]any
	if json.Unmarshal([]byte(line), &a) != nil || a["s"] != "running" {
		return line
	}
	at, _ := a["c"].(float64)
	rate, is := a["r"].(float64)
	if !is {
		rate = 1
	}
	a["c"] = at + passed*rate
	b, err := json.Marshal(a)
	if err != nil {
		return line
	}
	return string(b)
}
