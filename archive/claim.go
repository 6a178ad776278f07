package archive

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// ErrClaimed is wrapped where a store belongs to another installation.
var ErrClaimed = errors.New("it belongs to another installation")

// Owner is an installation: what its index says of a store decides what is deleted
// there, and of what another one keeps there it says nothing.
type Owner struct {
	ID    string    `json:"id"`
	Host  string    `json:"host"`  // name of the machine that claimed, for people
	Since time.Time `json:"since"` // UTC
}

// OwnerName is the object that tells whose a store is.
const OwnerName = "owner"

// Claimed is a store for one installation alone. Before anything is changed there
// for the first time, it makes an object that tells whose the store is, or fails
// with ErrClaimed where that tells of another one. Reading asks for nothing.
type Claimed struct {
	Store
	owner func() (Owner, error)

	mu   sync.Mutex
	mine bool
}

var (
	_ Store  = (*Claimed)(nil)
	_ Locker = (*Claimed)(nil)
	_ Maker  = (*Claimed)(nil)
)

// NewClaimed returns a store for the installation that owner tells; it is asked
// when it is needed.
func NewClaimed(store Store, owner func() (Owner, error)) *Claimed {
	return &Claimed{Store: store, owner: owner}
}

// Claim sees that the store is this installation's: ErrClaimed where it is not,
// other errors where that could not be found out.
func (c *Claimed) Claim(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mine {
		return nil
	}
	own, err := c.owner()
	if err != nil {
		return err
	}
	now, err := ReadOwner(ctx, c.Store)
	if errors.Is(err, ErrAbsent) {
		if now, err = c.enter(ctx, own); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	if now.ID != own.ID {
		return fmt.Errorf("%w: %s, of the machine %q, since %s; this one is %s", ErrClaimed, now.ID, now.Host, now.Since.Format(time.RFC3339), own.ID)
	}
	c.mine = true
	return nil
}

// enter makes the object, and returns what is there then.
func (c *Claimed) enter(ctx context.Context, own Owner) (Owner, error) {
	text, err := json.Marshal(own)
	if err != nil {
		return own, err
	}
	if err := makeObject(ctx, c.Store, OwnerName, append(text, '\n')); err != nil && !errors.Is(err, ErrExists) {
		return own, err
	}
	return ReadOwner(ctx, c.Store)
}

// ReadOwner tells whose a store is; ErrAbsent where it is nobody's yet.
func ReadOwner(ctx context.Context, store Store) (o Owner, err error) {
	text, err := ReadObject(ctx, store, OwnerName)
	if err != nil {
		return o, err
	}
	if err := json.Unmarshal(text, &o); err != nil || o.ID == "" {
		return o, fmt.Errorf("%s is %w: it does not tell whose the store is", OwnerName, ErrDamaged)
	}
	return o, nil
}

// Put implements Store.
func (c *Claimed) Put(ctx context.Context, name string, content io.ReaderAt, size int64) error {
	if err := c.Claim(ctx); err != nil {
		return err
	}
	return c.Store.Put(ctx, name, content, size)
}

// Make implements Maker.
func (c *Claimed) Make(ctx context.Context, name string, content []byte) error {
	if err := c.Claim(ctx); err != nil {
		return err
	}
	return makeObject(ctx, c.Store, name, content)
}

// Delete implements Store.
func (c *Claimed) Delete(ctx context.Context, name string) error {
	if err := c.Claim(ctx); err != nil {
		return err
	}
	return c.Store.Delete(ctx, name)
}

// Lock implements Locker.
func (c *Claimed) Lock(ctx context.Context, name string, until time.Time) error {
	return c.locker(ctx, func(l Locker) error { return l.Lock(ctx, name, until) })
}

// Hold implements Locker.
func (c *Claimed) Hold(ctx context.Context, name string, on bool) error {
	return c.locker(ctx, func(l Locker) error { return l.Hold(ctx, name, on) })
}

func (c *Claimed) locker(ctx context.Context, do func(Locker) error) error {
	l, can := c.Store.(Locker)
	if !can {
		return ErrNoLocks
	}
	if err := c.Claim(ctx); err != nil {
		return err
	}
	return do(l)
}
