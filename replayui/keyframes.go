package replayui

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// backTabs is how many pages before the newest may still come to the front.
const backTabs = 4

// frames is what a player needs that starts after a record: every page's state,
// the one on show last, and what stands beside it. Their times are the
// recording's own.
func (t *timeline) frames() [][]byte {
	var out [][]byte
	at := t.clock.Start().Add(t.at)
	add := func(page events.PageID, m *events.Model) {
		state := events.Record{Offset: t.offset, Time: at, From: 1, Page: page, Kind: events.KindPageState, Payload: m.State().Append(nil)}
		out = append(out, events.AppendRecord(nil, &state))
	}
	for _, page := range slices.Sorted(maps.Keys(t.models)) {
		if page != t.active && page+backTabs > t.active {
			add(page, t.models[page])
		}
	}
	m := t.models[t.active]
	if m == nil {
		return nil
	}
	add(t.active, m)
	for _, b := range t.beside.now(t.at) {
		b.record.Time = t.clock.Start().Add(b.at)
		out = append(out, events.AppendRecord(nil, &b.record))
	}
	return out
}

// besides are the records that show beside a page until another takes its place.
type besides struct {
	locks map[besideKey]beside
	other map[besideKey]beside // pointers and drawings
}

type besideKey struct {
	page events.PageID
	from events.ParticipantNo
	kind events.Kind
	n    uint64 // of the node, or the drawing
}

type beside struct {
	record events.Record
	at     time.Duration
}

const (
	// besideLife is how long after it a pointer or drawing may still be seen.
	besideLife = time.Minute
	maxBeside  = 500
)

func newBesides() besides {
	return besides{map[besideKey]beside{}, map[besideKey]beside{}}
}

func (b *besides) add(r *events.Record, at time.Duration) {
	key := besideKey{page: r.Page, from: r.From, kind: r.Kind}
	switch r.Kind {
	case events.KindPageState:
		maps.DeleteFunc(b.locks, func(k besideKey, _ beside) bool { return k.page == r.Page })
	case events.KindLock:
		var l events.Lock
		if json.Unmarshal(r.Payload, &l) != nil {
			return
		}
		key.from, key.n = 0, uint64(l.Node)
		if delete(b.locks, key); l.Held && len(b.locks) < maxBeside {
			b.locks[key] = beside{*r, at}
		}
	case events.KindDrawing:
		var d events.Drawing
		if json.Unmarshal(r.Payload, &d) != nil {
			return
		}
		key.n = d.ID
		b.put(key, beside{*r, at})
	case events.KindPointer:
		b.put(key, beside{*r, at})
	}
}

func (b *besides) put(key besideKey, v beside) {
	if len(b.other) >= maxBeside {
		maps.DeleteFunc(b.other, func(_ besideKey, old beside) bool { return v.at-old.at > besideLife })
	}
	if _, has := b.other[key]; has || len(b.other) < maxBeside {
		b.other[key] = v
	}
}

// now are those that are seen at a time, in their order.
func (b *besides) now(at time.Duration) []beside {
	all := slices.Collect(maps.Values(b.locks))
	for _, v := range b.other {
		if at-v.at <= besideLife {
			all = append(all, v)
		}
	}
	slices.SortFunc(all, func(a, b beside) int { return cmp.Compare(a.record.Offset, b.record.Offset) })
	return all
}

// cutting says where a recording's segments end, and players may start.
type cutting struct{ state bool }

// before reports whether a segment with a keyframe begins with a record.
func (c *cutting) before(r *events.Record, open int) bool {
	return open >= archive.SegmentBytes || r.Kind == events.KindPageState && c.state && open >= archive.SegmentBytes/4
}

// after reports whether a segment ends with a record: the first page's state does,
// so that the first picture is soon there.
func (c *cutting) after(r *events.Record) bool {
	first := r.Kind == events.KindPageState && !c.state
	c.state = c.state || first
	return first
}
