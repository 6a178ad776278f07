package s3

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strings"
	"syscall"

	"github.com/minio/minio-go/v7"

	"github.com/pillion-dev/pillion/archive"
)

// ErrRefused is wrapped by errors that come of settings: waiting does not mend
// them. Any other error may go by itself.
var ErrRefused = errors.New("the store refuses")

// ErrFull is wrapped by errors of a store that has no room.
var ErrFull = errors.New("the store is full")

// refusal is an error that says all of it in its own words.
type refusal struct{ text string }

func (e refusal) Error() string        { return e.text }
func (e refusal) Is(target error) bool { return target == ErrRefused }

func refused(format string, args ...any) error { return refusal{fmt.Sprintf(format, args...)} }

// code is the S3 error code of an error; empty for other errors.
func code(err error) string {
	var e minio.ErrorResponse
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

// advice is what to do about an error code.
var advice = map[string]string{
	"InvalidAccessKeyId":                   "the key is not known there: check the key of --s3",
	"SignatureDoesNotMatch":                "the secret does not belong to the key: check the secret of --s3",
	"AccessDenied":                         "the key may not do this: it needs s3:GetObject, s3:PutObject, s3:DeleteObject, s3:DeleteObjectVersion, s3:ListBucket, s3:ListBucketVersions and s3:AbortMultipartUpload, and for locks s3:PutObjectRetention, s3:GetObjectRetention and s3:PutObjectLegalHold",
	"RequestTimeTooSkewed":                 "this machine's clock and the store's differ by more than 15 minutes: set them (NTP)",
	"NoSuchBucket":                         "the bucket is not there: make it, or let Pillion do so (--s3-make-bucket)",
	"InvalidBucketName":                    "this is no name of a bucket: 3 to 63 of a-z, 0-9 and -",
	"BucketAlreadyExists":                  "the bucket is somebody else's: choose another name",
	"AuthorizationHeaderMalformed":         "the bucket is in another region: check --s3-region",
	"PermanentRedirect":                    "the bucket is in another region: check the host and --s3-region",
	"KMSNotConfigured":                     "the store has no key to encrypt with: set one up there, or leave --s3-encryption away",
	"NotImplemented":                       "the store cannot do this: leave --s3-encryption and --s3-lock away, or use another store",
	"KMS.NotFoundException":                "the key management has no such key: check --s3-kms-key",
	"KMS.DisabledException":                "the key is switched off: switch it on in the key management",
	"InvalidTokenId":                       "the session token has run out: give a new one",
	"ObjectLockConfigurationNotFoundError": "the bucket was made without object lock, and has none: make another bucket, or leave --s3-lock away",
	"InvalidBucketObjectLockConfiguration": "the bucket was made without object lock, and has none: make another bucket, or leave --s3-lock away",
}

// full are the codes of a store without room.
func full(err error) bool {
	var e minio.ErrorResponse
	if !errors.As(err, &e) {
		return false
	}
	return e.StatusCode == http.StatusInsufficientStorage || strings.Contains(e.Code, "StorageFull") || strings.Contains(e.Code, "QuotaExceeded")
}

// explain says what failed, on what, and what to do about it; nil for nil.
func (s *Store) explain(ctx context.Context, doing, name string, err error) error {
	if err == nil {
		return nil
	}
	c := code(err)
	if c == minio.NoSuchKey || c == "NoSuchVersion" {
		return archive.ErrAbsent
	}
	if c == minio.NoSuchBucket && (doing == "read" || doing == "look for") {
		return archive.ErrAbsent // the bucket is made with the first object
	}
	if ctx.Err() != nil {
		err = fmt.Errorf("%w (%w)", context.Cause(ctx), err)
	}
	at := fmt.Sprintf("%s %s in %s", doing, name, s)
	if full(err) {
		return fmt.Errorf("%s: %w: %w", at, ErrFull, err)
	}
	if a := advice[c]; a != "" {
		return refused("%s: %s (%s: %v)", at, a, c, err)
	}
	var unknown x509.UnknownAuthorityError
	var wrongName x509.HostnameError
	var noHost *net.DNSError
	switch {
	case strings.HasPrefix(strings.TrimPrefix(strings.ToLower(c), "xminio"), "kms"):
		return refused("%s: the key management refuses: check --s3-encryption and --s3-kms-key (%s: %v)", at, c, err)
	case errors.As(err, &unknown):
		return refused("%s: its certificate is of an authority that is not known here: give that one's certificate by --s3-ca (%v)", at, err)
	case errors.As(err, &wrongName):
		return refused("%s: its certificate is for other names (%v)", at, err)
	case strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return refused("%s: it speaks plain http: write tls=0 in the store's URL (%v)", at, err)
	case errors.As(err, &noHost) && noHost.IsNotFound:
		return fmt.Errorf("%s: there is no host of that name: %w", at, err)
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Errorf("%s: nothing listens there: %w", at, err)
	case c != "":
		return fmt.Errorf("%s: %s: %w", at, c, err)
	}
	return fmt.Errorf("%s: %w", at, err)
}

// explainDelete does so for a version: one that is locked cannot go.
func (s *Store) explainDelete(ctx context.Context, name, version string, err error) error {
	c := code(err)
	if c == minio.NoSuchKey || c == "NoSuchVersion" {
		return nil // it went meanwhile
	}
	if (c == "AccessDenied" || c == "InvalidRequest") && s.lockedVersion(ctx, name, version) {
		return fmt.Errorf("delete %s: it is %w by %s: %w", name, archive.ErrLocked, s, err)
	}
	return s.explain(ctx, "delete", name, err)
}
