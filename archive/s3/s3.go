// Package s3 keeps the archive in an S3 bucket: MinIO, AWS and what speaks as
// they do. A request has a time limit by its size, is tried again a few times,
// and its content is checked at both ends. An answer is no proof that an object
// is safe: whoever forgets the original reads it back first ([archive.Spool] does).
package s3

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"iter"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"github.com/minio/minio-go/v7/pkg/encrypt"

	"github.com/pillion-dev/pillion/archive"
)

// Store implements archive.Store and archive.Locker in a bucket.
type Store struct {
	o         Options
	client    *minio.Client
	core      minio.Core
	transport *http.Transport
	sse       encrypt.ServerSide // nil for none

	mu    sync.Mutex
	known bool // the bucket was seen
}

var (
	_ archive.Store  = (*Store)(nil)
	_ archive.Locker = (*Store)(nil)
	_ archive.Maker  = (*Store)(nil)
)

const (
	// partSize is how much of an object goes in one request; larger ones go in parts.
	partSize    = 16 << 20
	partsAtOnce = 2
	// tries of a request. More is the spool's business, which has all the time.
	tries = 4
	// connectTime is what a connection may take.
	connectTime = 10 * time.Second
)

// sumKey is the metadata with the SHA-256 of an object's content: by it what
// comes back is compared, whatever parts it was sent in.
const sumKey = "Pillion-Sha256"

// New returns the store that options describe; it asks the server nothing yet.
// Close ends its idle connections.
func New(o Options) (*Store, error) {
	if err := o.complete(); err != nil {
		return nil, err
	}
	s := &Store{o: o, transport: &http.Transport{
		Proxy:                 http.ProxyFromEnvironment,
		DialContext:           (&net.Dialer{Timeout: connectTime}).DialContext,
		TLSHandshakeTimeout:   connectTime,
		TLSClientConfig:       &tls.Config{RootCAs: o.RootCAs, MinVersion: tls.VersionTLS12},
		ResponseHeaderTimeout: o.Timeout,
		MaxIdleConnsPerHost:   16,
		IdleConnTimeout:       time.Minute,
		DisableCompression:    true, // content is as it is
	}}
	switch o.Encryption {
	case EncryptionS3:
		s.sse = encrypt.NewSSE()
	case EncryptionKMS:
		sse, err := encrypt.NewSSEKMS(o.KMSKey, nil)
		if err != nil {
			return nil, err
		}
		s.sse = sse
	}
	client, err := minio.New(o.Endpoint, &minio.Options{
		Creds: credentials.NewStaticV4(o.Key, o.Secret, o.Token), Secure: !o.Plain, Region: o.Region,
		Transport: s.transport, TrailingHeaders: true, MaxRetries: tries,
	})
	if err != nil {
		return nil, fmt.Errorf("S3: %w", err)
	}
	s.client, s.core = client, minio.Core{Client: client}
	return s, nil
}

// Close ends the store's idle connections.
func (s *Store) Close() { s.transport.CloseIdleConnections() }

// String tells where the store is, without its secrets.
func (s *Store) String() string { return s.o.String() }

func (s *Store) key(name string) (string, error) {
	if !archive.ValidName(name) {
		return "", fmt.Errorf("object %q: no such name", name)
	}
	return s.o.Prefix + name, nil
}

// limit is what a request that moves size bytes may take.
func (s *Store) limit(size int64) time.Duration {
	return s.o.Timeout + time.Duration(float64(size)/float64(s.o.MinRate)*float64(time.Second))
}

// within bounds a context by a request's time limit.
func (s *Store) within(ctx context.Context, size int64) (context.Context, context.CancelFunc) {
	d := s.limit(size)
	return context.WithTimeoutCause(ctx, d, fmt.Errorf("%s: no answer within %v", s.o.Endpoint, d.Round(time.Second)))
}

// Put implements archive.Store. Objects of more than 16 MB go in parts; each part
// and the whole have a SHA-256 that the server compares.
func (s *Store) Put(ctx context.Context, name string, content io.ReaderAt, size int64) error {
	return s.put(ctx, name, content, size, minio.PutObjectOptions{})
}

// Make implements archive.Maker, by If-None-Match. A server that does not know it
// puts one in place of another, as Put does.
func (s *Store) Make(ctx context.Context, name string, content []byte) error {
	o := minio.PutObjectOptions{DisableMultipart: true}
	o.SetMatchETagExcept("*")
	err := s.put(ctx, name, bytes.NewReader(content), int64(len(content)), o)
	if code(err) == minio.PreconditionFailed {
		return archive.ErrExists
	}
	return err
}

func (s *Store) put(ctx context.Context, name string, content io.ReaderAt, size int64, o minio.PutObjectOptions) error {
	key, err := s.key(name)
	if err != nil {
		return err
	}
	ctx, cancel := s.within(ctx, size)
	defer cancel()
	sum := sha256.New()
	n, err := io.Copy(sum, io.NewSectionReader(content, 0, size))
	if err == nil && n != size {
		err = fmt.Errorf("object %s: %w after %d bytes of %d", name, io.ErrUnexpectedEOF, n, size)
	}
	if err != nil {
		return err
	}
	if err := s.seeBucket(ctx); err != nil {
		return err
	}
	o.Checksum, o.PartSize, o.NumThreads, o.ServerSideEncryption = minio.ChecksumSHA256, partSize, partsAtOnce, s.sse
	o.UserMetadata = map[string]string{sumKey: hex.EncodeToString(sum.Sum(nil))}
	if s.o.Lock != "" && strings.HasPrefix(name, lockedPrefix) {
		o.Mode, o.RetainUntilDate = s.o.mode(), time.Now().Add(s.o.LockFor).UTC()
	}
	info, err := s.client.PutObject(ctx, s.o.Bucket, key, io.NewSectionReader(content, 0, size), size, o)
	if err != nil {
		s.forgetBucket(err)
		return s.explain(ctx, "store", name, err)
	}
	if want := base64.StdEncoding.EncodeToString(sum.Sum(nil)); size <= partSize && info.ChecksumSHA256 != "" && info.ChecksumSHA256 != want {
		return fmt.Errorf("store %s: what arrived is %w: its SHA-256 is %s, not %s", name, archive.ErrDamaged, info.ChecksumSHA256, want)
	}
	return nil
}

