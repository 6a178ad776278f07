package disk_test

import (
	"path/filepath"
	"testing"

	"github.com/pillion-dev/pillion/archive/archivetest"
	"github.com/pillion-dev/pillion/archive/disk"
)

func TestStore(t *testing.T) {
	s, err := disk.NewStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	archivetest.Store(t, s)
}

func TestCaptures(t *testing.T) {
	c, err := disk.NewCaptures(filepath.Join(t.TempDir(), "a #?b.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	archivetest.Captures(t, c)
}
