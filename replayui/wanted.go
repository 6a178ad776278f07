package replayui

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

const (
	// lookEvery is how often the archive is asked for what pages name, and
	// lookAfter how long after a page named it: it may be on its way.
	lookEvery = time.Second
	lookAfter = 5 * time.Second
	// answerAfter is how long a browser has to fetch what it was asked for.
	answerAfter = 20 * time.Second

	maxNamed  = 4000    // files of one session
	maxAsked  = 500     // that its browser is asked for
	maxAtOnce = 50      // in one message
	maxSheet  = 2 << 20 // a style sheet that is read for what it names
)

// Wanted learns which files the pages of live sessions name, pins what they saw
// under each name (pins.go), and asks the user's browser for what the archive
// lacks: it may have it in a cache of its own. It never waits for anybody; its
// goroutine does.
type Wanted struct {
	captures archive.CaptureIndex
	library  *archive.Library
	log      *slog.Logger
	hub      *events.Hub
	fetch    Fetch

	mu       sync.Mutex
	sessions map[events.SessionID]*wishes
	stop     context.CancelFunc
	done     sync.WaitGroup
}

// wishes are those of one session.
type wishes struct {
	named map[string]naming
	open  []wish
	late  []wish                      // found nothing, and are looked up more and more rarely
	pages map[events.PageID]time.Time // until when documents beside each were looked for
	asked int
	// may be handed in by the browser: what it was asked for
	may map[string]bool
}

// naming is that a page names a file.
type naming struct {
	at   time.Time // for the first time; zero: not known
	sure bool      // the page shows it; else it may: of several pictures, or of what a style sheet names
}

// wish is a file that a page names.
type wish struct {
	naming
	page   events.PageID
	url    string
	viewer bool // a viewer found it missing; whether the page names it is not known
	asked  bool
	waited bool          // for what the page itself may still be loading
	pause  time.Duration // between two looks, of those that are late
	due    time.Time
}

// Fetch asks other origins for a file, where an operator allows it; false where
// not. It never waits.
type Fetch func(visit, url string) bool

// FetchWith lets it ask other origins. It comes before Start.
func (w *Wanted) FetchWith(fetch Fetch) { w.fetch = fetch }

// NewWanted returns a Wanted; Start starts its goroutine.
func NewWanted(captures archive.CaptureIndex, library *archive.Library, log *slog.Logger) *Wanted {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &Wanted{captures: captures, library: library, log: log, sessions: map[events.SessionID]*wishes{}}
}

// Start lets it look after the sessions of a hub, until Close; the directory tells
// which sessions there are that are not sealed.
func (w *Wanted) Start(hub *events.Hub, directory events.Directory) {
	w.hub = hub
	var ctx context.Context
	ctx, w.stop = context.WithCancel(context.Background())
	w.done.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		sweep := time.NewTicker(unpinEvery)
		defer sweep.Stop()
		w.unpin(ctx, directory)
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				w.look(ctx, now)
			case <-sweep.C:
				w.unpin(ctx, directory)
			}
		}
	})
}

// Close ends the goroutine.
func (w *Wanted) Close() {
	if w.stop != nil {
		w.stop()
	}
	w.done.Wait()
}

// URLs leads what the viewers of a page load to the archive, as [URLs] does, and
// takes note of it; for events.HubOptions.
func (w *Wanted) URLs(id events.SessionID, page events.PageID) events.URLs {
	return noting{toArchive(id, page), w, id, page}
}

// noting is a visitor that takes note of what it leads to the archive.
type noting struct {
	assetURLs
	w    *Wanted
	id   events.SessionID
	page events.PageID
}

// Attr implements events.URLs.
func (n noting) Attr(base string, el *events.Node, name, value string) string {
	return n.visitor(surely(el, name)).Attr(base, el, name, value)
}

// CSS implements events.URLs.
func (n noting) CSS(base, text string) string { return n.visitor(false).CSS(base, text) }

func (n noting) visitor(sure bool) assetURLs {
	return assetURLs{func(u *url.URL) string {
		n.w.name(n.id, n.page, asSent(u), sure)
		return n.visit(u)
	}}
}

// surely tells what a browser loads whatever the page looks like from what it
// chooses among, or loads when it has to.
func surely(el *events.Node, name string) bool {
	switch name {
	case "srcset", "imagesrcset", "style":
		return false
	case "src":
		_, several := el.Attr("srcset")
		return !several && (el.Name == "img" || el.Name == "input" || el.Name == "embed")
	case "href", "xlink:href":
		return el.Name != "link" || strings.Contains(strings.ToLower(relOf(el)), "stylesheet")
	}
	return true
}

// name takes note of a file that a page names now.
func (w *Wanted) name(id events.SessionID, page events.PageID, u string, sure bool) {
	w.note(id, wish{page: page, url: u, naming: naming{time.Now(), sure}})
}

// note takes note of a file, unless it is known.
func (w *Wanted) note(id events.SessionID, one wish) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.sessions[id]
	if s == nil && one.viewer {
		return
	}
	if s == nil {
		s = &wishes{named: map[string]naming{}, pages: map[events.PageID]time.Time{}, may: map[string]bool{}}
		w.sessions[id] = s
	}
	key := captureKey(uint32(one.page), one.url)
	one.due = time.Now().Add(lookAfter)
	if one.viewer {
		key, one.due = "viewer "+key, time.Now()
	}
	before, known := s.named[key]
	if known && (before.sure || !one.sure) || !known && len(s.named) >= maxNamed {
		return
	}
	if known {
		one.at = before.at
	}
	s.named[key] = one.naming
	s.open = append(s.open, one)
	if _, there := s.pages[one.page]; !there && !one.viewer {
		s.pages[one.page] = time.Time{}
	}
}

