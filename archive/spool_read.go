package archive

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"strings"
	"time"
)

// Settler is implemented by a [Store] that holds some objects back for a while.
type Settler interface {
	// Settle returns when everything that was stored or deleted before the call is
	// so in the store behind, and was read back there. Its error says what waits.
	Settle(ctx context.Context) error
}

var (
	_ Store   = (*Spool)(nil)
	_ Settler = (*Spool)(nil)
	_ Locker  = (*Spool)(nil)
)

// find says what is known of a name near: a copy, or that it was deleted.
func (s *Spool) find(name string) (o Object, near, gone bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[name]
	switch {
	case e == nil:
	case e.put != nil:
		return *e.put, true, false
	case e.gone:
		return Object{}, false, true
	}
	return Object{}, false, false
}

// Open implements Store.
func (s *Spool) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if !ValidName(name) {
		return nil, fmt.Errorf("object %q: no such name", name)
	}
	for try := 0; ; try++ {
		_, near, gone := s.find(name)
		if gone {
			return nil, ErrAbsent
		}
		if !near || try == 100 {
			return s.far.Open(ctx, name)
		}
		f, err := s.near.Open(ctx, putPrefix+name)
		if !errors.Is(err, ErrAbsent) {
			return f, err
		}
		// It went to the far store this moment, or was deleted: what find says follows.
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Millisecond):
		}
	}
}

// Stat implements Store. It waits for the far store for a short time alone, and
// not at all while that is known to fail.
func (s *Spool) Stat(ctx context.Context, name string) (Object, error) {
	if !ValidName(name) {
		return Object{}, fmt.Errorf("object %q: no such name", name)
	}
	o, near, gone := s.find(name)
	switch {
	case near:
		return o, nil
	case gone:
		return Object{}, ErrAbsent
	}
	s.mu.Lock()
	fails, last := s.fails, s.status.LastFail
	s.mu.Unlock()
	if fails > 0 {
		return Object{}, fmt.Errorf("object %s: the far store is away: %w", name, last)
	}
	quick, cancel := context.WithTimeout(ctx, s.o.Quick)
	defer cancel()
	return s.far.Stat(quick, name)
}

// Known says what is known of an object without asking the far store: ErrAbsent
// where it is not near, wherever else it may be. Who would store something again
// that is there asks this first: once more in the spool is cheaper than to wait.
func (s *Spool) Known(name string) (Object, error) {
	if o, near, _ := s.find(name); near {
		return o, nil
	}
	return Object{}, ErrAbsent
}

// List implements Store: what waits near and what is far, as one.
func (s *Spool) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		// Near comes first: what goes to the far store meanwhile is listed all the same.
		near, gone := s.snapshot(prefix)
		merge(ctx, near, gone, s.far.List(ctx, prefix), yield)
	}
}

// snapshot is what is near now, by name, and what was deleted.
func (s *Spool) snapshot(prefix string) (near map[string]Object, gone map[string]bool) {
	near, gone = map[string]Object{}, map[string]bool{}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, e := range s.entries {
		switch {
		case !strings.HasPrefix(name, prefix):
		case e.put != nil:
			near[name] = *e.put
		case e.gone:
			gone[name] = true
		}
	}
	return near, gone
}

// merge lists what is near and what is far in the order of names. What is near
// goes before, and what is gone and not near is left out.
func merge(ctx context.Context, near map[string]Object, gone map[string]bool, far iter.Seq2[Object, error], yield func(Object, error) bool) {
	names := slices.Sorted(maps.Keys(near))
	for o, err := range far {
		if err != nil {
			yield(Object{}, err)
			return
		}
		for ; len(names) > 0 && names[0] < o.Name; names = names[1:] {
			if !yield(near[names[0]], nil) {
				return
			}
		}
		if _, newer := near[o.Name]; !newer && !gone[o.Name] && !yield(o, nil) {
			return
		}
	}
	for _, name := range names {
		if err := ctx.Err(); err != nil {
			yield(Object{}, err)
			return
		}
		if !yield(near[name], nil) {
			return
		}
	}
}

// waiter waits for a number of entries.
type waiter struct {
	left int
	done chan struct{}
}

// Settle implements Settler.
func (s *Spool) Settle(ctx context.Context) error { return s.settle(ctx, "") }

// settle waits for one name, or for all.
func (s *Spool) settle(ctx context.Context, name string) error {
	w := &waiter{done: make(chan struct{})}
	s.mu.Lock()
	for n, e := range s.entries {
		if e.waiting() && (name == "" || name == n) {
			w.left++
			e.waiters = append(e.waiters, w)
		}
	}
	none := w.left == 0
	s.mu.Unlock()
	if none {
		return nil
	}
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.entries {
		e.waiters = slices.DeleteFunc(e.waiters, func(other *waiter) bool { return other == w })
	}
	if w.left == 0 {
		return nil
	}
	err := fmt.Errorf("%d objects wait for the far store: %w", w.left, context.Cause(ctx))
	if s.status.LastFail != nil {
		err = fmt.Errorf("%w; it failed %d times since %s, last with: %w", err, s.fails, s.status.Away.UTC().Format(time.RFC3339), s.status.LastFail)
	}
	return err
}

// Lock implements Locker: an object that waits near is locked once it is far.
func (s *Spool) Lock(ctx context.Context, name string, until time.Time) error {
	return s.lock(ctx, name, func(l Locker) error { return l.Lock(ctx, name, until) })
}

// Hold implements Locker, likewise.
func (s *Spool) Hold(ctx context.Context, name string, on bool) error {
	return s.lock(ctx, name, func(l Locker) error { return l.Hold(ctx, name, on) })
}

func (s *Spool) lock(ctx context.Context, name string, do func(Locker) error) error {
	l, can := s.far.(Locker)
	if !can {
		return ErrNoLocks
	}
	if err := s.settle(ctx, name); err != nil {
		return err
	}
	return do(l)
}

// quickStat says what is known of an object without waiting for a far store.
func quickStat(ctx context.Context, store Store, name string) (Object, error) {
	if s, ok := store.(interface {
		Known(name string) (Object, error)
	}); ok {
		return s.Known(name)
	}
	return store.Stat(ctx, name)
}
