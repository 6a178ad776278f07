package disk_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
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

// Another program may open the folder while one writes: what that has half
// written stays. What is left of one that was killed goes.
func TestHalfWrittenFilesGoWhenTheyAreOld(t *testing.T) {
	dir := t.TempDir()
	if _, err := disk.NewStore(dir); err != nil {
		t.Fatal(err)
	}
	young, old := filepath.Join(dir, "~new", "part-1"), filepath.Join(dir, "~new", "part-2")
	for _, name := range []string{young, old} {
		if err := os.WriteFile(name, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	then := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(old, then, then); err != nil {
		t.Fatal(err)
	}
	if _, err := disk.NewStore(dir); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(young); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(old); err == nil {
		t.Error("it is still there")
	}
}

func TestCaptures(t *testing.T) {
	archivetest.Captures(t, func(t *testing.T) archive.CaptureIndex {
		c, err := disk.NewCaptures(filepath.Join(t.TempDir(), "a #?b.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = c.Close() }) // read and written in the test
		return c
	})
}

func TestAnIndexFromBeforeThereWereVaultsIsReadOn(t *testing.T) {
	file := filepath.Join(t.TempDir(), "captures.db")
	db, err := sql.Open("sqlite", "file:"+file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(`CREATE TABLE captures (
	url TEXT NOT NULL, visit TEXT NOT NULL, time INTEGER NOT NULL,
	ref TEXT NOT NULL, type TEXT NOT NULL, size INTEGER NOT NULL,
	PRIMARY KEY (url, visit, time)
) WITHOUT ROWID;
CREATE INDEX private_captures ON captures (time) WHERE visit <> '';
CREATE INDEX captures_by_ref ON captures (ref);
INSERT INTO captures VALUES ('http://site/a.css', '', 1000000, 'r1', 'text/css', 3), ('http://site/a.css', 'v', 2000000, 'r2', 'text/css', 4);`); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time there is nothing to do
		c, err := disk.NewCaptures(file)
		if err != nil {
			t.Fatal(err)
		}
		for visit, want := range map[string]archive.Ref{"v": "r2", "w": "r1"} {
			got, err := c.Find(t.Context(), "http://site/a.css", visit, time.Unix(0, 0), time.Unix(9, 0))
			if err != nil || got.Ref != want || got.Visit != "" || got.Own != (visit == "v") {
				t.Errorf("%s: %+v %v", visit, got, err)
			}
		}
		if err := c.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