// seeBucket makes the bucket when it is missing, before the first object.
func (s *Store) seeBucket(ctx context.Context) error {
	s.mu.Lock()
	known := s.known
	s.mu.Unlock()
	if known {
		return nil
	}
	exists, err := s.client.BucketExists(ctx, s.o.Bucket)
	if code(err) == "AccessDenied" {
		exists, err = true, nil // keys that may not ask for it may use it all the same
	}
	if err == nil && !exists {
		if !s.o.MakeBucket {
			return refused("bucket %s at %s is not there: make it, or let Pillion do so (--s3-make-bucket)", s.o.Bucket, s.o.Endpoint)
		}
		err = s.client.MakeBucket(ctx, s.o.Bucket, minio.MakeBucketOptions{Region: s.o.Region, ObjectLocking: s.o.Lock != ""})
		if c := code(err); c == "BucketAlreadyOwnedByYou" || c == "BucketAlreadyExists" && s.existsNow(ctx) {
			err = nil // another gateway was quicker
		}
	}
	if err != nil {
		return s.explain(ctx, "look for", "bucket "+s.o.Bucket, err)
	}
	s.mu.Lock()
	s.known = true
	s.mu.Unlock()
	return nil
}

func (s *Store) existsNow(ctx context.Context) bool {
	exists, err := s.client.BucketExists(ctx, s.o.Bucket)
	return err == nil && exists
}

// forgetBucket has the bucket looked for again, when an error says that it is gone.
func (s *Store) forgetBucket(err error) {
	if code(err) == minio.NoSuchBucket {
		s.mu.Lock()
		s.known = false
		s.mu.Unlock()
	}
}

// Stat implements archive.Store.
func (s *Store) Stat(ctx context.Context, name string) (archive.Object, error) {
	key, err := s.key(name)
	if err != nil {
		return archive.Object{}, err
	}
	ctx, cancel := s.within(ctx, 0)
	defer cancel()
	info, err := s.client.StatObject(ctx, s.o.Bucket, key, minio.StatObjectOptions{})
	if err != nil {
		return archive.Object{}, s.explain(ctx, "look for", name, err)
	}
	return archive.Object{Name: name, Size: info.Size, Time: info.LastModified.UTC()}, nil
}

// List implements archive.Store, a page of a thousand at a time.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		slow := time.AfterFunc(s.limit(0), func() { cancel(fmt.Errorf("%s: no page of the list within %v", s.o.Endpoint, s.limit(0))) })
		defer slow.Stop()
		for o := range s.client.ListObjectsIter(ctx, s.o.Bucket, minio.ListObjectsOptions{Prefix: s.o.Prefix + prefix, Recursive: true}) {
			slow.Stop() // the caller takes its time
			if o.Err != nil {
				yield(archive.Object{}, s.explain(ctx, "list", prefix, o.Err))
				return
			}
			name := strings.TrimPrefix(o.Key, s.o.Prefix)
			if archive.ValidName(name) && !yield(archive.Object{Name: name, Size: o.Size, Time: o.LastModified.UTC()}, nil) {
				return
			}
			slow.Reset(s.limit(0))
		}
		if ctx.Err() != nil { // the iterator ends without a word then
			yield(archive.Object{}, s.explain(ctx, "list", prefix, context.Cause(ctx)))
		}
	}
}

// Delete implements archive.Store: every version goes, every mark of a deletion,
// and what is left of uploads that did not end.
func (s *Store) Delete(ctx context.Context, name string) error {
	key, err := s.key(name)
	if err != nil {
		return err
	}
	ctx, cancel := s.within(ctx, 0)
	defer cancel()
	var versions []string
	for o := range s.client.ListObjectsIter(ctx, s.o.Bucket, minio.ListObjectsOptions{Prefix: key, WithVersions: true, Recursive: true}) {
		if o.Err != nil {
			if code(o.Err) == minio.NoSuchBucket {
				return nil
			}
			return s.explain(ctx, "delete", name, o.Err)
		}
		if o.Key != key {
			break // its versions come first
		}
		versions = append(versions, o.VersionID)
	}
	if err := ctx.Err(); err != nil { // the iterator ends without a word then
		return s.explain(ctx, "delete", name, context.Cause(ctx))
	}
	var failed error
	for _, v := range versions {
		err := s.client.RemoveObject(ctx, s.o.Bucket, key, minio.RemoveObjectOptions{VersionID: v})
		if err != nil {
			failed = errors.Join(failed, s.explainDelete(ctx, name, v, err))
		}
	}
	if failed != nil {
		return failed
	}
	return s.explain(ctx, "delete", name, s.client.RemoveIncompleteUpload(ctx, s.o.Bucket, key))
}
