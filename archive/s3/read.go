package s3

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/pillion-dev/pillion/archive"
)

// Open implements archive.Store. A connection that breaks is taken up where it
// broke. The last Read fails with archive.ErrDamaged when the content is not what
// was stored: until then nothing of it is to be believed.
func (s *Store) Open(ctx context.Context, name string) (io.ReadCloser, error) {
	key, err := s.key(name)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	r := &reader{s: s, name: name, key: key, ctx: ctx, cancel: cancel, sum: sha256.New(), left: s.limit(0)}
	if err := r.open(); err != nil {
		err = s.explain(ctx, "read", name, err)
		cancel(nil)
		return nil, err
	}
	r.left += s.limit(r.size) - s.limit(0)
	return r, nil
}

// reader reads one object. Its time limit is of the time in which the caller
// waits for the store; how long the caller itself takes is not bounded.
type reader struct {
	s         *Store
	name, key string
	ctx       context.Context
	cancel    context.CancelCauseFunc

	body     io.ReadCloser
	etag     string
	at, size int64
	sum      hash.Hash
	want     string // hexadecimal
	broken   int
	left     time.Duration
	err      error
}

// timed does what waits for the store, within what is left of the time.
func (r *reader) timed(do func() error) error {
	began := time.Now()
	slow := fmt.Errorf("%s: too slow: %d bytes of %d came in time", r.s.o.Endpoint, r.at, r.size) // do changes both
	late := time.AfterFunc(max(r.left, time.Millisecond), func() { r.cancel(slow) })
	err := do()
	late.Stop()
	r.left -= time.Since(began)
	return err
}

// open asks for the object from where the reader is.
func (r *reader) open() error {
	o := minio.GetObjectOptions{}
	if r.etag != "" { // again: the rest of the same
		if err := errors.Join(o.SetMatchETag(r.etag), o.SetRange(r.at, r.size-1)); err != nil {
			return err
		}
	}
	return r.timed(func() error {
		body, info, _, err := r.s.core.GetObject(r.ctx, r.s.o.Bucket, r.key, o)
		if err != nil {
			return err
		}
		if r.etag == "" {
			r.etag, r.size, r.want = info.ETag, info.Size, info.UserMetadata[sumKey]
			if r.want == "" {
				_ = body.Close() // nothing of it is read
				return fmt.Errorf("it is %w: it has no metadata %s, with which every object is stored; copies have to keep that", archive.ErrDamaged, strings.ToLower(sumKey))
			}
		}
		r.body = body
		return nil
	})
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for r.err == nil {
		n, err := 0, io.EOF
		if r.body != nil {
			_ = r.timed(func() error { n, err = r.body.Read(p); return nil })
		}
		n = int(min(int64(n), r.size-r.at))
		r.sum.Write(p[:n])
		r.at += int64(n)
		if err != nil {
			r.err = r.ended(err)
		}
		if n > 0 {
			return n, r.err
		}
	}
	return 0, r.err
}

// ended says what it means that the store's answer ended: nil where it goes on
// in another one.
func (r *reader) ended(err error) error {
	if r.at == r.size {
		if got := hex.EncodeToString(r.sum.Sum(nil)); got != r.want {
			return fmt.Errorf("%s is %w: %s gave content of SHA-256 %s where %s was stored", r.name, archive.ErrDamaged, r.s.o.Endpoint, got, r.want)
		}
		return io.EOF
	}
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	for r.broken < tries && r.ctx.Err() == nil {
		r.broken++
		if r.body != nil {
			_ = r.body.Close() // it broke
			r.body = nil
		}
		select {
		case <-r.ctx.Done():
		case <-time.After(time.Duration(r.broken) * 100 * time.Millisecond):
			if err = r.open(); err == nil {
				return nil
			}
		}
	}
	return r.s.explain(r.ctx, "read", r.name, fmt.Errorf("cut off after %d bytes of %d: %w", r.at, r.size, err))
}

// Close implements io.Closer.
func (r *reader) Close() error {
	r.cancel(nil)
	r.err = errors.Join(errClosed, r.err)
	if r.body == nil {
		return nil
	}
	return r.body.Close()
}

var errClosed = errors.New("the object was closed")
