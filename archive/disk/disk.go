// Package disk keeps the archive on a local disk, and its index in SQLite.
package disk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pillion-dev/pillion/archive"
)

// Store implements archive.Store in a folder: each object is a file of its name.
type Store struct {
	dir string

	making sync.Mutex // held by Make

	mu     sync.Mutex
	synced map[string]bool // folders whose own entries are known to be durable
}

var (
	_ archive.Store = (*Store)(nil)
	_ archive.Maker = (*Store)(nil)
)

// maxSynced bounds the folders that are remembered.
const maxSynced = 50_000

// incoming is the folder of files that are not whole yet; no object's name
// begins with a tilde.
const incoming = "~new"

// abandoned is the age from which on a file that is not whole yet is of a program
// that was killed: others, which still write, may have the folder open.
const abandoned = time.Hour

// NewStore opens a folder, and makes it when it is missing. What a crash left
// half written is removed when it is an hour old.
func NewStore(dir string) (*Store, error) {
	parts := filepath.Join(dir, incoming)
	if err := os.MkdirAll(parts, 0o700); err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	entries, err := os.ReadDir(parts)
	for _, e := range entries {
		info, gone := e.Info()
		if gone == nil && time.Since(info.ModTime()) > abandoned {
			err = errors.Join(err, ignoreGone(os.Remove(filepath.Join(parts, e.Name()))))
		}
	}
	if err != nil {
		return nil, fmt.Errorf("archive: %w", err)
	}
	return &Store{dir: dir, synced: map[string]bool{}}, nil
}

func (s *Store) file(name string) (string, error) {
	if !archive.ValidName(name) {
		return "", fmt.Errorf("object %q: no such name", name)
	}
	return filepath.Join(s.dir, filepath.FromSlash(name)), nil
}

// Put implements archive.Store: the file is put in place whole and synced, its
// folders too.
func (s *Store) Put(ctx context.Context, name string, content io.ReaderAt, size int64) error {
	return s.put(ctx, name, content, size, os.Rename)
}

// put writes a file beside its place, syncs it and has it put there.
func (s *Store) put(ctx context.Context, name string, content io.ReaderAt, size int64, place func(from, to string) error) error {
	file, err := s.file(name)
	if err != nil {
		return err
	}
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Join(s.dir, incoming), "part-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	n, err := io.Copy(f, io.NewSectionReader(content, 0, size))
	if err == nil && n != size {
		err = fmt.Errorf("object %s: %w after %d bytes of %d", name, io.ErrUnexpectedEOF, n, size)
	}
	if err = errors.Join(err, f.Sync(), f.Close(), ctx.Err()); err != nil {
		return err
	}
	if err := place(f.Name(), file); err != nil {
		return err
	}
	return s.syncAll(dir)
}

// syncAll makes a folder's entries durable, and those that lead to it: of these
// each once, since folders stay.
func (s *Store) syncAll(dir string) error {
	if err := syncDir(dir); err != nil {
		return err
	}
	var durable []string
	for ; len(dir) > len(s.dir) && !s.knows(dir); dir = filepath.Dir(dir) { // those above a known one are known too
		if err := syncDir(filepath.Dir(dir)); err != nil {
			return err
		}
		durable = append(durable, dir)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.synced) > maxSynced {
		clear(s.synced)
	}
	for _, dir := range durable {
		s.synced[dir] = true
	}
	return nil
}

func (s *Store) knows(dir string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.synced[dir]
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open implements archive.Store.
func (s *Store) Open(_ context.Context, name string) (io.ReadCloser, error) {
	file, err := s.file(name)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, absent(err)
	}
	if info, err := f.Stat(); err != nil || info.IsDir() {
		_ = f.Close() // nothing was written
		return nil, cmp.Or(err, archive.ErrAbsent)
	}
	return f, nil
}

// Stat implements archive.Store.
func (s *Store) Stat(_ context.Context, name string) (archive.Object, error) {
	file, err := s.file(name)
	if err != nil {
		return archive.Object{}, err
	}
	info, err := os.Stat(file)
	if err == nil && info.IsDir() {
		err = archive.ErrAbsent
	}
	if err != nil {
		return archive.Object{}, absent(err)
	}
	return archive.Object{Name: name, Size: info.Size(), Time: info.ModTime().UTC()}, nil
}

// List implements archive.Store. Only the folders that a prefix leads into are
// read, one at a time.
func (s *Store) List(ctx context.Context, prefix string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) {
		err := s.walk(ctx, "", prefix, yield)
		if err != nil && !errors.Is(err, errStop) {
			yield(archive.Object{}, err)
		}
	}
}

// errStop ends a walk whose caller has seen enough.
var errStop = errors.New("enough")

func (s *Store) walk(ctx context.Context, below, prefix string, yield func(archive.Object, error) bool) error {
	entries, err := os.ReadDir(filepath.Join(s.dir, filepath.FromSlash(below)))
	if err != nil {
		return ignoreGone(err)
	}
	sortByName(entries)
	for _, e := range entries {
		name := below + e.Name()
		if e.IsDir() {
			name += "/"
		}
		switch common := min(len(name), len(prefix)); {
		case ctx.Err() != nil:
			return ctx.Err()
		case name[:common] != prefix[:common] || name == incoming+"/" && below == "":
		case e.IsDir():
			if err := s.walk(ctx, name, prefix, yield); err != nil {
				return err
			}
		case len(name) >= len(prefix) && archive.ValidName(name):
			o, err := s.Stat(ctx, name)
			if errors.Is(err, archive.ErrAbsent) {
				continue // removed meanwhile
			}
			if err != nil {
				return err
			}
			if !yield(o, nil) {
				return errStop
			}
		}
	}
	return nil
}

// sortByName puts a folder where its objects belong: "a-b" is before "a/c".
func sortByName(entries []fs.DirEntry) {
	key := func(e fs.DirEntry) string {
		if e.IsDir() {
			return e.Name() + "/"
		}
		return e.Name()
	}
	slices.SortFunc(entries, func(a, b fs.DirEntry) int { return strings.Compare(key(a), key(b)) })
}

// Delete implements archive.Store: what is gone stays so after a power cut.
func (s *Store) Delete(_ context.Context, name string) error {
	file, err := s.file(name)
	if err != nil {
		return err
	}
	if err := os.Remove(file); err != nil {
		return ignoreGone(err)
	}
	return ignoreGone(syncDir(filepath.Dir(file)))
}

func ignoreGone(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func absent(err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		return archive.ErrAbsent
	}
	return err
}
