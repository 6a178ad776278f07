package replayui

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

const (
	// sealRetry is the time until the second try; each further one is twice as long.
	sealRetry    = 2 * time.Second
	sealRetryMax = 10 * time.Minute
	sealWorkers  = 4
)

// SealerOptions configures a [Sealer].
type SealerOptions struct {
	Log       events.Log
	Directory events.Directory
	Catalogue events.Catalogue
	Store     archive.Store
	Vaults    *archive.Vaults // of the same store
	Captures  archive.CaptureIndex
	Key       ed25519.PrivateKey
	Journal   *archive.Journal // nil for none
	Logger    *slog.Logger
	// Sealed is told when there is a new recording; it does not block. nil for nobody.
	Sealed func()
	// LockFor is how long the store keeps a recording, and what it needs, from
	// being deleted by anybody; 0 where it does not.
	LockFor time.Duration
	// Retry is the time until the second try; 0 for the usual one.
	Retry time.Duration
}

// Sealer turns ended sessions into recordings, a few at a time. One that fails is
// tried again for ever, more and more rarely, and keeps no other. What it did not
// finish is in the directory and comes again.
type Sealer struct {
	opts    SealerOptions
	library *archive.Library
	failed  atomic.Int64
	stop    context.CancelFunc
	done    sync.WaitGroup
	wake    chan struct{}

	mu   sync.Mutex
	list []*toSeal
	busy map[events.SessionID]bool
}

// toSeal is a session that waits.
type toSeal struct {
	info  events.SessionInfo
	due   time.Time
	tries int
}

// NewSealer starts the sealer's goroutines; Close ends them.
func NewSealer(opts SealerOptions) *Sealer {
	if opts.Retry <= 0 {
		opts.Retry = sealRetry
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	ctx, stop := context.WithCancel(context.Background())
	s := &Sealer{
		opts: opts, library: archive.NewLibrary(opts.Store, opts.Vaults), wake: make(chan struct{}, 1), stop: stop, busy: map[events.SessionID]bool{},
	}
	for range sealWorkers {
		s.done.Go(func() { s.run(ctx) })
	}
	return s
}

// Ended queues a session; it does not block.
func (s *Sealer) Ended(info events.SessionInfo) { s.put(&toSeal{info: info, due: time.Now()}) }

func (s *Sealer) put(t *toSeal) {
	s.mu.Lock()
	s.list = append(s.list, t)
	s.mu.Unlock()
	s.rouse()
}

func (s *Sealer) rouse() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Waiting is how many sessions wait to be sealed, those under way included.
func (s *Sealer) Waiting() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.list) + len(s.busy)
}

// Failed is how many tries have failed.
func (s *Sealer) Failed() int64 { return s.failed.Load() }

// Close lets the sessions under way come to their ends, and no other.
func (s *Sealer) Close() {
	s.stop()
	s.done.Wait()
}

// next takes the first session that is due, or says when one will be.
func (s *Sealer) next(now time.Time) (t *toSeal, wait time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	wait = sealRetryMax
	for i, t := range s.list {
		if s.busy[t.info.ID] {
			continue // whoever ends it looks again
		}
		if left := t.due.Sub(now); left > 0 {
			wait = min(wait, left)
			continue
		}
		s.list = append(s.list[:i:i], s.list[i+1:]...)
		s.busy[t.info.ID] = true
		return t, 0
	}
	return nil, wait
}

func (s *Sealer) run(ctx context.Context) {
	for ctx.Err() == nil {
		t, wait := s.next(time.Now())
		if t != nil {
			s.rouse() // there may be more
			s.try(ctx, t)
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	s.rouse() // the other workers wait no longer
}

func (s *Sealer) try(ctx context.Context, t *toSeal) {
	err := s.Seal(context.WithoutCancel(ctx), t.info)
	s.mu.Lock()
	delete(s.busy, t.info.ID)
	s.mu.Unlock()
	if err == nil {
		s.opts.Logger.Info("session sealed", "session", t.info.ID)
		if s.opts.Sealed != nil {
			s.opts.Sealed()
		}
		s.rouse()
		return
	}
	if !errors.Is(err, errUnsettled) {
		s.failed.Add(1)
	}
	pause := s.opts.Retry << min(t.tries, 20)
	if pause > sealRetryMax || pause <= 0 {
		pause = sealRetryMax
	}
	t.tries++
	t.due = time.Now().Add(pause)
	said := "session not sealed"
	if errors.Is(err, errUnsettled) {
		said = "session sealed; its log is kept until the store has the recording"
	}
	s.opts.Logger.Error(said, "session", t.info.ID, "try", t.tries, "again_in", pause.String(), "error", err)
	s.put(t)
}
