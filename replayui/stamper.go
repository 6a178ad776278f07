package replayui

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// stampEvery is the time between two looks for recordings without a time stamp.
const stampEvery = 10 * time.Minute

// StamperOptions configures a [Stamper].
type StamperOptions struct {
	Authority *archive.Authority
	Store     archive.Store
	Catalogue events.Catalogue
	Logger    *slog.Logger
}

// Stamper has an authority attest when recordings were there. Nothing waits for
// it: what the authority does not stamp is tried again with the next look.
type Stamper struct {
	opts StamperOptions
	wake chan struct{}
	stop context.CancelFunc
	done sync.WaitGroup
}

// NewStamper starts the stamper's goroutine; Close ends it.
func NewStamper(opts StamperOptions) *Stamper {
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Stamper{opts: opts, wake: make(chan struct{}, 1), stop: stop}
	s.done.Go(func() { s.run(ctx) })
	return s
}

// Close ends the stamper's goroutine; a request under way is given up.
func (s *Stamper) Close() {
	s.stop()
	s.done.Wait()
}

// Sealed says that there is a new recording; it does not block. It may be called
// on nil.
func (s *Stamper) Sealed() {
	if s == nil {
		return
	}
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *Stamper) run(ctx context.Context) {
	tick := time.NewTicker(stampEvery)
	defer tick.Stop()
	for all := true; ; {
		if err := s.Sweep(ctx, all); err != nil && ctx.Err() == nil {
			s.opts.Logger.Warn("recordings are not all time-stamped; they are tried again", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-s.wake:
			all = false
		case <-tick.C:
			all = true
		}
	}
}

// Sweep stamps the recordings that have no stamp yet, newest first: all, or those
// of the last sessions alone. It ends at the first that the authority does not
// stamp: the others would fare no better.
func (s *Stamper) Sweep(ctx context.Context, all bool) error {
	query := events.Query{Limit: 200}
	for {
		found, next, err := s.opts.Catalogue.Find(ctx, query)
		if err != nil {
			return err
		}
		for _, info := range found {
			if info.Recording == "" || !info.Stamped.IsZero() || info.Deleting != nil {
				continue
			}
			if err := s.stamp(ctx, info); err != nil {
				return err
			}
		}
		if query.Cursor = next; next == "" || !all {
			return nil
		}
	}
}

func (s *Stamper) stamp(ctx context.Context, info events.SessionInfo) error {
	stamp, err := s.opts.Authority.Stamp(ctx, s.opts.Store, info.Recording)
	if errors.Is(err, archive.ErrAbsent) {
		return nil // of version 1, or deleted meanwhile
	}
	if err != nil {
		return err
	}
	_, err = s.opts.Catalogue.Update(ctx, info.ID, func(info *events.SessionInfo) error {
		info.Stamped = stamp.Time
		return nil
	})
	if errors.Is(err, events.ErrNoSession) {
		return nil
	}
	return err
}
