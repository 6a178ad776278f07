package replayui

import (
	"net/url"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// may reports whether a session's browser was asked for a file, once.
func (w *Wanted) may(id events.SessionID, u string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.sessions[id]
	if s == nil || !s.may[u] {
		return false
	}
	delete(s.may, u)
	return true
}

// elsewhere looks for a file of another origin: where an operator allows it, the
// gateway asks that. Else it is noted, unless something is.
func (w *Wanted) elsewhere(notes []archive.Capture, id events.SessionID, one wish, visit string, noted bool) []archive.Capture {
	switch {
	case visit == "" || noted || one.asked:
		w.later(id, one)
	case w.fetch != nil && w.fetch(visit, one.url):
		one.asked, one.due = true, time.Now().Add(answerAfter) // a style sheet names more
		w.again(id, one)
	default:
		notes = append(notes, missing(one.url, visit, archive.WhyOtherHost))
		w.later(id, one)
	}
	return notes
}

// asking is what the browser of one page is asked for.
type asking struct{ sure, maybe []string }

func missing(u, visit string, why archive.Why) archive.Capture {
	return archive.Capture{URL: u, By: visit, Own: true, Time: time.Now().UTC(), Why: why}
}

// ask lists a file for the browser, and looks again later.
func (w *Wanted) ask(id events.SessionID, one wish, ask map[events.PageID]*asking) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.sessions[id]
	if s == nil {
		return
	}
	if s.asked >= maxAsked {
		s.postpone(one)
		return
	}
	a := ask[one.page]
	if a == nil {
		a = &asking{}
		ask[one.page] = a
	}
	if len(a.sure)+len(a.maybe) >= maxAtOnce {
		one.due = time.Now().Add(lookEvery)
		s.open = append(s.open, one)
		return
	}
	s.asked++
	s.may[one.url] = true
	if one.sure {
		a.sure = append(a.sure, one.url)
	} else {
		a.maybe = append(a.maybe, one.url)
	}
	one.asked, one.due = true, time.Now().Add(answerAfter)
	s.open = append(s.open, one)
}

func ofOrigin(a, b string) bool {
	u, err := url.Parse(a)
	v, verr := url.Parse(b)
	return err == nil && verr == nil && u.Scheme == v.Scheme && u.Host == v.Host
}
