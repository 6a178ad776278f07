package s3_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/archivetest"
	"github.com/pillion-dev/pillion/archive/disk"
	"github.com/pillion-dev/pillion/archive/s3"
	"github.com/pillion-dev/pillion/archive/s3/miniotest"
)

// server is one MinIO server for all tests that do not stop it.
var server *miniotest.Server

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "minio")
		if err != nil {
			panic(err)
		}
		defer func() { _ = os.RemoveAll(dir) }() // the system clears it too
		if server, err = miniotest.Open(dir, ""); err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer server.Stop()
		return m.Run()
	}())
}

// open opens a store, and ends it with the test.
func open(t *testing.T, o s3.Options) *s3.Store {
	t.Helper()
	s, err := s3.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func TestStore(t *testing.T) { archivetest.Store(t, open(t, server.Options())) }

func TestSpoolInFrontOfAStore(t *testing.T) {
	near, err := disk.NewStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	far := open(t, server.Options())
	s, err := archive.NewSpool(t.Context(), near, far, archive.SpoolOptions{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	archivetest.Store(t, s)
	if err := s.Settle(t.Context()); err != nil {
		t.Fatal(err)
	}
	for o, err := range near.List(t.Context(), "") {
		t.Errorf("%s is left near (%v)", o.Name, err)
	}
	n := 0
	for o, err := range far.List(t.Context(), "") {
		if n++; err != nil {
			t.Errorf("%s: %v", o.Name, err)
		}
	}
	if n < 2500 {
		t.Errorf("%d objects arrived", n)
	}
}

func TestStoreBelowAPrefix(t *testing.T) {
	o := server.Options()
	o.Prefix = "/some/where/"
	archivetest.Store(t, open(t, o))
}

func TestStoreThatLocksAndEncrypts(t *testing.T) {
	o := server.Options()
	o.Lock, o.LockFor, o.Encryption = s3.LockGovernance, 24*3600e9, s3.EncryptionS3
	archivetest.Store(t, open(t, o))
}
