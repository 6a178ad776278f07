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

// LockRecording locks what a recording consists of: its own objects, the blobs
// that it shares with others, and what is in its session's vault. The vault's key
// is not locked: where the law wants something forgotten, the key is destroyed
// and what is locked is noise.
func LockRecording(ctx context.Context, store Store, r *Recording, until time.Time) error {
	return r.eachObject(ctx, store, func(l Locker, name string) error { return l.Lock(ctx, name, until) })
}

// HoldRecording holds what a recording consists of, or lets go of it.
func HoldRecording(ctx context.Context, store Store, r *Recording, on bool) error {
	return r.eachObject(ctx, store, func(l Locker, name string) error { return l.Hold(ctx, name, on) })
}

func (r *Recording) eachObject(ctx context.Context, store Store, do func(l Locker, name string) error) error {
	l, can := store.(Locker)
	if !can {
		return ErrNoLocks
	}
	for _, prefix := range []string{recordingName(r.session, ""), privatePrefix + SessionOwner(r.session) + "/"} {
		for o, err := range store.List(ctx, prefix) {
			if err == nil {
				err = do(l, o.Name)
			}
			if err != nil {
				return fmt.Errorf("recording %s: %w", r.session, err)
			}
		}
	}
	done := map[Ref]bool{}
	for _, c := range r.Captures {
		if c.Private || c.Ref == "" || done[c.Ref] {
			continue
		}
		done[c.Ref] = true
		name, err := blobName(c.Ref)
		if err == nil {
			err = do(l, name)
		}
		if err != nil {
			return fmt.Errorf("recording %s: %s: %w", r.session, c.URL, err)
		}
	}
	return nil
}
