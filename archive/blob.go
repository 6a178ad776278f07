package archive

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strings"
)

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

// blobPrefix is where blobs stand in a store.
const blobPrefix = "blobs/"

// blobName is the name of a blob's object: blobs/ab/cdef….
func blobName(ref Ref) (string, error) {
	if !ref.Valid() {
		return "", fmt.Errorf("blob %q: %w", ref, ErrAbsent)
	}
	digits := string(ref[len(refPrefix):])
	return blobPrefix + digits[:2] + "/" + digits[2:], nil
}

// refOfName is the blob that an object of that name holds.
func refOfName(name string) (Ref, bool) {
	digits, ok := strings.CutPrefix(name, blobPrefix)
	ref := Ref(refPrefix + strings.Replace(digits, "/", "", 1))
	own, err := blobName(ref)
	return ref, ok && err == nil && own == name
}

// Blobs are contents that sessions share, each stored once.
type Blobs struct{ store Store }

// BlobsIn returns the blobs of a store.
func BlobsIn(store Store) Blobs { return Blobs{store} }

// Put stores content, durably on return. What is there already costs little.
func (b Blobs) Put(ctx context.Context, content []byte) (Ref, error) {
	ref := RefOf(content)
	return ref, b.PutFrom(ctx, ref, bytes.NewReader(content), int64(len(content)))
}

// PutFrom stores content of which the caller knows the hash.
func (b Blobs) PutFrom(ctx context.Context, ref Ref, content io.ReaderAt, size int64) error {
	name, err := blobName(ref)
	if err != nil {
		return err
	}
	if o, err := quickStat(ctx, b.store, name); err == nil && o.Size == size {
		return nil
	}
	return b.store.Put(ctx, name, content, size)
}

// Stat returns a blob's size in bytes; ErrAbsent when there is none.
func (b Blobs) Stat(ctx context.Context, ref Ref) (int64, error) {
	name, err := blobName(ref)
	if err != nil {
		return 0, err
	}
	o, err := b.store.Stat(ctx, name)
	return o.Size, err
}

// Read returns a blob's content, after checking its hash: ErrAbsent when there
// is none, ErrDamaged when it is another one.
func (b Blobs) Read(ctx context.Context, ref Ref) ([]byte, error) {
	name, err := blobName(ref)
	if err != nil {
		return nil, err
	}
	content, err := ReadObject(ctx, b.store, name)
	if err != nil {
		return nil, err
	}
	if RefOf(content) != ref {
		return nil, errors.Join(ErrDamaged, errors.New("the content is not that of "+string(ref)))
	}
	return content, nil
}

// Delete removes a blob; an absent one is no error.
func (b Blobs) Delete(ctx context.Context, ref Ref) error {
	name, err := blobName(ref)
	if err != nil {
		return nil //nolint:nilerr // what cannot be there is absent
	}
	return b.store.Delete(ctx, name)
}
