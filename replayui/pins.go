package replayui

import (
	"context"
	"errors"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

const (
	// maxLate bounds the late wishes that are looked up at once, of all sessions,
	// and maxPatience those of one session; lateMost is the longest pause between
	// two looks for one.
	maxLate     = 200
	maxPatience = 1000
	lateMost    = time.Hour
	// pinsAtOnce are written together.
	pinsAtOnce = 1000
	// documentsEvery is the time between two looks for documents beside a page, and
	// documentsLag how late one may come into the index.
	documentsEvery = time.Minute
	documentsLag   = 10 * time.Second
	// unpinEvery is the time between two looks for pins of sessions that are gone.
	unpinEvery = 10 * time.Minute
)

// sighting is a wish that came true.
type sighting struct {
	wish
	pin archive.Pin
}

func pinOf(s sight, one wish, c archive.Capture) archive.Pin {
	c.URL = archive.Address(one.url, nil)
	return archive.Pin{Session: string(s.session), Page: uint32(s.page), Capture: c, At: time.Now().UTC()}
}

// sighted lists what a page saw, to be pinned. What may not be the last word yet is
// looked at once more.
func (w *Wanted) sighted(list []sighting, id events.SessionID, one wish, eyes sight, c archive.Capture) []sighting {
	if one.waited || one.pause > 0 || eyes.settled(c, one.url) {
		return append(list, sighting{one, pinOf(eyes, one, c)})
	}
	one.waited, one.due = true, time.Now().Add(answerAfter)
	w.again(id, one)
	return list
}

// pin writes down what pages saw, of all sessions together. What cannot be written
// is looked up again.
func (w *Wanted) pin(ctx context.Context, found []sighting) {
	for len(found) > 0 {
		part := found[:min(pinsAtOnce, len(found))]
		found = found[len(part):]
		pins := make([]archive.Pin, len(part))
		for i := range part {
			pins[i] = part[i].pin
		}
		err := w.captures.Pin(ctx, pins)
		if err == nil {
			continue
		}
		if ctx.Err() == nil {
			w.log.Error("what pages saw was not written down", "files", len(pins), "error", err)
		}
		for _, one := range part {
			w.later(events.SessionID(one.pin.Session), one.wish)
		}
	}
}

// later looks for a file after a pause, which grows. What a viewer alone wants is
// not pinned, and need not be looked for.
func (w *Wanted) later(id events.SessionID, one wish) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.sessions[id]; s != nil {
		s.postpone(one)
	}
}

func (s *wishes) postpone(one wish) {
	if one.viewer || len(s.late) >= maxPatience {
		return // what the page named is looked up when the session is sealed
	}
	one.pause = min(max(answerAfter, 2*one.pause), lateMost)
	one.due = time.Now().Add(one.pause)
	s.late = append(s.late, one)
}

// documents takes note of what pages showed that no page state has, so that it is
// pinned too: PDFs, and frames that the page itself may not look into.
func (w *Wanted) documents(ctx context.Context, live *events.Session, id events.SessionID, now time.Time) error {
	since := map[events.PageID]time.Time{}
	w.mu.Lock()
	if s := w.sessions[id]; s != nil {
		for page, until := range s.pages {
			if now.Sub(until) >= documentsEvery {
				since[page], s.pages[page] = until, now
			}
		}
	}
	w.mu.Unlock()
	var failed error
	for page, until := range since {
		from, to, visit := live.PageWindow(page)
		begin := until.Add(-documentsLag)
		if from.IsZero() || visit == "" || !begin.Before(to) {
			continue
		}
		if begin.Before(from) {
			begin = from
		}
		list, err := w.captures.Documents(ctx, visit, begin, to)
		if err != nil {
			failed = errors.Join(failed, err)
			w.notLooked(id, page, until)
		}
		for _, c := range list {
			w.note(id, wish{page: page, url: c.URL})
		}
	}
	return failed
}

// notLooked has documents looked for again from where that failed.
func (w *Wanted) notLooked(id events.SessionID, page events.PageID, until time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.sessions[id]; s != nil {
		s.pages[page] = until
	}
}

// unpin forgets the pins of sessions that are gone: they were given up, or sealed
// while their last pins were on their way. A session has an entry in the directory
// from its beginning until it is sealed.
func (w *Wanted) unpin(ctx context.Context, directory events.Directory) {
	sessions, err := w.captures.PinnedSessions(ctx)
	for _, name := range sessions {
		id := events.SessionID(name)
		if w.hub.Session(id) != nil {
			continue
		}
		_, gerr := directory.Get(ctx, id)
		if errors.Is(gerr, events.ErrNoSession) {
			gerr = w.captures.Unpin(ctx, name)
		}
		err = errors.Join(err, gerr)
	}
	if err != nil && ctx.Err() == nil {
		w.log.Error("pins of sessions that are gone are not all forgotten", "error", err)
	}
}
