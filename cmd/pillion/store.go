package main

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
	"github.com/pillion-dev/pillion/archive/s3"
)

// storeFlags say where the archive is: in the data folder, or in an S3 bucket.
type storeFlags struct {
	S3           string `name:"s3" env:"PILLION_S3" help:"Keep the archive in an S3 bucket: s3://KEY:SECRET@HOST:PORT/BUCKET?tls=0. Key and secret can be given by the flags below, where nobody sees them." placeholder:"URL"`
	S3Key        string `name:"s3-key" env:"PILLION_S3_KEY" help:"The bucket's access key." placeholder:"KEY"`
	S3KeyFile    string `name:"s3-key-file" env:"PILLION_S3_KEY_FILE" help:"A file that has it." placeholder:"FILE" type:"path"`
	S3Secret     string `name:"s3-secret" env:"PILLION_S3_SECRET" help:"The bucket's secret key." placeholder:"SECRET"`
	S3SecretFile string `name:"s3-secret-file" env:"PILLION_S3_SECRET_FILE" help:"A file that has it." placeholder:"FILE" type:"path"`
	S3Region     string `name:"s3-region" env:"PILLION_S3_REGION" help:"The bucket's region; asked of the store where not given." placeholder:"REGION"`
	S3Prefix     string `name:"s3-prefix" env:"PILLION_S3_PREFIX" help:"What all names in the bucket begin with." placeholder:"PREFIX"`
	S3CA         string `name:"s3-ca" env:"PILLION_S3_CA" help:"Root certificate of a private authority, a PEM file." placeholder:"FILE" type:"path"`
	S3MakeBucket bool   `name:"s3-make-bucket" env:"PILLION_S3_MAKE_BUCKET" help:"Make the bucket when it is missing." default:"true" negatable:""`
	S3Encryption string `name:"s3-encryption" env:"PILLION_S3_ENCRYPTION" help:"Have the store encrypt what it keeps: s3 (under its own key) or kms (under a named one)." enum:",s3,kms" default:""`
	S3KMSKey     string `name:"s3-kms-key" env:"PILLION_S3_KMS_KEY" help:"Which key, for kms." placeholder:"KEY"`
	S3Lock       string `name:"s3-lock" env:"PILLION_S3_LOCK" help:"Lock recordings, and what they need, against deletion: governance (some may lift it) or compliance (nobody can). The bucket needs object lock." enum:",governance,compliance" default:""`
	S3LockDays   int    `name:"s3-lock-days" env:"PILLION_S3_LOCK_DAYS" help:"For how many days." placeholder:"N"`
	SpoolSize    string `help:"How much may wait on disk while the bucket is away: 500MB, 10GB." default:"10GB"`
}

// probeTime bounds how long the start waits for the bucket.
const probeTime = 5 * time.Second

// options are those of the bucket.
func (f storeFlags) options() (o s3.Options, err error) {
	if o, err = s3.ParseURL(f.S3); err != nil {
		return o, err
	}
	for _, s := range []struct {
		to          *string
		flag, value string
		file        string
	}{{&o.Key, "--s3-key", f.S3Key, f.S3KeyFile}, {&o.Secret, "--s3-secret", f.S3Secret, f.S3SecretFile}} {
		if s.file != "" {
			b, err := os.ReadFile(s.file)
			if err != nil {
				return o, fmt.Errorf("%s-file: %w", s.flag, err)
			}
			s.value = string(bytes.TrimSpace(b))
		}
		if s.value != "" {
			*s.to = s.value
		}
	}
	if f.S3Region != "" {
		o.Region = f.S3Region
	}
	if f.S3Prefix != "" {
		o.Prefix = f.S3Prefix
	}
	if f.S3CA != "" {
		pem, err := os.ReadFile(f.S3CA)
		if err != nil {
			return o, fmt.Errorf("--s3-ca: %w", err)
		}
		o.RootCAs = x509.NewCertPool()
		if !o.RootCAs.AppendCertsFromPEM(pem) {
			return o, fmt.Errorf("--s3-ca: %s has no certificate in PEM", f.S3CA)
		}
	}
	o.MakeBucket, o.Encryption, o.KMSKey, o.Lock, o.LockFor = f.S3MakeBucket, f.S3Encryption, f.S3KMSKey, f.S3Lock, f.lockFor()
	return o, nil
}

// lockFor is how long a sealed recording is locked; 0 for not at all.
func (f storeFlags) lockFor() time.Duration { return time.Duration(f.S3LockDays) * 24 * time.Hour }

