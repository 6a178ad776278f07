package archive

import (
	"context"
	"time"
)

// Pin says what a page of a session saw under a URL: the capture as it was when
// that was written down, whatever the index learns or forgets since. The
// capture's URL is the one that the page named. Who fetched it is told only
// where the content is in that visit's vault, and there is no Why: what is not
// there is not pinned.
type Pin struct {
	Session string
	Page    uint32
	Capture
	At time.Time // when it was written down
}

// Pins tells what pages of sessions saw, from when that was found until the
// sessions are sealed.
type Pins interface {
	// Pin writes pins down, durably on return, all or none. To what a page's URL is
	// pinned already it stays. One whose content nothing needs any more is left
	// out: that is about to be deleted.
	Pin(ctx context.Context, pins []Pin) error
	// Pinned returns what a URL of a session's page is pinned to; ErrAbsent when it
	// is not.
	Pinned(ctx context.Context, session string, page uint32, url string) (Pin, error)
	// PinsOf returns a session's pins, in the order of pages and URLs.
	PinsOf(ctx context.Context, session string) ([]Pin, error)
	// Unpin forgets a session's pins, durably on return; the next Expire returns
	// what nothing else needs.
	Unpin(ctx context.Context, session string) error
	// PinnedSessions returns which sessions have pins.
	PinnedSessions(ctx context.Context) ([]string, error)
}

func (a addressed) Pin(ctx context.Context, pins []Pin) error {
	list := make([]Pin, len(pins))
	for i, p := range pins {
		p.URL, p.Location = Address(p.URL, a.names), Address(p.Location, a.names)
		list[i] = p
	}
	return a.CaptureIndex.Pin(ctx, list)
}

func (a addressed) Pinned(ctx context.Context, session string, page uint32, u string) (Pin, error) {
	return a.CaptureIndex.Pinned(ctx, session, page, Address(u, a.names))
}