// namedAt is when a page named a file for the first time; zero where that is not
// known.
func (w *Wanted) namedAt(id events.SessionID, page events.PageID, u string) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.sessions[id]; s != nil {
		return s.named[captureKey(uint32(page), u)].at
	}
	return time.Time{}
}

// Miss asks for a file that a viewer found missing.
func (w *Wanted) Miss(id events.SessionID, page events.PageID, u string) {
	w.note(id, wish{page: page, url: u, naming: naming{sure: true}, viewer: true})
}

// look asks the archive for what is due, and browsers for what it lacks.
func (w *Wanted) look(ctx context.Context, now time.Time) {
	// The hub is asked without the lock: a session holds its own when it names files.
	w.mu.Lock()
	ids := slices.Collect(maps.Keys(w.sessions))
	w.mu.Unlock()
	var found []sighting
	late := maxLate
	for _, id := range ids {
		live := w.hub.Session(id)
		if live == nil {
			w.mu.Lock()
			delete(w.sessions, id)
			w.mu.Unlock()
			continue
		}
		list, err := w.lookFor(ctx, live, id, w.due(id, now, &late))
		found = append(found, list...)
		if err = errors.Join(err, w.documents(ctx, live, id, now)); err != nil && ctx.Err() == nil {
			w.log.Error("what a page needs was not looked up", "session", id, "error", err)
		}
	}
	w.pin(ctx, found)
}

// due takes the wishes that have waited long enough, a few of the late ones.
func (w *Wanted) due(id events.SessionID, now time.Time, late *int) (due []wish) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.sessions[id]
	if s == nil {
		return nil
	}
	s.open, due = takeDue(s.open, now, 2*maxAtOnce)
	var more []wish
	s.late, more = takeDue(s.late, now, *late)
	*late -= len(more)
	return append(due, more...)
}

func takeDue(list []wish, now time.Time, most int) (rest, due []wish) {
	rest = list[:0]
	for _, one := range list {
		if one.due.After(now) || len(due) >= most {
			rest = append(rest, one)
		} else {
			due = append(due, one)
		}
	}
	return rest, due
}

// lookFor looks up what a session's pages name, and returns what is to be pinned.
func (w *Wanted) lookFor(ctx context.Context, live *events.Session, id events.SessionID, list []wish) (found []sighting, failed error) {
	ask := map[events.PageID]*asking{}
	var notes []archive.Capture
	for i, one := range list {
		eyes := sightOf(live, id, one.page, one.at)
		c, pinned, err := eyes.saw(ctx, w.captures, one.url)
		if err != nil && !errors.Is(err, archive.ErrAbsent) {
			w.again(id, list[i:]...)
			failed = err
			break
		}
		switch {
		case err == nil && (c.Location != "" || c.Ref != ""):
			w.follow(ctx, id, one, c)
			if pinned.IsZero() && !one.viewer && !eyes.from.IsZero() {
				found = w.sighted(found, id, one, eyes, c)
			}
		case one.pause > 0:
			w.later(id, one)
		case err == nil && c.Why != archive.WhyNotSeen && c.Why != archive.WhyBroken && c.Why != archive.WhyLost:
			w.later(id, one) // the answer is known; there may be another
		case !ofOrigin(live.PageURL(one.page), one.url):
			notes = w.elsewhere(notes, id, one, eyes.visit, err == nil)
		case one.asked:
			if err != nil && one.sure && eyes.visit != "" {
				notes = append(notes, missing(one.url, eyes.visit, archive.WhyNotSeen))
			}
			w.later(id, one)
		default:
			w.ask(id, one, ask)
		}
	}
	for page, a := range ask {
		live.Missing(page, a.sure, a.maybe)
	}
	return found, errors.Join(failed, w.captures.Add(ctx, notes))
}

// again looks for files once more.
func (w *Wanted) again(id events.SessionID, list ...wish) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.sessions[id]; s != nil {
		s.open = append(s.open, list...)
	}
}

// follow names where a redirect led, and what a style sheet names in turn: since
// when the page named the file itself.
func (w *Wanted) follow(ctx context.Context, id events.SessionID, one wish, c archive.Capture) {
	if c.Location != "" {
		w.note(id, wish{page: one.page, url: c.Location, naming: one.naming, viewer: one.viewer})
		return
	}
	w.read(ctx, id, one, c)
}

func (w *Wanted) read(ctx context.Context, id events.SessionID, one wish, c archive.Capture) {
	if !strings.HasPrefix(c.Type, "text/css") || c.Size > maxSheet {
		return
	}
	sheet, err := w.library.Captured(ctx, c)
	if err != nil {
		w.log.Warn("a style sheet cannot be read", "session", id, "error", err)
		return
	}
	base, _ := copied(one.url)
	assetURLs{func(u *url.URL) string {
		w.note(id, wish{page: one.page, url: asSent(u), naming: naming{at: one.at}, viewer: one.viewer})
		return ""
	}}.CSS(base, string(sheet))
}
