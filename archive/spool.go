package archive

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"sync"
	"time"
)

// ErrSpoolFull is wrapped by the error of Put when the far store has been away for
// so long that the spool has no room left.
var ErrSpoolFull = errors.New("the spool is full")

// Spool is a Store in front of a far one, which may be slow, away or wrong.
//
// Put is durable on return, on the near store, and never waits for the far one.
// What was put goes to the far store in the background, is read back there and
// compared, and only then leaves the near one. Reads look near first. Delete is
// durable on return as well: what the far store cannot do at once it does later.
// An object is near or far at any instant, also when the program is killed: the
// next one goes on with what it finds near.
//
// A Spool is a [Locker] where its far store is one. It is safe for concurrent use.
type Spool struct {
	near, far Store
	o         SpoolOptions
	stop      context.CancelFunc
	done      sync.WaitGroup

	mu      sync.Mutex
	entries map[string]*entry
	queue   dueQueue // what the drain has to do, by when
	wake    chan struct{}
	used    int64     // bytes near
	fails   int       // in a row, of the drain
	resume  time.Time // nothing is tried before
	active  int       // workers at work
	status  SpoolStatus
}

// SpoolOptions configures a [Spool].
type SpoolOptions struct {
	// Limit bounds the bytes that wait near; 10 GB where not given. Each object
	// counts as a disk's block at least.
	Limit int64
	// Workers is how many objects go to the far store at once; 4 where not given.
	Workers int
	// Backoff and MaxBackoff bound the pause after a failure: it doubles from the
	// one to the other. Half a second and a minute where not given.
	Backoff, MaxBackoff time.Duration
	// Late is how long after a request was given up the far store may still do what
	// it asked for; 15 minutes where not given. What is deleted within that time is
	// deleted once more behind it.
	Late time.Duration
	// Quick is how long Stat and Delete wait for the far store at most; 5 s where
	// not given. Open and List wait as long as their context does.
	Quick  time.Duration
	Logger *slog.Logger // nil for none
}

// SpoolStatus is what a Spool tells of itself.
type SpoolStatus struct {
	Objects  int       // that wait for the far store, deletions included
	Bytes    int64     // that they take near
	Oldest   time.Time // since when the oldest of them waits; zero for none
	Drained  uint64    // objects that reached the far store and were read back
	Retries  uint64    // attempts that failed and were or are made again
	Damaged  uint64    // of these, because the far store gave back something else
	Refused  uint64    // calls of Put that failed for lack of room
	Away     time.Time // since when the far store fails; zero where it does not
	LastFail error     // what failed last, as long as the far store fails
}

const (
	// blockSize is what an object takes near at least: a disk's block.
	blockSize = 4 << 10
	// What waits near stands below these.
	putPrefix    = "put/"
	deletePrefix = "delete/"
)

// NewSpool returns a spool that keeps what waits in near, where nothing else may
// be, and starts its workers; Close ends them. What a spool left in near before
// goes on its way. Near's Open should return an io.ReaderAt, as files are: other
// objects are read into memory to be sent.
func NewSpool(ctx context.Context, near, far Store, o SpoolOptions) (*Spool, error) {
	o.Limit = cmp.Or(o.Limit, 10<<30)
	o.Workers = cmp.Or(o.Workers, 4)
	o.Backoff = cmp.Or(o.Backoff, time.Second/2)
	o.MaxBackoff = cmp.Or(o.MaxBackoff, time.Minute)
	o.Late = cmp.Or(o.Late, 15*time.Minute)
	o.Quick = cmp.Or(o.Quick, 5*time.Second)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Spool{near: near, far: far, o: o, entries: map[string]*entry{}, wake: make(chan struct{}, 1)}
	if err := s.recover(ctx); err != nil {
		return nil, fmt.Errorf("spool: %w", err)
	}
	run, stop := context.WithCancel(context.Background())
	s.stop = stop
	for range o.Workers {
		s.done.Go(func() { s.work(run) })
	}
	return s, nil
}

// Close ends the workers; what they have in hand is done again by the next Spool.
func (s *Spool) Close() {
	s.stop()
	s.done.Wait()
}

// Status tells how things are.
func (s *Spool) Status() SpoolStatus {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.status
	st.Bytes = s.used
	for _, e := range s.entries {
		if !e.waiting() {
			continue
		}
		st.Objects++
		if st.Oldest.IsZero() || e.begun.Before(st.Oldest) {
			st.Oldest = e.begun
		}
	}
	return st
}

// entry is a name of which something waits near, or is under way.
type entry struct {
	name string
	near sync.Mutex // held while the near copy, or the mark of a deletion, changes
	far  sync.Mutex // held while something happens to the name in the far store
	refs int        // of callers who hold the entry

	put   *Object   // the near copy; nil for none
	gone  bool      // a deletion waits; a near copy beside it is newer
	gen   uint64    // counts changes
	begun time.Time // since when something waits; zero where nothing does

	doubt   time.Time // until when what was sent and given up may still arrive
	again   time.Time // a deletion was done, and is done once more then; zero: it waits
	lingers bool      // it is in the queue for one of these alone

	due     time.Time
	tries   int
	index   int  // in the queue; -1 where it is not
	atWork  bool // a worker has it
	old     bool
	waiters []*waiter
}

func (e *entry) waiting() bool { return e.put != nil || e.gone && e.again.IsZero() }

