package archive

import (
	"context"
	"errors"
)

// ErrExists is returned by [Maker] where there is an object of that name.
var ErrExists = errors.New("there is such an object already")

// Maker is implemented by a [Store] that can store an object where there is none,
// and nowhere else.
type Maker interface {
	// Make stores an object, durably on return, unless there is one of that name:
	// then it fails with ErrExists, and what is there stays. Of many who make one at
	// the same time, one succeeds. ErrExists may be said of what this call stored,
	// where the first answer of a far store was lost: what is there has to be read.
	Make(ctx context.Context, name string, content []byte) error
}

var (
	_ Maker = (*Spool)(nil)
	_ Maker = (*split)(nil)
	_ Maker = (*beside)(nil)
)

// makeObject makes an object. A store that is no Maker is one program's alone, and
// its caller knows that there is none.
func makeObject(ctx context.Context, store Store, name string, content []byte) error {
	if m, can := store.(Maker); can {
		return m.Make(ctx, name, content)
	}
	return PutBytes(ctx, store, name, content)
}

// Make implements Maker.
func (s *split) Make(ctx context.Context, name string, content []byte) error {
	return makeObject(ctx, s.of(name), name, content)
}

// Make implements Maker.
func (b *beside) Make(ctx context.Context, name string, content []byte) error {
	if !ValidName(name) {
		return PutBytes(ctx, b.far, name, content) // it says so
	}
	if _, err := b.near.Stat(ctx, putPrefix+name); !errors.Is(err, ErrAbsent) {
		return errors.Join(err, ErrExists)
	}
	return makeObject(ctx, b.far, name, content)
}
