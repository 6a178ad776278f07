package disk

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"

	"github.com/pillion-dev/pillion/archive"
)

// Make implements archive.Maker: the file is linked to its place, where the
// system refuses it if there is one. Where a file system has no links, it is
// looked for first: then only those who use this Store are kept apart.
func (s *Store) Make(ctx context.Context, name string, content []byte) error {
	s.making.Lock()
	defer s.making.Unlock()
	return s.put(ctx, name, bytes.NewReader(content), int64(len(content)), func(from, to string) error {
		err := os.Link(from, to)
		if err == nil {
			return nil // the other name goes when all is done
		}
		if _, there := os.Lstat(to); errors.Is(err, fs.ErrExist) || there == nil {
			return archive.ErrExists
		}
		return os.Rename(from, to)
	})
}
