package replayui

import (
	"context"
	"errors"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// sight is who sees a URL, and when: a page, from when it came until the next one did.
type sight struct {
	session  events.SessionID
	page     events.PageID
	visit    string
	from, to time.Time
	named    time.Time // when the page named the URL for the first time; zero: not known
}

// sightOf is that of a page of a live session.
func sightOf(live *events.Session, id events.SessionID, page events.PageID, named time.Time) sight {
	s := sight{session: id, page: page, named: named}
	s.from, s.to, s.visit = live.PageWindow(page)
	return s
}

// saw is what the page saw under a URL: what it was pinned to, and when, else
// what the index has. ErrAbsent when there is neither.
func (s sight) saw(ctx context.Context, index archive.CaptureIndex, target string) (c archive.Capture, pinned time.Time, err error) {
	pin, err := index.Pinned(ctx, string(s.session), uint32(s.page), archive.Address(target, nil))
	if err == nil || !errors.Is(err, archive.ErrAbsent) {
		return pin.Capture, pin.At, err
	}
	c, err = s.find(ctx, index, target)
	return c, pinned, err
}

// find looks a URL up in the index. The visit's own capture in the page's time
// comes first: the latest before the page named the URL, since a script may have
// fetched it anew by then, else the first one after. For a copy it is the capture
// with the copy's content: the latest one when the page was asked for, or the first
// while it came. No other stands in for it.
func (s sight) find(ctx context.Context, index archive.CaptureIndex, target string) (archive.Capture, error) {
	if own, ref := copied(target); ref != "" {
		for _, end := range []time.Time{s.from, s.to} {
			c, err := index.Find(ctx, own, "", s.from, end)
			if err != nil || c.Ref == ref {
				return c, err
			}
		}
		return archive.Capture{}, archive.ErrAbsent
	}
	if s.visit != "" && s.named.After(s.from) && s.named.Before(s.to) {
		c, err := index.Find(ctx, target, s.visit, s.named, s.named)
		if err != nil && !errors.Is(err, archive.ErrAbsent) {
			return c, err
		}
		if err == nil && s.own(c) && c.Time.Before(s.named) && c.Why == "" {
			return c, nil
		}
	}
	return index.Find(ctx, target, s.visit, s.from, s.to)
}

// own reports whether the visit itself fetched it, in the page's time.
func (s sight) own(c archive.Capture) bool {
	return s.visit != "" && c.By == s.visit && !c.Time.Before(s.from) && c.Time.Before(s.to)
}

// settled reports whether what was found stays what it is, whatever comes. Else it
// is from before the page, or another's, and the page's own may be on its way.
func (s sight) settled(c archive.Capture, target string) bool {
	_, ref := copied(target)
	return ref != "" || s.own(c)
}

// maxRedirects is how far browsers follow (Fetch, 4.4).
const maxRedirects = 20

// followed is what the page saw in the end, behind redirects.
func (s sight) followed(ctx context.Context, index archive.CaptureIndex, target string) (archive.Capture, error) {
	c, _, err := s.saw(ctx, index, target)
	for n := 0; err == nil && c.Location != "" && n < maxRedirects; n++ {
		c, _, err = s.saw(ctx, index, c.Location)
	}
	if err == nil && c.Ref == "" {
		err = archive.ErrAbsent
	}
	return c, err
}
