package replayui

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// sweepEvery is the time between two looks for recordings whose time is over.
const sweepEvery = time.Hour

// CustodianOptions configures a [Custodian].
type CustodianOptions struct {
	Catalogue events.Catalogue
	Store     archive.Store
	Vaults    *archive.Vaults
	Captures  archive.CaptureIndex
	// Retention is how long a site's recordings are kept after their end; 0 for ever.
	Retention func(org events.OrgID, site string) time.Duration
	Logger    *slog.Logger
	Still     bool // it looks for nothing by itself
	// Now replaces the clock; for tests.
	Now func() time.Time
}

// Custodian keeps recordings for as long as they have to be kept, and no longer.
// What it did not finish deleting is marked in the catalogue and comes again.
type Custodian struct {
	opts CustodianOptions
	mu   sync.Mutex // one deletion at a time
	stop context.CancelFunc
	done sync.WaitGroup
}

// NewCustodian starts the custodian's goroutine; Close ends it.
func NewCustodian(opts CustodianOptions) *Custodian {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	c := &Custodian{opts: opts, stop: stop}
	if !opts.Still {
		c.done.Go(func() { c.run(ctx) })
	}
	return c
}

// Close ends the custodian's goroutine, after the recording under way.
func (c *Custodian) Close() {
	c.stop()
	c.done.Wait()
}

func (c *Custodian) run(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	for {
		if err := c.Sweep(ctx); err != nil && ctx.Err() == nil {
			c.opts.Logger.Error("recordings whose time is over are not all deleted", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sweep deletes the recordings whose time is over, and those whose deletion was
// begun and not finished. One that cannot be deleted does not keep the others.
func (c *Custodian) Sweep(ctx context.Context) error {
	var failed error
	query := events.Query{Limit: 500}
	for {
		found, next, err := c.opts.Catalogue.Find(ctx, query)
		if err != nil {
			return errors.Join(failed, err)
		}
		for _, info := range found {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			failed = errors.Join(failed, c.judge(ctx, info))
		}
		if query.Cursor = next; next == "" {
			return failed
		}
	}
}

// judge deletes a recording whose turn it is.
func (c *Custodian) judge(ctx context.Context, info events.SessionInfo) error {
	if info.Deleting != nil {
		return c.finish(ctx, *info.Deleting)
	}
	end, ok := c.Until(info)
	if !ok || c.opts.Now().Before(end) || info.Hold != nil {
		return nil
	}
	err := c.Delete(ctx, info.ID, "", "kept for as long as was set")
	if errors.Is(err, events.ErrHeld) || errors.Is(err, events.ErrNoSession) {
		return nil // meanwhile
	}
	return err
}

// Until is when a recording's time is over, whatever holds it; false for never.
func (c *Custodian) Until(info events.SessionInfo) (time.Time, bool) {
	if c.opts.Retention == nil {
		return time.Time{}, false
	}
	life := c.opts.Retention(info.Org, info.Site)
	return info.Ended.Add(life), life > 0
}

// Delete deletes a recording for good, for an account or, without one, because
// its time is over. ErrHeld where it is under a legal hold, ErrNoSession where
// there is none.
func (c *Custodian) Delete(ctx context.Context, id events.SessionID, by, reason string) error {
	info, err := c.opts.Catalogue.Update(ctx, id, func(info *events.SessionInfo) error {
		if info.Hold != nil {
			return events.ErrHeld
		}
		if info.Deleting == nil {
			info.Deleting = &events.Deletion{
				Session: id, Org: info.Org, Site: info.Site, Started: info.Started, By: by, Reason: reason, At: c.opts.Now().UTC(),
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.finish(context.WithoutCancel(ctx), *info.Deleting)
}

func (c *Custodian) finish(ctx context.Context, d events.Deletion) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	err := archive.Erase(ctx, c.opts.Store, c.opts.Vaults, c.opts.Captures, string(d.Session))
	if errors.Is(err, archive.ErrLocked) {
		// The key is gone, so what is left is noise until its lock ends.
		c.opts.Logger.Warn("a deleted recording's objects are locked: unreadable, they stay until their lock ends", "session", d.Session, "error", err)
		err = nil
	}
	if err != nil {
		return fmt.Errorf("recording %s is not deleted yet: %w", d.Session, err)
	}
	if err := c.opts.Catalogue.Delete(ctx, d); err != nil {
		return err
	}
	c.opts.Logger.Info("recording deleted", "session", d.Session, "by", d.By, "reason", d.Reason)
	return nil
}

// Hold puts a recording under a legal hold, or ends it where hold is nil: in the
// catalogue, for all who would delete it here, and in the store where that can. It
// may be called again where the store could not be reached.
func (c *Custodian) Hold(ctx context.Context, id events.SessionID, hold *events.Hold) (events.SessionInfo, error) {
	info, err := c.opts.Catalogue.Update(ctx, id, func(info *events.SessionInfo) error {
		if info.Deleting != nil {
			return events.ErrNoSession
		}
		info.Hold = hold
		return nil
	})
	if err != nil {
		return info, err
	}
	err = archive.HoldRecording(ctx, c.opts.Store, c.opts.Captures, string(id), hold != nil, func(recording string) (bool, error) {
		other, err := c.opts.Catalogue.Get(ctx, events.SessionID(recording))
		if errors.Is(err, events.ErrNoSession) {
			return false, nil
		}
		return other.Hold != nil, err
	})
	if err != nil && !errors.Is(err, archive.ErrNoLocks) {
		return info, fmt.Errorf("the hold is in the catalogue, and not in the store: %w", err)
	}
	return info, nil
}
