package events

import (
	"slices"
	"sort"
	"time"
)

// page is one document in one tab of the user's browser.
type page struct {
	id         PageID
	url, title string
	peer       Peer      // nil while it is not connected
	left       time.Time // since when it is not
	arrived    uint64    // its connection's place among the session's
	hidden     bool      // its tab is behind others
	model      *Model    // nil until its state came
	since      Offset    // of that state: ids in requests of what was before name other nodes
	loaded     time.Time
	opened     bool     // the log knows of it
	seq        uint64   // last frame taken
	durable    uint64   // last frame acknowledged
	dropped    []uint64 // taken, not kept: acknowledged once those before are
	restored   bool     // from the log, which has no frames that were not kept
	resync     bool     // its state was asked for and has not come
	filtered   bool     // the viewer's page is another than the browser's: digests say nothing
	tab        string   // the browser's own name of the tab
	copied     bool     // that name is another tab's too
	void       bool     // given up: what comes back is a new page
	locks      map[NodeID]ParticipantNo
	offsets    []seenAt
}

// seenAt says which of the browser's frames a record was.
type seenAt struct {
	offset Offset
	seq    uint64
}

const (
	// maxSeen bounds how far back a request's view of the page can be placed.
	maxSeen = 4096
	// maxPages bounds the pages that are connected at a time.
	maxPages = 64
	// keptPages are those that may come back: models are large.
	keptPages = 8
	// maxAhead bounds how far numbers of pages jump: those that a gateway gave
	// out which was killed before its log had them.
	maxAhead = 1000
	// turnWindow is how long a page that went away may be reloading: agents are
	// not shown a hidden one meanwhile.
	turnWindow = 3 * time.Second
)

// newPage enters a page under a number that the browser knows no other page by.
func (s *Session) newPage(known PageID) (*page, error) {
	connected := 0
	for _, p := range s.pages {
		if p.peer != nil {
			connected++
		}
	}
	if connected >= maxPages {
		return nil, forbidden("too many pages")
	}
	if known > s.last && known-s.last <= maxAhead {
		s.last = known
	}
	s.last++
	p := &page{id: s.last}
	s.pages[p.id] = p
	s.dropOldPages()
	return p, nil
}

// dropOldPages forgets pages that are gone for long.
func (s *Session) dropOldPages() {
	for id, p := range s.pages {
		if p.peer == nil && id+keptPages < s.last {
			delete(s.pages, id)
			s.giveUp(p, id, ReasonGone)
		}
	}
}

// follow gives up the pages that a newer one has taken the place of in its tab.
func (s *Session) follow(p *page) {
	for _, old := range s.pages {
		if old != p && old.tab != "" && old.tab == p.tab && old.arrived < p.arrived && !old.copied && !p.copied && old.peer == nil && !old.void {
			s.giveUp(old, old.id, ReasonGone)
		}
	}
}

// heard notes that a page is alive. Where a newer one bears its tab's name, the
// browser has copied the name with the tab: neither follows the other.
func (s *Session) heard(p *page) {
	if p.tab == "" || p.copied {
		return
	}
	for _, other := range s.pages {
		if other.tab == p.tab && other.peer != nil && other.arrived > p.arrived {
			p.copied, other.copied = true, true
		}
	}
}

// giveUp makes a page's numbering void, and denies what was asked of it. What is
// denied stays denied: the log says that nothing of the page's comes after it.
func (s *Session) giveUp(p *page, id PageID, why Reason) {
	if p != nil {
		p.void, p.locks, p.offsets, p.dropped = true, nil, nil, nil
		if s.active != id { // the active one's picture is what agents have
			p.model = nil
		}
	}
	ids := s.pendingOf(id)
	if len(ids) == 0 {
		return
	}
	lost := Record{Page: id, Kind: KindLifecycle, Payload: mustJSON(Lifecycle{Type: "page-lost"})}
	s.publish(nil, append([]Record{lost}, s.denials(ids, why)...)...)
}

