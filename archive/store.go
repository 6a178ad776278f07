// Package archive keeps what a replay needs: assets by their content's hash,
// which URL had which content when, and sealed recordings. It treats records
// as opaque bytes, so that evidence can be read without the rest.
package archive

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"time"
)

// ErrAbsent is returned for what the archive does not hold.
var ErrAbsent = errors.New("not in the archive")

// ErrDamaged is wrapped by errors that say what of the archive is not as it was written.
var ErrDamaged = errors.New("damaged")

// Store keeps named objects, each whole or not at all. Names are slash separated
// parts of letters, digits, "-", "_" and ".", none of them "." or ".."; any other
// name is refused. A Store does not check contents: whoever stores something
// knows its hash. It is safe for concurrent use.
type Store interface {
	// Put stores an object, in place of one of that name, durably on return.
	// content holds size bytes, and may be read more than once.
	Put(ctx context.Context, name string, content io.ReaderAt, size int64) error
	// Open returns an object's content; ErrAbsent when there is none, at once
	// and not at the first read. The caller closes it.
	Open(ctx context.Context, name string) (io.ReadCloser, error)
	// Stat says what is known of an object; ErrAbsent when there is none.
	Stat(ctx context.Context, name string) (Object, error)
	// List yields the objects whose names begin with a prefix, in the order of
	// their names. After an error it ends.
	List(ctx context.Context, prefix string) iter.Seq2[Object, error]
	// Delete removes an object for good, older versions included; an absent one
	// is no error.
	Delete(ctx context.Context, name string) error
}

// Object is what a Store tells of an object.
type Object struct {
	Name string
	Size int64     // bytes
	Time time.Time // when it was stored, by the store's clock
}

// maxObject bounds the objects that are read into memory whole.
const maxObject = 256 << 20

// PutBytes stores an object that is in memory.
func PutBytes(ctx context.Context, store Store, name string, content []byte) error {
	return store.Put(ctx, name, bytes.NewReader(content), int64(len(content)))
}

// ReadObject returns an object's content, unchecked; ErrAbsent when there is none.
func ReadObject(ctx context.Context, store Store, name string) ([]byte, error) {
	f, err := store.Open(ctx, name)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(io.LimitReader(f, maxObject+1))
	err = errors.Join(err, f.Close())
	if err == nil && len(content) > maxObject {
		err = fmt.Errorf("%s is %w: it has more than %d bytes", name, ErrDamaged, int64(maxObject))
	}
	return content, err
}

// ValidName reports whether a Store takes an object's name.
func ValidName(name string) bool {
	part := 0 // length of the part so far
	dots := 0 // how many of it are dots
	for i := range len(name) {
		switch c := name[i]; {
		case c == '/':
			if part == 0 || part == dots {
				return false
			}
			part, dots = 0, 0
		case c == '.':
			part++
			dots++
		case c == '-' || c == '_' || '0' <= c && c <= '9' || 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z':
			part++
		default:
			return false
		}
	}
	return part > dots && len(name) <= 512
}