// acquire returns a name's entry, which stays until it is released.
func (s *Spool) acquire(name string) *entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[name]
	if e == nil {
		e = &entry{name: name, index: -1}
		s.entries[name] = e
	}
	e.refs++
	return e
}

func (s *Spool) release(e *entry) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.refs--; e.refs == 0 && !e.waiting() && e.index < 0 && !s.linger(e) {
		delete(s.entries, e.name)
	}
}

// cost is the room that an object takes near.
func cost(size int64) int64 { return max(size, blockSize) }

// Put implements Store. It fails with ErrSpoolFull when there is no room near.
func (s *Spool) Put(ctx context.Context, name string, content io.ReaderAt, size int64) error {
	return s.put(ctx, name, content, size, false)
}

// Make implements Maker, among those who use this spool. What another spool made
// of that name in the far store meanwhile is not replaced either: then the near
// copy waits, and Status tells why.
func (s *Spool) Make(ctx context.Context, name string, content []byte) error {
	return s.put(ctx, name, bytes.NewReader(content), int64(len(content)), true)
}

// put stores an object near; alone: not where there is one.
func (s *Spool) put(ctx context.Context, name string, content io.ReaderAt, size int64, alone bool) error {
	if err := spoolable(name); err != nil {
		return err
	}
	if err := s.reserve(cost(size)); err != nil {
		return err
	}
	e := s.acquire(name)
	defer s.release(e)
	e.near.Lock()
	defer e.near.Unlock()
	if alone {
		if err := s.none(ctx, name); err != nil {
			s.free(cost(size))
			return err
		}
	}
	if err := s.near.Put(ctx, putPrefix+name, content, size); err != nil {
		s.free(cost(size))
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.put != nil {
		s.used -= cost(e.put.Size)
	}
	e.put = &Object{Name: name, Size: size, Time: time.Now().UTC()}
	s.changed(e)
	s.enqueue(e)
	return nil
}

// none returns ErrExists where there is an object. The far store is asked for as
// long as Stat does: while it is away nobody knows, and then there is none.
func (s *Spool) none(ctx context.Context, name string) error {
	if _, err := s.Stat(ctx, name); err == nil {
		return ErrExists
	}
	return ctx.Err()
}

func (s *Spool) reserve(n int64) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.used+n > s.o.Limit {
		s.status.Refused++
		return fmt.Errorf("%w: %d of its %d bytes wait for the far store", ErrSpoolFull, s.used, s.o.Limit)
	}
	s.used += n
	return nil
}

func (s *Spool) free(n int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= n
}

// changed notes a change of an entry; the lock is held.
func (s *Spool) changed(e *entry) {
	e.gen++
	if e.begun.IsZero() {
		e.begun = time.Now()
	}
}

// enqueue has an entry drained; the lock is held. One that a worker has in hand
// comes again when it is done with it.
func (s *Spool) enqueue(e *entry) {
	switch {
	case e.index < 0 && !e.atWork:
		e.due, e.tries = time.Now(), 0
		heap.Push(&s.queue, e)
	case e.lingers:
		e.due, e.tries = time.Now(), 0
		heap.Fix(&s.queue, e.index)
	}
	e.lingers = false
	s.poke()
}

// poke wakes a worker that waits for something to do.
func (s *Spool) poke() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Delete implements Store. The far store is asked at once when it is well, and
// otherwise as soon as it is: until then the object is absent here. It fails with
// ErrLocked where the far store is well and keeps the object.
func (s *Spool) Delete(ctx context.Context, name string) error {
	if err := spoolable(name); err != nil {
		return err
	}
	e := s.acquire(name)
	defer s.release(e)
	if err := s.mark(ctx, e); err != nil {
		return err
	}
	if s.away() || !e.far.TryLock() {
		return s.leave(e)
	}
	defer e.far.Unlock()
	quick, cancel := context.WithTimeout(ctx, s.o.Quick)
	defer cancel()
	_, err := s.deleteFar(quick, e)
	switch {
	case err == nil || errors.Is(err, ErrLocked):
		return err
	case ctx.Err() != nil: // the caller's doing
		return s.leave(e)
	}
	s.failed(e, err)
	return nil
}

// leave leaves a deletion that was noted to a worker.
func (s *Spool) leave(e *entry) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.enqueue(e)
	return nil
}

// mark notes a deletion near and removes the near copy, in this order: whoever is
// killed in between finds both, and then the copy stays.
func (s *Spool) mark(ctx context.Context, e *entry) error {
	e.near.Lock()
	defer e.near.Unlock()
	if err := PutBytes(ctx, s.near, deletePrefix+e.name, nil); err != nil {
		return err
	}
	s.mu.Lock()
	put := e.put
	e.put, e.gone, e.again = nil, true, time.Time{}
	s.changed(e)
	s.mu.Unlock()
	err := s.near.Delete(ctx, putPrefix+e.name)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err != nil:
		e.put = put
		s.enqueue(e)
	case put != nil:
		s.used -= cost(put.Size)
	}
	return err
}

// away tells whether the far store failed when it was last asked.
func (s *Spool) away() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.fails > 0
}

// spoolable tells whether a name has room for what the spool puts before it.
func spoolable(name string) error {
	if !ValidName(name) || !ValidName(deletePrefix+name) {
		return fmt.Errorf("object %q: no such name", name)
	}
	return nil
}
