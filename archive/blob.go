// Package archive keeps what a replay needs: assets by their content's hash,
// which URL had which content when, and sealed recordings. It treats records
// as opaque bytes, so that evidence can be read without the rest.
package archive

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"strings"
)

// ErrAbsent is returned for what the archive does not hold.
var ErrAbsent = errors.New("not in the archive")

// ErrDamaged is wrapped by errors that say what of the archive is not as it was written.
var ErrDamaged = errors.New("damaged")

// Ref names a blob by its content: "sha256-" and 64 hexadecimal digits.
type Ref string

const refPrefix = "sha256-"

// RefOf returns the Ref of content.
func RefOf(content []byte) Ref {
	sum := sha256.Sum256(content)
	return Ref(refPrefix + hex.EncodeToString(sum[:]))
}

// Valid reports whether r has the form of a Ref.
func (r Ref) Valid() bool {
	digits, ok := strings.CutPrefix(string(r), refPrefix)
	return ok && len(digits) == 2*sha256.Size && strings.Trim(digits, "0123456789abcdef") == ""
}

// BlobStore keeps blobs. It is safe for concurrent use.
type BlobStore interface {
	// Put stores content, durably on return; content that is there already is
	// no error and costs little.
	Put(ctx context.Context, content []byte) (Ref, error)
	// Open returns a blob's content as stored, without checking its hash;
	// ErrAbsent when there is none. The caller closes it.
	Open(ctx context.Context, ref Ref) (io.ReadCloser, error)
	// Stat returns a blob's size in bytes; ErrAbsent when there is none.
	Stat(ctx context.Context, ref Ref) (int64, error)
	// Delete removes a blob; an absent one is no error.
	Delete(ctx context.Context, ref Ref) error
}

// ObjectStore keeps named objects: the parts of recordings. Names are slash
// separated, of letters, digits, "-", "_" and ".". It is safe for concurrent use.
type ObjectStore interface {
	// PutObject stores an object whole, durably on return, or not at all.
	PutObject(ctx context.Context, name string, content []byte) error
	// GetObject returns an object's content; ErrAbsent when there is none.
	GetObject(ctx context.Context, name string) ([]byte, error)
	// ListObjects returns the names that start with a prefix, in order.
	ListObjects(ctx context.Context, prefix string) ([]string, error)
	// DeleteObject removes an object; an absent one is no error.
	DeleteObject(ctx context.Context, name string) error
}

// ReadBlob returns a blob's content and checks its hash.
func ReadBlob(ctx context.Context, store BlobStore, ref Ref) ([]byte, error) {
	f, err := store.Open(ctx, ref)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(f)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return nil, err
	}
	if RefOf(content) != ref {
		return nil, errors.Join(ErrDamaged, errors.New("the content is not that of "+string(ref)))
	}
	return content, nil
}
