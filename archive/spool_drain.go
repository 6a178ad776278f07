package archive

import (
	"bytes"
	"container/heap"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"
)

// recover finds what an earlier spool left near.
func (s *Spool) recover(ctx context.Context) error {
	for _, prefix := range []string{deletePrefix, putPrefix} {
		for o, err := range s.near.List(ctx, prefix) {
			if err != nil {
				return err
			}
			name := strings.TrimPrefix(o.Name, prefix)
			e := s.entries[name]
			if e == nil {
				e = &entry{name: name, index: -1}
				s.entries[name] = e
			}
			if prefix == putPrefix {
				e.put = &Object{Name: name, Size: o.Size, Time: o.Time}
				s.used += cost(o.Size)
				e.doubt = time.Now().Add(s.o.Late) // it may have been on its way
			} else {
				e.gone = true
				e.doubt = o.Time.Add(s.o.Late)
			}
			e.old = true
			e.begun = o.Time
			s.enqueue(e)
		}
	}
	return nil
}

// work does what is due until the context ends.
func (s *Spool) work(ctx context.Context) {
	for {
		e, wait := s.next()
		if e != nil {
			s.drain(ctx, e)
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-s.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// next takes an entry that is due, or says how long there is none. While the far
// store fails, one worker tries and the others rest.
func (s *Spool) next() (*entry, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	switch {
	case len(s.queue) == 0 || s.fails > 0 && s.active > 0:
		return nil, time.Hour // who changes that wakes us
	case s.resume.After(now):
		return nil, s.resume.Sub(now)
	case s.queue[0].due.After(now):
		return nil, s.queue[0].due.Sub(now)
	}
	e := heap.Pop(&s.queue).(*entry)
	e.refs++
	e.atWork, e.lingers = true, false
	s.active++
	if len(s.queue) > 0 {
		s.poke() // one wakes the next
	}
	return e, 0
}

// drain does for one entry what has to be done in the far store.
func (s *Spool) drain(ctx context.Context, e *entry) {
	e.far.Lock()
	asked, err := s.deleteFar(ctx, e)
	if errors.Is(err, ErrLocked) {
		s.o.Logger.Error("spool: not deleted", "object", e.name, "error", err)
		err = nil
	}
	if err == nil {
		var sent bool
		sent, err = s.send(ctx, e)
		asked = asked || sent
	}
	e.far.Unlock()
	s.mu.Lock()
	s.active--
	e.atWork = false
	s.mu.Unlock()
	switch {
	case ctx.Err() != nil: // the spool closes
	case err != nil:
		s.failed(e, err)
	default:
		s.succeeded(e, asked)
	}
	s.release(e)
}

// deleteFar does the deletion that waits, if one does; the far lock is held, so
// that nothing comes into the far store meanwhile. It tells whether that was asked.
func (s *Spool) deleteFar(ctx context.Context, e *entry) (asked bool, err error) {
	todo, done := s.deletion(e)
	switch {
	case done:
		return false, s.deleted(ctx, e, true)
	case !todo:
		return false, nil
	}
	locked := s.far.Delete(ctx, e.name)
	if locked != nil && !errors.Is(locked, ErrLocked) {
		return true, locked
	}
	if locked == nil && s.doubted(e) {
		return true, nil
	}
	if err := s.deleted(ctx, e, false); err != nil {
		return true, err
	}
	return true, locked
}

// deleted ends a deletion that is done, or, where that is said, one behind which
// something newer was put. Whatever was put since then stays near, and goes on its way.
func (s *Spool) deleted(ctx context.Context, e *entry, newer bool) error {
	e.near.Lock()
	defer e.near.Unlock()
	if _, near, _ := s.find(e.name); newer && !near {
		return nil // deleted once more
	}
	if err := s.near.Delete(context.WithoutCancel(ctx), deletePrefix+e.name); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	e.gone, e.again = false, time.Time{}
	s.settled(e)
	return nil
}

func (s *Spool) isNewer(e *entry, gen uint64) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.gen != gen
}

// send brings the near copy to the far store, reads it back there, and removes it
// here unless it was replaced meanwhile; the far lock is held. It tells whether
// the far store was asked.
func (s *Spool) send(ctx context.Context, e *entry) (asked bool, err error) {
	s.mu.Lock()
	gen, put, gone := e.gen, e.put, e.gone
	s.mu.Unlock()
	if put == nil || gone { // a deletion that came meanwhile goes first
		return false, nil
	}
	f, err := s.near.Open(ctx, putPrefix+e.name)
	if errors.Is(err, ErrAbsent) {
		return false, s.vanished(e, gen)
	}
	if err != nil {
		return false, err
	}
	defer f.Close()
	content, size, err := readerAt(f, put.Size)
	if err != nil {
		return false, err
	}
	if err := s.transfer(ctx, e, content, size); err != nil {
		return true, err
	}
	e.near.Lock()
	defer e.near.Unlock()
	if s.isNewer(e, gen) {
		return true, nil // the newer one goes next
	}
	if err := s.near.Delete(context.WithoutCancel(ctx), putPrefix+e.name); err != nil {
		return true, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.used -= cost(put.Size)
	s.status.Drained++
	e.put, e.old = nil, false
	s.settled(e)
	return true, nil
}

// vanished is for an entry whose near copy is not there: it was deleted, by this
// spool or by another program (see [Beside]).
func (s *Spool) vanished(e *entry, gen uint64) error {
	e.near.Lock()
	defer e.near.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	if e.gen != gen || e.put == nil {
		return nil
	}
	s.o.Logger.Warn("spool: an object was deleted by another program", "object", e.name)
	s.used -= cost(e.put.Size)
	e.put = nil
	s.settled(e)
	return nil
}

// transfer stores content in the far store and reads it back. What is shared may
// be there already, and so may what a killed program left: then it is only read.
func (s *Spool) transfer(ctx context.Context, e *entry, content io.ReaderAt, size int64) error {
	sum, err := sumOf(io.NewSectionReader(content, 0, size))
	if err != nil {
		return err
	}
	s.mu.Lock()
	old := e.old
	s.mu.Unlock()
	if old || strings.HasPrefix(e.name, blobPrefix) {
		o, err := s.far.Stat(ctx, e.name)
		if err == nil && o.Size == size && s.readBack(ctx, e.name, size, sum) == nil {
			return nil
		}
	}
	if err := s.store(ctx, e.name, content, size); err != nil {
		s.doubt(e)
		return err
	}
	return s.readBack(ctx, e.name, size, sum)
}

// store puts an object into the far store. A key is never put in place of another
// one, under which objects may be there already: reading back tells of that.
func (s *Spool) store(ctx context.Context, name string, content io.ReaderAt, size int64) error {
	if _, can := s.far.(Maker); !can || !strings.HasPrefix(name, keyPrefix) {
		return s.far.Put(ctx, name, content, size)
	}
	key := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(content, 0, size), key); err != nil {
		return err
	}
	if err := makeObject(ctx, s.far, name, key); !errors.Is(err, ErrExists) {
		return err
	}
	return nil
}

// readerAt makes what a store opened readable at any place.
func readerAt(f io.Reader, size int64) (io.ReaderAt, int64, error) {
	if at, ok := f.(io.ReaderAt); ok {
		// The file that is open may be of another size than the one that was noted:
		// it is replaced as a whole.
		if seeker, ok := f.(io.Seeker); ok {
			end, err := seeker.Seek(0, io.SeekEnd)
			return at, end, err
		}
		return at, size, nil
	}
	b, err := io.ReadAll(io.LimitReader(f, maxObject))
	return bytes.NewReader(b), int64(len(b)), err
}

func sumOf(r io.Reader) (sum [sha256.Size]byte, err error) {
	h := sha256.New()
	_, err = io.Copy(h, r)
	h.Sum(sum[:0])
	return sum, err
}

// readBack compares what the far store has with what was sent.
func (s *Spool) readBack(ctx context.Context, name string, size int64, want [sha256.Size]byte) error {
	f, err := s.far.Open(ctx, name)
	if err != nil {
		if errors.Is(err, ErrAbsent) {
			err = fmt.Errorf("%s is %w in the far store: it was acknowledged and is not there", name, ErrDamaged)
		}
		return err
	}
	defer f.Close()
	got, err := sumOf(io.LimitReader(f, size+1))
	if err != nil {
		return fmt.Errorf("read back: %w", err)
	}
	if got != want {
		return fmt.Errorf("%s is %w in the far store: it is not what was sent", name, ErrDamaged)
	}
	return nil
}

// settled tells those who wait for an entry, once nothing of it waits; the lock is held.
func (s *Spool) settled(e *entry) {
	if e.waiting() {
		return
	}
	e.begun = time.Time{}
	for _, w := range e.waiters {
		if w.left--; w.left == 0 {
			close(w.done)
		}
	}
	e.waiters = nil
}

// succeeded lets the drain go on, at full speed when the far store was asked.
func (s *Spool) succeeded(e *entry, asked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if asked && s.fails > 0 {
		s.o.Logger.Info("spool: the far store is back", "waiting", len(s.entries))
	}
	if asked {
		s.fails, s.resume = 0, time.Time{}
		s.status.Away, s.status.LastFail = time.Time{}, nil
	}
	if e.waiting() {
		s.enqueue(e)
	}
	s.poke()
}

// failed has an entry tried again later, and everything else too.
func (s *Spool) failed(e *entry, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	if s.fails == 0 {
		s.status.Away = now
		s.o.Logger.Warn("spool: the far store fails; everything waits on disk", "object", e.name, "error", err)
	}
	s.fails++
	e.tries++
	s.status.Retries++
	s.status.LastFail = err
	if errors.Is(err, ErrDamaged) {
		s.status.Damaged++
	}
	s.resume = now.Add(s.pause(s.fails))
	e.due = now.Add(s.pause(e.tries))
	if !e.waiting() {
		if !e.again.IsZero() {
			e.again = e.due
		}
		return
	}
	if e.index < 0 {
		heap.Push(&s.queue, e)
	} else {
		heap.Fix(&s.queue, e.index)
	}
	s.poke()
}

// pause is how long to wait after so many failures: twice as long each time, and
// up to a quarter less, so that gateways do not come all at once.
func (s *Spool) pause(fails int) time.Duration {
	d := s.o.MaxBackoff
	if fails < 20 {
		d = min(d, s.o.Backoff<<(fails-1))
	}
	return d - time.Duration(rand.Int64N(int64(d)/4+1))
}

// dueQueue is a heap of entries by when they are due. It implements heap.Interface.
type dueQueue []*entry

func (q dueQueue) Len() int           { return len(q) }
func (q dueQueue) Less(i, j int) bool { return q[i].due.Before(q[j].due) }
func (q dueQueue) Swap(i, j int) {
	q[i], q[j] = q[j], q[i]
	q[i].index, q[j].index = i, j
}

// Push implements heap.Interface.
func (q *dueQueue) Push(x any) {
	e := x.(*entry)
	e.index = len(*q)
	*q = append(*q, e)
}

// Pop implements heap.Interface.
func (q *dueQueue) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	e.index = -1
	return e
}
