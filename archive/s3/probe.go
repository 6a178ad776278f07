package s3

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"

	"github.com/minio/minio-go/v7"

	"github.com/pillion-dev/pillion/archive"
)

// probePrefix is where the probe's objects stand, for as long as it takes.
const probePrefix = "probe/"

// Probe does once all that the archive will do: it makes the bucket when it is
// missing, stores an object, reads it back, looks at its encryption, lists it and
// removes it. An error with ErrRefused comes of the settings; any other one of a
// store that is away or unwell.
func (s *Store) Probe(ctx context.Context) error {
	ctx, cancel := s.within(ctx, 0)
	defer cancel()
	if err := s.seeBucket(ctx); err != nil {
		return err
	}
	if s.o.Lock != "" {
		if err := s.probeLock(ctx); err != nil {
			return err
		}
	}
	name, content := probePrefix+rand.Text(), []byte("Pillion was here: "+rand.Text())
	if err := archive.PutBytes(ctx, s, name, content); err != nil {
		return err
	}
	if back, err := archive.ReadObject(ctx, s, name); err != nil {
		return err
	} else if !bytes.Equal(back, content) {
		return refused("%s returns another content than was stored", s)
	}
	if err := s.probeEncryption(ctx, name); err != nil {
		return errors.Join(err, s.Delete(ctx, name))
	}
	listed := false
	for o, err := range s.List(ctx, name) {
		if err != nil {
			return err
		}
		listed = listed || o.Name == name
	}
	if !listed {
		return refused("%s does not list what was stored", s)
	}
	err := s.Delete(ctx, name)
	if errors.Is(err, archive.ErrLocked) {
		return refused("%s locks each object by itself, keys too, which have to be destroyed one day: take the bucket's default retention away; Pillion locks what has to be", s)
	}
	return err
}

// probeLock sees that the bucket can lock.
func (s *Store) probeLock(ctx context.Context) error {
	enabled, _, _, _, err := s.client.GetObjectLockConfig(ctx, s.o.Bucket)
	if err == nil && enabled != "Enabled" {
		err = minio.ErrorResponse{Code: "ObjectLockConfigurationNotFoundError"}
	}
	return s.explain(ctx, "look at", "object lock", err)
}

// probeEncryption sees that an object is encrypted as it was asked to be: some
// stores take the wish without a word and do nothing.
func (s *Store) probeEncryption(ctx context.Context, name string) error {
	if s.sse == nil {
		return nil
	}
	info, err := s.client.StatObject(ctx, s.o.Bucket, s.o.Prefix+name, minio.StatObjectOptions{})
	if err != nil {
		return s.explain(ctx, "look at", name, err)
	}
	want := map[string]string{EncryptionS3: "AES256", EncryptionKMS: "aws:kms"}[s.o.Encryption]
	if got := info.Metadata.Get("X-Amz-Server-Side-Encryption"); got != want {
		return refused("%s does not encrypt: it was asked for %s and says %q; leave --s3-encryption away only if its disks are encrypted", s, want, got)
	}
	return nil
}
