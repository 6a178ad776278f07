package archive

import (
	"context"
	"errors"
	"fmt"
)

// Erase deletes a recording for good. Its key goes first: from then on nobody
// reads it, wherever copies of it are. Then go its objects, and the blobs that
// nobody else needs are named to the index. It may be called again until it
// returns nil. Objects that the store keeps under a lock are noise by then; they
// are told in an error that wraps ErrLocked, after all else was done.
func Erase(ctx context.Context, store Store, vaults *Vaults, captures CaptureIndex, session string) error {
	if err := vaults.Destroy(ctx, SessionOwner(session)); err != nil && !errors.Is(err, ErrLocked) {
		return fmt.Errorf("the key of recording %s: %w", session, err)
	}
	if err := captures.Release(ctx, session); err != nil {
		return err
	}
	return deleteAll(ctx, store, recordingName(session, ""))
}

// SizeOf adds up what a recording takes without what it shares with others, in
// bytes.
func SizeOf(ctx context.Context, store Store, session string) (size int64, err error) {
	for _, prefix := range []string{recordingName(session, ""), privatePrefix + SessionOwner(session) + "/"} {
		for o, err := range store.List(ctx, prefix) {
			if err != nil {
				return 0, err
			}
			size += o.Size
		}
	}
	return size, nil
}

// deleteAll deletes the objects whose names begin with a prefix; those that are
// locked do not keep the others.
func deleteAll(ctx context.Context, store Store, prefix string) error {
	var locked error
	for o, err := range store.List(ctx, prefix) {
		if err != nil {
			return err
		}
		err = store.Delete(ctx, o.Name)
		switch {
		case errors.Is(err, ErrLocked):
			locked = err
		case err != nil:
			return err
		}
	}
	return locked
}
