// Package disk keeps the archive on a local disk, and its index in SQLite.
package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/pillion-dev/pillion/archive"
)

// Store implements archive.BlobStore and archive.ObjectStore in a folder:
// blobs/ab/cdef… and the objects under objects/.
type Store struct{ dir string }

// NewStore opens a folder, and makes it when it is missing.
func NewStore(dir string) (*Store, error) {
	for _, sub := range []string{"blobs", "objects", "new"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o700); err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
	}
	return &Store{dir}, nil
}

func (s *Store) blob(ref archive.Ref) (string, error) {
	if !ref.Valid() {
		return "", fmt.Errorf("blob %q: %w", ref, archive.ErrAbsent)
	}
	digits := strings.TrimPrefix(string(ref), "sha256-")
	return filepath.Join(s.dir, "blobs", digits[:2], digits[2:]), nil
}

// Put implements archive.BlobStore.
func (s *Store) Put(_ context.Context, content []byte) (archive.Ref, error) {
	ref := archive.RefOf(content)
	name, err := s.blob(ref)
	if err != nil {
		return "", err
	}
	if info, err := os.Stat(name); err == nil && info.Size() == int64(len(content)) {
		return ref, nil
	}
	return ref, s.write(name, content)
}

// write puts a file in place whole and synced, its folder too.
func (s *Store) write(name string, content []byte) error {
	dir := filepath.Dir(name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Join(s.dir, "new"), "part-")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already when all went well
	_, err = f.Write(content)
	err = errors.Join(err, f.Sync(), f.Close())
	if err != nil {
		return err
	}
	if err := os.Rename(f.Name(), name); err != nil {
		return err
	}
	for ; len(dir) >= len(s.dir); dir = filepath.Dir(dir) {
		if err := syncDir(dir); err != nil {
			return err
		}
	}
	return nil
}

func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// Open implements archive.BlobStore.
func (s *Store) Open(_ context.Context, ref archive.Ref) (io.ReadCloser, error) {
	name, err := s.blob(ref)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(name)
	return f, absent(err)
}

// Stat implements archive.BlobStore.
func (s *Store) Stat(_ context.Context, ref archive.Ref) (int64, error) {
	name, err := s.blob(ref)
	if err != nil {
		return 0, err
	}
	info, err := os.Stat(name)
	if err != nil {
		return 0, absent(err)
	}
	return info.Size(), nil
}

// Delete implements archive.BlobStore.
func (s *Store) Delete(_ context.Context, ref archive.Ref) error {
	name, err := s.blob(ref)
	if err != nil {
		return nil //nolint:nilerr // what cannot be there is absent
	}
	return remove(name)
}

func remove(name string) error {
	err := os.Remove(name)
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

func (s *Store) object(name string) (string, error) {
	if !filepath.IsLocal(name) || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./") != "" {
		return "", fmt.Errorf("object %q: no such name", name)
	}
	return filepath.Join(s.dir, "objects", filepath.FromSlash(name)), nil
}

// PutObject implements archive.ObjectStore.
func (s *Store) PutObject(_ context.Context, name string, content []byte) error {
	path, err := s.object(name)
	if err != nil {
		return err
	}
	return s.write(path, content)
}

// GetObject implements archive.ObjectStore.
func (s *Store) GetObject(_ context.Context, name string) ([]byte, error) {
	path, err := s.object(name)
	if err != nil {
		return nil, err
	}
	content, err := os.ReadFile(path)
	return content, absent(err)
}

// ListObjects implements archive.ObjectStore.
func (s *Store) ListObjects(_ context.Context, prefix string) ([]string, error) {
	root := filepath.Join(s.dir, "objects")
	var names []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, path)
		if name := filepath.ToSlash(rel); err == nil && strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
		return err
	})
	slices.Sort(names)
	return names, err
}

// DeleteObject implements archive.ObjectStore.
func (s *Store) DeleteObject(_ context.Context, name string) error {
	path, err := s.object(name)
	if err != nil {
		return err
	}
	return remove(path)
}
