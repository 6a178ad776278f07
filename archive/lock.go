package archive

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrLocked is wrapped by errors of what a store keeps from being deleted.
var ErrLocked = errors.New("locked")

// ErrNoLocks is returned where a store cannot lock, or was not set up to.
var ErrNoLocks = errors.New("the store does not lock objects: an S3 bucket with object lock, and --s3-lock, are needed")

// Locker is implemented by a [Store] that can keep objects from being deleted,
// by anybody: its administrators too, as far as the store's own rules say so.
// Objects that are locked are still read, listed and stored anew; Delete fails
// with ErrLocked.
type Locker interface {
	// Lock keeps an object until a time. A lock is never shortened: an earlier
	// time changes nothing. ErrAbsent when there is no such object.
	Lock(ctx context.Context, name string, until time.Time) error
	// Hold keeps an object until Hold is called again with false, whatever its lock.
	Hold(ctx context.Context, name string, on bool) error
}

// LockRecording locks what a recording consists of: its own objects, what is in
// its session's vault, and the blobs that it shares with others. The vault's key
// is not locked: where the law wants something forgotten, the key is destroyed
// and what is locked is noise.
func LockRecording(ctx context.Context, store Store, captures CaptureIndex, session string, until time.Time) error {
	return eachOfRecording(ctx, store, captures, session, func(l Locker, name string) error { return l.Lock(ctx, name, until) })
}

// HoldRecording holds what a recording consists of, or lets go of it. Of blobs that
// it shares it lets go only where no other recording that needs them is held, as held
// tells; that is not asked about the recording itself.
func HoldRecording(ctx context.Context, store Store, captures CaptureIndex, session string, on bool, held func(recording string) (bool, error)) error {
	shared := map[string]bool{}
	if !on {
		known := map[string]bool{session: false}
		for use, err := range captures.Uses(ctx) {
			if err != nil {
				return err
			}
			name, err := blobName(use.Ref)
			if err != nil {
				continue // no blob has that name
			}
			is, asked := known[use.Recording]
			if !asked {
				if is, err = held(use.Recording); err != nil {
					return err
				}
				known[use.Recording] = is
			}
			shared[name] = shared[name] || is
		}
	}
	return eachOfRecording(ctx, store, captures, session, func(l Locker, name string) error {
		if shared[name] {
			return nil
		}
		return l.Hold(ctx, name, on)
	})
}

func eachOfRecording(ctx context.Context, store Store, captures CaptureIndex, session string, do func(l Locker, name string) error) error {
	l, can := store.(Locker)
	if !can {
		return ErrNoLocks
	}
	for _, prefix := range []string{recordingName(session, ""), privatePrefix + SessionOwner(session) + "/"} {
		for o, err := range store.List(ctx, prefix) {
			if err == nil {
				err = do(l, o.Name)
			}
			if err != nil {
				return fmt.Errorf("recording %s: %w", session, err)
			}
		}
	}
	for use, err := range captures.Uses(ctx) {
		if err != nil {
			return err
		}
		if use.Recording != session {
			continue
		}
		name, err := blobName(use.Ref)
		if err == nil {
			err = do(l, name)
		}
		if err != nil {
			return fmt.Errorf("recording %s: %w", session, err)
		}
	}
	return nil
}
