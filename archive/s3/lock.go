package s3

import (
	"context"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/pillion-dev/pillion/archive"
)

// Lock implements archive.Locker, on the newest version.
func (s *Store) Lock(ctx context.Context, name string, until time.Time) error {
	key, err := s.key(name)
	if err != nil {
		return err
	}
	if s.o.Lock == "" {
		return archive.ErrNoLocks
	}
	ctx, cancel := s.within(ctx, 0)
	defer cancel()
	_, before, err := s.client.GetObjectRetention(ctx, s.o.Bucket, key, "")
	if err != nil && code(err) != "NoSuchObjectLockConfiguration" {
		return s.explain(ctx, "lock", name, err)
	}
	if before != nil && !before.Before(until) {
		return nil
	}
	until, mode := until.UTC(), s.o.mode()
	return s.explain(ctx, "lock", name, s.client.PutObjectRetention(ctx, s.o.Bucket, key, minio.PutObjectRetentionOptions{Mode: &mode, RetainUntilDate: &until}))
}

// Hold implements archive.Locker, by the store's legal hold on the newest version.
func (s *Store) Hold(ctx context.Context, name string, on bool) error {
	key, err := s.key(name)
	if err != nil {
		return err
	}
	if s.o.Lock == "" {
		return archive.ErrNoLocks
	}
	ctx, cancel := s.within(ctx, 0)
	defer cancel()
	status := minio.LegalHoldDisabled
	if on {
		status = minio.LegalHoldEnabled
	}
	return s.explain(ctx, "hold", name, s.client.PutObjectLegalHold(ctx, s.o.Bucket, key, minio.PutObjectLegalHoldOptions{Status: &status}))
}

// lockedVersion tells whether a version is locked or held: servers refuse its
// deletion as they refuse one that the key may not do.
func (s *Store) lockedVersion(ctx context.Context, name, version string) bool {
	_, until, err := s.client.GetObjectRetention(ctx, s.o.Bucket, s.o.Prefix+name, version)
	if err == nil && until != nil && until.After(time.Now()) {
		return true
	}
	status, err := s.client.GetObjectLegalHold(ctx, s.o.Bucket, s.o.Prefix+name, minio.GetObjectLegalHoldOptions{VersionID: version})
	return err == nil && status != nil && *status == minio.LegalHoldEnabled
}
