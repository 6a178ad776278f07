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

// Wanted learns which files the pages of live sessions name, and asks the user's
// browser for those that the archive lacks: it may have them in a cache of its
// own. It never waits for anybody; its goroutine does.
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
	named map[string]bool
	open  []wish
	asked int
	// may be handed in by the browser: what it was asked for
	may map[string]bool
}

// wish is a file that a page names.
type wish struct {
	page  events.PageID
	url   string
	sure  bool // the page shows it; else it may: of several pictures, or of what a style sheet names
	asked bool
	due   time.Time
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

// Start lets it look after the sessions of a hub, until Close.
func (w *Wanted) Start(hub *events.Hub) {
	w.hub = hub
	var ctx context.Context
	ctx, w.stop = context.WithCancel(context.Background())
	w.done.Go(func() {
		tick := time.NewTicker(lookEvery)
		defer tick.Stop()
		for {
			select {
			case <-ctx.Done():
				return
			case now := <-tick.C:
				w.look(ctx, now)
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

// name takes note of a file.
func (w *Wanted) name(id events.SessionID, page events.PageID, u string, sure bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.sessions[id]
	if s == nil {
		s = &wishes{named: map[string]bool{}, may: map[string]bool{}}
		w.sessions[id] = s
	}
	key := captureKey(uint32(page), u)
	if sure {
		key = "sure " + key
	}
	if s.named[key] || s.named["sure "+key] || len(s.named) >= maxNamed {
		return
	}
	s.named[key] = true
	s.open = append(s.open, wish{page: page, url: u, sure: sure, due: time.Now().Add(lookAfter)})
}

// Miss asks for a file that a viewer found missing.
func (w *Wanted) Miss(id events.SessionID, page events.PageID, u string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.sessions[id]
	if s == nil || len(s.named) >= maxNamed || s.named["viewer "+u] {
		return
	}
	s.named["viewer "+u] = true
	s.open = append(s.open, wish{page: page, url: u, sure: true, due: time.Now()})
}

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

// look asks the archive for what is due, and browsers for what it lacks.
func (w *Wanted) look(ctx context.Context, now time.Time) {
	// The hub is asked without the lock: a session holds its own when it names files.
	w.mu.Lock()
	ids := slices.Collect(maps.Keys(w.sessions))
	w.mu.Unlock()
	for _, id := range ids {
		live := w.hub.Session(id)
		if live == nil {
			w.mu.Lock()
			delete(w.sessions, id)
			w.mu.Unlock()
			continue
		}
		if err := w.lookFor(ctx, live, id, w.due(id, now)); err != nil && ctx.Err() == nil {
			w.log.Error("what a page needs was not looked up", "session", id, "error", err)
		}
	}
}

// due takes the wishes that have waited long enough.
func (w *Wanted) due(id events.SessionID, now time.Time) (due []wish) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.sessions[id]
	if s == nil {
		return nil
	}
	rest := s.open[:0]
	for _, one := range s.open {
		if one.due.After(now) || len(due) >= 2*maxAtOnce {
			rest = append(rest, one)
		} else {
			due = append(due, one)
		}
	}
	s.open = rest
	return due
}

// asking is what the browser of one page is asked for.
type asking struct{ sure, maybe []string }

func (w *Wanted) lookFor(ctx context.Context, live *events.Session, id events.SessionID, list []wish) error {
	ask := map[events.PageID]*asking{}
	var notes []archive.Capture
	for _, one := range list {
		from, to, visit := live.PageWindow(one.page)
		c, err := findCapture(ctx, w.captures, one.url, visit, from, to)
		switch {
		case err != nil && !errors.Is(err, archive.ErrAbsent):
			return err
		case err == nil && c.Location != "":
			w.name(id, one.page, c.Location, one.sure)
		case err == nil && c.Ref != "":
			w.read(ctx, id, one, c)
		case err == nil && c.Why != archive.WhyNotSeen && c.Why != archive.WhyBroken && c.Why != archive.WhyLost:
			// The answer is known.
		case !ofOrigin(live.PageURL(one.page), one.url):
			if visit == "" || err == nil || one.asked {
				continue
			}
			if w.fetch != nil && w.fetch(visit, one.url) {
				one.asked, one.due = true, time.Now().Add(answerAfter) // a style sheet names more
				w.again(id, one)
			} else {
				notes = append(notes, note(one.url, visit, archive.WhyOtherHost))
			}
		case one.asked:
			if err != nil && one.sure && visit != "" {
				notes = append(notes, note(one.url, visit, archive.WhyNotSeen))
			}
		default:
			w.ask(id, one, ask)
		}
	}
	for page, a := range ask {
		live.Missing(page, a.sure, a.maybe)
	}
	return w.captures.Add(ctx, notes)
}

// again looks for a file once more.
func (w *Wanted) again(id events.SessionID, one wish) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if s := w.sessions[id]; s != nil {
		s.open = append(s.open, one)
	}
}

func note(u, visit string, why archive.Why) archive.Capture {
	return archive.Capture{URL: u, By: visit, Own: true, Time: time.Now().UTC(), Why: why}
}

// ask lists a file for the browser, and looks again later.
func (w *Wanted) ask(id events.SessionID, one wish, ask map[events.PageID]*asking) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s := w.sessions[id]
	if s == nil || s.asked >= maxAsked {
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

// read names what a style sheet names in turn.
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
		w.name(id, one.page, asSent(u), false)
		return ""
	}}.CSS(base, string(sheet))
}

func ofOrigin(a, b string) bool {
	u, err := url.Parse(a)
	v, verr := url.Parse(b)
	return err == nil && verr == nil && u.Scheme == v.Scheme && u.Host == v.Host
}
