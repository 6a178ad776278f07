package archive

import (
	"container/heap"
	"time"
)

// A request that was given up may be done all the same, later: the far store had
// all of it, and was slow. An object that was deleted meanwhile would be back. So
// what is deleted soon after such a request is deleted once more when that time is
// over. Until then it is absent here, whatever the far store has, and the mark near
// tells the next program of it.

// doubt notes that what was sent may still arrive.
func (s *Spool) doubt(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e.doubt = time.Now().Add(s.o.Late)
}

// deletion tells whether a deletion is to be done in the far store now, or is done
// since something newer goes there.
func (s *Spool) deletion(e *entry) (todo, done bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case !e.gone:
		return false, false
	case e.again.IsZero():
		return true, false
	case e.put != nil:
		return false, true
	}
	return !time.Now().Before(e.again), false
}

// doubted has a deletion that was done done once more, where something may still
// arrive; nobody waits for that. It tells whether it is so.
func (s *Spool) doubted(e *entry) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !time.Now().Before(e.doubt) {
		return false
	}
	e.again = e.doubt
	s.settled(e)
	return true
}

// linger keeps an entry of which nothing waits for as long as it is needed; false
// where it is not. The lock is held.
func (s *Spool) linger(e *entry) bool {
	switch now := time.Now(); {
	case e.gone:
		e.due = e.again
	case now.Before(e.doubt):
		e.due = e.doubt
	default:
		return false
	}
	e.lingers = true
	heap.Push(&s.queue, e)
	s.poke()
	return true
}
