package archive

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"
	"time"
)

// Beside is the archive of a [Spool] that another program has open: near is the
// spool's folder, and is read alone. What is stored and deleted here is so in the
// far store at once, with nothing in between; what is deleted goes near as well.
func Beside(near, far Store) Store { return &beside{near, far} }

type beside struct{ near, far Store }

var (
	_ Store  = (*beside)(nil)
	_ Locker = (*beside)(nil)
)

// Put implements Store.
func (b *beside) Put(ctx context.Context, name string, content io.ReaderAt, size int64) error {
	return b.far.Put(ctx, name, content, size)
}

// Open implements Store.
func (b *beside) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	if f, err := b.near.Open(ctx, putPrefix+name); !errors.Is(err, ErrAbsent) {
		return f, err
	}
	if _, err := b.near.Stat(ctx, deletePrefix+name); err == nil {
		return nil, ErrAbsent
	}
	return b.far.Open(ctx, name)
}

// Stat implements Store.
func (b *beside) Stat(ctx context.Context, name string) (Object, error) {
	if o, err := b.near.Stat(ctx, putPrefix+name); !errors.Is(err, ErrAbsent) {
		o.Name = name
		return o, err
	}
	if _, err := b.near.Stat(ctx, deletePrefix+name); err == nil {
		return Object{}, ErrAbsent
	}
	return b.far.Stat(ctx, name)
}

// List implements Store.
func (b *beside) List(ctx context.Context, prefix string) iter.Seq2[Object, error] {
	return func(yield func(Object, error) bool) {
		near, gone := map[string]Object{}, map[string]bool{}
		for _, below := range []string{deletePrefix, putPrefix} {
			for o, err := range b.near.List(ctx, below+prefix) {
				if err != nil {
					yield(Object{}, err)
					return
				}
				if o.Name = strings.TrimPrefix(o.Name, below); below == putPrefix {
					near[o.Name] = o
				} else {
					gone[o.Name] = true
				}
			}
		}
		merge(ctx, near, gone, b.far.List(ctx, prefix), yield)
	}
}

// Delete implements Store.
func (b *beside) Delete(ctx context.Context, name string) error {
	if !ValidName(name) {
		return b.far.Delete(ctx, name) // it says so
	}
	return errors.Join(b.near.Delete(ctx, putPrefix+name), b.far.Delete(ctx, name))
}

// Lock implements Locker.
func (b *beside) Lock(ctx context.Context, name string, until time.Time) error {
	l, can := b.far.(Locker)
	if !can {
		return ErrNoLocks
	}
	return l.Lock(ctx, name, until)
}

// Hold implements Locker.
func (b *beside) Hold(ctx context.Context, name string, on bool) error {
	l, can := b.far.(Locker)
	if !can {
		return ErrNoLocks
	}
	return l.Hold(ctx, name, on)
}