// open tells the log of a page.
func (s *Session) open(p *page) {
	if p.opened {
		return
	}
	p.opened = true
	s.loaded(p.id, p.loaded)
	s.publish(nil, Record{From: userNo, Page: p.id, Kind: KindLifecycle, Payload: mustJSON(Lifecycle{Type: "page-opened", URL: p.url, Title: p.title, Loaded: p.loaded, Tab: p.tab})})
}

func (s *Session) pageNames() []PageName {
	var list []PageName
	for _, p := range s.pages {
		if p.opened && p.peer != nil {
			name := PageName{p.id, p.url, p.title}
			if p.model != nil {
				name.URL, name.Title = p.model.URL(), p.model.Title()
			}
			list = append(list, name)
		}
	}
	slices.SortFunc(list, func(a, b PageName) int { return int(a.Page) - int(b.Page) })
	return list
}

// tellPages tells those who may see the page which pages there are, and which
// is in front.
func (s *Session) tellPages() {
	s.toViewers(ToAgent{Type: "page", Page: s.active, Pages: s.pageNames()})
}

// pageGone is called when a page is not connected any more.
func (s *Session) pageGone(gone *page) {
	gone.left = s.hub.opts.Now()
	for _, p := range s.pages {
		if p.peer != nil {
			s.follow(p)
		}
	}
	next := s.front()
	switch {
	case next == nil:
		s.away = gone.left
		s.toViewers(ToAgent{Type: "suspended"})
	case s.active == gone.id && !next.hidden:
		s.activate(next)
	default:
		s.tellPages()
	}
}

// ComesToFront reports whether an event says that the user has its page before
// them: it is hidden no more, or they press a key or a button of the mouse in it.
// Viewers of recordings follow the same rule (web/src/player/playback.ts).
func (e *PageEvent) ComesToFront() bool {
	return e.Op == OpHidden && e.N[0] == 0 || e.Cause == CauseUser && (e.Op == OpClick || e.Op == OpKey)
}

// front is the page that the user has most likely in front: of those that are
// connected one that is not hidden, and the newest.
func (s *Session) front() (front *page) {
	for _, p := range s.pages {
		if p.peer == nil {
			continue
		}
		if front == nil || front.hidden && !p.hidden || front.hidden == p.hidden && front.id < p.id {
			front = p
		}
	}
	return front
}

// turn shows another page where the active one does not come back.
func (s *Session) turn(now time.Time) {
	p := s.pages[s.active]
	if p != nil && (p.peer != nil || now.Sub(p.left) < turnWindow) {
		return
	}
	if next := s.front(); next != nil && s.info.State == StateLive {
		s.activate(next)
	}
}

// activate shows agents another of the user's pages.
func (s *Session) activate(p *page) {
	if s.active == p.id {
		return
	}
	s.turnTo(p)
	s.tellPages()
	s.showAll()
}

func (s *Session) turnTo(p *page) {
	if old := s.pages[s.active]; old != nil && old.void && old != p {
		old.model = nil
	}
	s.active = p.id
}

// note remembers which frame a record was.
func (p *page) note(o Offset, seq uint64) {
	p.offsets = append(p.offsets, seenAt{o, seq})
	if len(p.offsets) > maxSeen {
		p.offsets = slices.Clone(p.offsets[maxSeen/2:])
	}
}

// settled takes a frame that is durable, or one that is not kept: it is
// acknowledged with those that waited for it, once none before it waits.
func (p *page) settled(seq uint64, kept bool) {
	was := p.durable
	if kept {
		p.durable = max(p.durable, seq)
	} else {
		p.dropped = append(p.dropped, seq)
	}
	for len(p.dropped) > 0 && p.dropped[0] <= p.durable+1 {
		p.durable = max(p.durable, p.dropped[0])
		p.dropped = p.dropped[1:]
	}
	if p.durable > was {
		p.ack()
	}
}

func (p *page) ack() {
	if p.peer != nil {
		p.peer.SendText(ToUser{Type: "ack", Seq: p.durable})
	}
}

// seqAt is the number of the browser's last frame at or before an offset.
func (p *page) seqAt(o Offset) uint64 {
	i := sort.Search(len(p.offsets), func(i int) bool { return p.offsets[i].offset > o })
	if i == 0 {
		return 0
	}
	return p.offsets[i-1].seq
}
