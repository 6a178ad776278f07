package s3_test

import (
	"fmt"
	"os"
	"testing"

	"github.com/pillion-dev/pillion/archive/archivetest"
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
