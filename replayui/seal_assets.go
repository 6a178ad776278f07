package replayui

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// assetFinder looks up every file that the pages of a session used.
type assetFinder struct {
	s       *Sealer
	info    events.SessionInfo
	t       *timeline
	seen    map[string]bool
	direct  map[string]bool // named by markup, not by a style sheet that may never use it
	now     time.Time       // when what is looked at named what it names; zero: not known
	wanted  []wantedFile
	found   []archive.PageCapture
	missing []archive.PageCapture
}

// wantedFile is a file that a page named, for the first time at some time.
type wantedFile struct {
	archive.PageCapture
	named time.Time
}

// maxAssets bounds what one session's pages may name.
const maxAssets = 50_000

func (a *assetFinder) want(page events.PageID, u string) {
	key := captureKey(uint32(page), u)
	if a.seen[key] || len(a.seen) >= maxAssets {
		return
	}
	a.seen[key] = true
	a.wanted = append(a.wanted, wantedFile{archive.PageCapture{Page: uint32(page), URL: archive.Address(u, nil)}, a.now})
}

func (a *assetFinder) visitor(page events.PageID) assetURLs {
	return assetURLs{func(u *url.URL) string {
		a.want(page, asSent(u))
		return ""
	}}
}

// markup is a visitor that tells markup from style.
type markup struct {
	assetURLs
	a    *assetFinder
	page events.PageID
}

// Attr implements events.URLs.
func (m markup) Attr(base string, el *events.Node, name, value string) string {
	direct := assetURLs{func(u *url.URL) string {
		m.a.direct[captureKey(uint32(m.page), asSent(u))] = true
		return m.visit(u)
	}}
	if name == "style" || el.Name == "link" && name == "href" && !strings.Contains(strings.ToLower(relOf(el)), "stylesheet") {
		direct = m.assetURLs
	}
	return direct.Attr(base, el, name, value)
}

func relOf(el *events.Node) string {
	rel, _ := el.Attr("rel")
	return rel
}

// add looks at a record, after the timeline did.
func (a *assetFinder) add(r *events.Record) {
	m := a.t.models[r.Page]
	a.now = r.Time
	switch r.Kind {
	case events.KindPageState:
		if m != nil {
			m.State().AppendFor(nil, markup{a.visitor(r.Page), a, r.Page})
		}
	case events.KindPageEvents:
		// The timeline has applied it: the model knows every document's base.
		if b, err := events.DecodeBatch(r.Payload); err == nil && m != nil {
			m.Visit(b, markup{a.visitor(r.Page), a, r.Page})
		}
	}
}

// find looks the files up, and those that style sheets name in turn: what was
// pinned while the session was on, then what was not.
func (a *assetFinder) find(ctx context.Context) error {
	a.now = time.Time{}
	if err := a.pinned(ctx); err != nil {
		return err
	}
	if err := a.documents(ctx); err != nil {
		return err
	}
	for len(a.wanted) > 0 {
		next := a.wanted[0].PageCapture
		a.now = a.wanted[0].named // a sheet's files, and where a redirect led, since then
		a.wanted = a.wanted[1:]
		page := events.PageID(next.Page)
		eyes := sight{session: a.info.ID, page: page, visit: a.info.Visit, named: a.now}
		eyes.from, eyes.to = a.window(page)
		c, pinned, err := eyes.saw(ctx, a.s.opts.Captures, next.URL)
		if errors.Is(err, archive.ErrAbsent) {
			if a.direct[captureKey(next.Page, next.URL)] {
				next.Why = archive.WhyNotSeen
				a.missing = append(a.missing, next)
			}
			continue
		}
		if err != nil {
			return err
		}
		next.Time, next.Ref, next.Type, next.Size, next.Status = c.Time, c.Ref, c.Type, c.Size, c.Status
		next.Location, next.Header, next.Source, next.Why, next.Pinned = c.Location, c.Header, c.Source, c.Why, pinned
		switch {
		case c.Location != "": // where it led is looked up like any other
			if a.direct[captureKey(next.Page, next.URL)] {
				a.direct[captureKey(next.Page, c.Location)] = true
			}
			a.want(page, c.Location)
			a.found = append(a.found, next)
			continue
		case c.Ref == "":
			a.missing = append(a.missing, next)
			continue
		}
		if next.Private, err = a.s.library.TakeOver(ctx, string(a.info.ID), c); err == nil && strings.HasPrefix(c.Type, "text/css") {
			var sheet []byte
			if sheet, err = a.s.library.Captured(ctx, c); err == nil {
				base, _ := copied(next.URL)
				a.visitor(page).CSS(base, string(sheet))
			}
		}
		if errors.Is(err, archive.ErrAbsent) || errors.Is(err, archive.ErrDamaged) {
			a.missing = append(a.missing, archive.PageCapture{Page: next.Page, URL: next.URL, Why: archive.WhyLost})
			continue
		}
		if err != nil {
			return err
		}
		a.found = append(a.found, next)
	}
	return nil
}

// pinned are the files that were pinned, whatever else tells of them.
func (a *assetFinder) pinned(ctx context.Context) error {
	pins, err := a.s.opts.Captures.PinsOf(ctx, string(a.info.ID))
	for _, p := range pins {
		a.want(events.PageID(p.Page), p.URL)
	}
	return err
}

// documents are those that pages showed and no page state has: PDFs, and frames
// that the page itself may not look into.
func (a *assetFinder) documents(ctx context.Context) error {
	for page := range a.t.loaded {
		from, to := a.window(page)
		list, err := a.s.opts.Captures.Documents(ctx, a.info.Visit, from, to)
		if err != nil {
			return err
		}
		for _, c := range list {
			a.want(page, c.URL)
		}
	}
	return nil
}

// window is from when to when a page was the newest.
func (a *assetFinder) window(page events.PageID) (from, to time.Time) {
	from, to = a.t.loaded[page], a.info.Ended.Add(time.Minute)
	for other, at := range a.t.loaded {
		if other > page && at.Before(to) {
			to = at
		}
	}
	return from, to
}
