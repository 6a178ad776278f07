package archive

import (
	"context"
	"io"
	"iter"
	"strings"
	"time"
)

// Passing are the names of what belongs to visits: it is for sessions that are
// still to come, and goes after two days. One gateway alone has use for it.
var Passing = []string{keyPrefix + "visit-", privatePrefix + "visit-"}

// Split keeps objects whose names begin with one of the prefixes in near, and all
// others in rest, as one store. So what passes needs no far store, whether that
// is there or not, and what is of nobody's recording never gets there.
func Split(near Store, prefixes []string, rest Store) Store { return &split{near, rest, prefixes} }

type split struct {
	near, rest Store
	prefixes   []string
}

var (
	_ Store   = (*split)(nil)
	_ Locker  = (*split)(nil)
	_ Settler = (*split)(nil)
)

func (s *split) of(name string) Store {
	for _, p := range s.prefixes {
		if strings.HasPrefix(name, p) {
			return s.near
		}
	}
	return s.rest
}

// Put implements Store.
func (s *split) Put(ctx context.Context, name string, content io.ReaderAt, size int64) error {
	return s.of(name).Put(ctx, name, content, size)
}

// Open implements Store.
func (s *split) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	return s.of(name).Open(ctx, name)
}

// Stat implements Store.
func (s *split) Stat(ctx context.Context, name string) (Object, error) {
	return s.of(name).Stat(ctx, name)
}

// Delete implements Store.
func (s *split) Delete(ctx context.Context, name string) error {
	return s.of(name).Delete(ctx, name)
}

// Known is what [Spool.Known] is; what is near is looked at there.
func (s *split) Known(name string) (Object, error) {
	return quickStat(context.Background(), s.of(name), name)
}

// List implements Store.
func (s *split) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		near := map[string]Object{}
		for _, p := range s.prefixes {
			if strings.HasPrefix(prefix, p) { // all of it is near
				s.near.List(ctx, prefix)(yield)
				return
			}
			if !strings.HasPrefix(p, prefix) {
				continue
			}
			for o, err := range s.near.List(ctx, p) {
				if err != nil {
					yield(Object{}, err)
					return
				}
				near[o.Name] = o
			}
		}
		merge(ctx, near, nil, s.rest.List(ctx, prefix), yield)
	}
}

// Settle implements Settler, for the rest.
func (s *split) Settle(ctx context.Context) error {
	if settler, ok := s.rest.(Settler); ok {
		return settler.Settle(ctx)
	}
	return nil
}

// Lock implements Locker, for the rest.
func (s *split) Lock(ctx context.Context, name string, until time.Time) error {
	l, can := s.of(name).(Locker)
	if !can {
		return ErrNoLocks
	}
	return l.Lock(ctx, name, until)
}

// Hold implements Locker, for the rest.
func (s *split) Hold(ctx context.Context, name string, on bool) error {
	l, can := s.of(name).(Locker)
	if !can {
		return ErrNoLocks
	}
	return l.Hold(ctx, name, on)
}