// size reads a number of bytes: 10GB, 500MB, 4096.
func size(text string) (int64, error) {
	number := strings.TrimRight(strings.ToUpper(strings.TrimSpace(text)), "BKMGT ")
	factor := map[string]int64{"": 1, "B": 1, "KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12}[strings.TrimSpace(strings.ToUpper(strings.TrimSpace(text))[len(number):])]
	n, err := strconv.ParseInt(number, 10, 32)
	if err != nil || n <= 0 || factor == 0 {
		return 0, fmt.Errorf("%q is no size: 10GB, 500MB", text)
	}
	return n * factor, nil
}

// opened is an archive with what has to be closed after it.
type opened struct {
	archive.Store
	spool  *archive.Spool // nil where the archive is in the data folder, or another program has it
	own    bool           // the data folder is this program's alone
	closes []func()       // in the order of opening
}

func (o *opened) close() {
	for i := len(o.closes) - 1; i >= 0; i-- {
		o.closes[i]()
	}
}

// bucket is a far store, and what stands before it.
type bucket struct {
	near *disk.Store // the spool's folder
	far  *s3.Store
	mine *archive.Claimed // the far store, for this installation
}

// bucket opens the far store and the spool's folder.
func (f storeFlags) bucket(data string) (b bucket, err error) {
	o, err := f.options()
	if err == nil {
		b.far, err = s3.New(o)
	}
	if err != nil {
		return b, errUsage{fmt.Errorf("--s3: %w", err)}
	}
	b.mine = archive.NewClaimed(b.far, func() (archive.Owner, error) { return installation(data) })
	b.near, err = disk.NewStore(spoolFolder(data))
	return b, err
}

func spoolFolder(data string) string   { return filepath.Join(data, "spool") }
func archiveFolder(data string) string { return filepath.Join(data, "archive") }

// open opens the archive for a gateway, whose data folder is its own (lockData).
// A bucket that refuses by its settings is an error; one that is away is not:
// everything waits in the spool until it is back.
func (f storeFlags) open(ctx context.Context, data string, logger *slog.Logger) (*opened, error) {
	if f.S3 == "" {
		if waits, _ := filepath.Glob(filepath.Join(spoolFolder(data), "put", "*")); len(waits) > 0 {
			logger.Warn("the spool has objects that wait for a bucket: they are not looked at without --s3", "folder", spoolFolder(data))
		}
		store, err := disk.NewStore(archiveFolder(data))
		return &opened{Store: store, own: true}, err
	}
	b, err := f.bucket(data)
	if err != nil {
		return nil, err
	}
	if err := b.probe(ctx, logger); err != nil {
		b.far.Close()
		return nil, err
	}
	moved, err := adopt(ctx, data)
	if err != nil {
		b.far.Close()
		return nil, fmt.Errorf("the archive's folder goes to the bucket: %w", err)
	}
	if moved > 0 {
		logger.Info("the archive's folder goes to the bucket", "objects", moved, "bucket", b.far.String())
	}
	return f.spool(ctx, data, b, logger)
}

// spool opens the spool in front of a bucket. What passes stays in the data folder.
func (f storeFlags) spool(ctx context.Context, data string, b bucket, logger *slog.Logger) (*opened, error) {
	limit, err := size(f.SpoolSize)
	if err != nil {
		b.far.Close()
		return nil, errUsage{fmt.Errorf("--spool-size: %w", err)}
	}
	passing, err := disk.NewStore(archiveFolder(data))
	if err != nil {
		b.far.Close()
		return nil, err
	}
	spool, err := archive.NewSpool(ctx, b.near, b.mine, archive.SpoolOptions{Limit: limit, Logger: logger})
	if err != nil {
		b.far.Close()
		return nil, err
	}
	return &opened{Store: archive.Split(passing, archive.Passing, spool), spool: spool, own: true, closes: []func(){b.far.Close, spool.Close}}, nil
}

// probe sees whether the bucket does what it has to, and is this installation's.
func (b bucket) probe(ctx context.Context, logger *slog.Logger) error {
	ctx, cancel := context.WithTimeout(ctx, probeTime)
	defer cancel()
	err := b.far.Probe(ctx)
	if err == nil {
		err = b.mine.Claim(ctx)
	}
	switch {
	case errors.Is(err, s3.ErrRefused):
		return fmt.Errorf("--s3: %w", err)
	case errors.Is(err, archive.ErrClaimed), errors.Is(err, archive.ErrDamaged):
		return fmt.Errorf("--s3: %s: %w. Two that share names would delete each other's files: give this one a name of its own (--s3-prefix). "+
			"Where the other is gone for good, remove the object %q there", b.far, err, archive.OwnerName)
	case err != nil:
		logger.Warn("the bucket is away: everything waits on disk until it is back", "bucket", b.far.String(), "error", err)
	}
	return nil
}

// adopt moves the objects of the archive's folder into the spool, one by one, but
// for those that pass: whatever it does not get to, the next start moves.
func adopt(ctx context.Context, data string) (moved int, err error) {
	if _, err := os.Stat(archiveFolder(data)); errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	before, err := disk.NewStore(archiveFolder(data))
	if err != nil {
		return 0, err
	}
	for o, err := range before.List(ctx, "") {
		if err != nil {
			return moved, err
		}
		if slices.ContainsFunc(archive.Passing, func(p string) bool { return strings.HasPrefix(o.Name, p) }) {
			continue
		}
		from, to := filepath.Join(archiveFolder(data), o.Name), filepath.Join(spoolFolder(data), "put", o.Name)
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return moved, err
		}
		if err := os.Rename(from, to); err != nil {
			return moved, err
		}
		moved++
	}
	return moved, nil
}

// beside opens the archive of a data folder for a command: whether a gateway runs
// on it or not.
func (f storeFlags) beside(ctx context.Context, data string, logger *slog.Logger) (*opened, error) {
	lock, err := lockData(data)
	if err != nil && !errors.Is(err, errRunning) {
		return nil, err
	}
	o, err := f.command(ctx, data, lock != nil, logger)
	if err != nil {
		if lock != nil {
			_ = lock.Close() // nothing was written
		}
		return nil, err
	}
	if lock != nil {
		o.closes = append([]func(){func() { _ = lock.Close() }}, o.closes...) // nothing was written
	}
	return o, nil
}

func (f storeFlags) command(ctx context.Context, data string, own bool, logger *slog.Logger) (*opened, error) {
	if f.S3 == "" {
		store, err := disk.NewStore(archiveFolder(data))
		return &opened{Store: store, own: own}, err
	}
	b, err := f.bucket(data)
	switch {
	case err != nil:
		return nil, err
	case own:
		return f.spool(ctx, data, b, logger)
	}
	passing, err := disk.NewStore(archiveFolder(data))
	if err != nil {
		b.far.Close()
		return nil, err
	}
	return &opened{Store: archive.Split(passing, archive.Passing, archive.Beside(b.near, b.mine)), closes: []func(){b.far.Close}}, nil
}
