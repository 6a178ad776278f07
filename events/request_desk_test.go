package events

import (
	"encoding/json"
	"errors"
	"fmt"
)

// desk is an agent's console: it follows the records that it is sent.
type desk struct {
	w     *world
	who   Account
	wire  *wire
	page  PageID
	seen  Offset
	model *Model
	locks map[NodeID]ParticipantNo
}

func (d *desk) hear(m sent) {
	if text, is := m.text.(ToAgent); is {
		if text.Type == "welcome" {
			d.page, d.seen, d.model, d.locks = 0, 0, nil, nil
		}
		return
	}
	r, err := DecodeRecord(m.record)
	if err != nil {
		panic(err)
	}
	d.seen = max(d.seen, r.Offset)
	switch r.Kind {
	case KindPageState:
		s, err := DecodeState(r.Payload)
		if err != nil {
			panic(err)
		}
		if d.model, err = NewModel(s); err != nil {
			panic(err)
		}
		d.page, d.locks = r.Page, map[NodeID]ParticipantNo{}
	case KindPageEvents:
		batch, err := DecodeBatch(r.Payload)
		if err != nil || d.model == nil || r.Page != d.page {
			d.w.fault("%s gets events of page %d on page %d: %v", d.who.Name, r.Page, d.page, err)
			return
		}
		if err := d.model.Apply(batch); err != nil && !errors.Is(err, ErrDigest) {
			d.w.fault("%s: %v", d.who.Name, err)
		}
	case KindLock:
		var l Lock
		if json.Unmarshal(r.Payload, &l) == nil && r.Page == d.page {
			if l.Held {
				d.locks[l.Node] = l.By
			} else {
				delete(d.locks, l.Node)
			}
		}
	}
}

// values are what the console shows.
func (d *desk) values() (v [fields3]string) {
	for i := range fields3 {
		if n := d.node(i); n != 0 {
			v[i] = d.model.kept[n][OpValue].Text
		}
	}
	return v
}

func (d *desk) node(field int) NodeID {
	for id, n := range d.model.nodes {
		if name, _ := n.Attr("name"); name == fmt.Sprint(field) {
			return id
		}
	}
	return 0
}

func (d *desk) connect() {
	d.wire = &wire{}
	s := d.w.session()
	if s == nil {
		d.w.over = true
		return
	}
	link, err := s.AttachAgent(d.wire, d.who)
	if err != nil {
		d.w.fault("%s: %v", d.who.Name, err)
		return
	}
	d.w.conns = append(d.w.conns, &conn{wire: d.wire, take: link.Text, gone: link.Gone})
}

func (d *desk) text(m FromAgent) {
	if d.wire != nil {
		d.wire.push(mustJSON(m))
	}
}

func (d *desk) cut(up, down int) {
	if d.wire != nil {
		d.wire.cutOff(up, down)
	}
}
