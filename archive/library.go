package archive

import (
	"context"
	"fmt"
)

// Library reads what captures tell of, wherever it is: shared blobs, a visit's
// vault, a session's. Nothing else does, so that a visit's files are read for
// that visit alone.
type Library struct {
	blobs  Blobs
	vaults *Vaults
}

// NewLibrary returns the library of a store and its vaults.
func NewLibrary(store Store, vaults *Vaults) *Library {
	return &Library{BlobsIn(store), vaults}
}

// Captured returns the content of a capture from the index; ErrAbsent when it is
// not there, or not any more, ErrDamaged when it is another one.
func (l *Library) Captured(ctx context.Context, c Capture) ([]byte, error) {
	if c.Visit == "" {
		return l.blobs.Read(ctx, c.Ref)
	}
	return l.owned(ctx, VisitOwner(c.Visit), c.Ref)
}

// Recorded returns the content of what a session's recording needs, with the
// same errors.
func (l *Library) Recorded(ctx context.Context, session string, c PageCapture) ([]byte, error) {
	if !c.Private {
		return l.blobs.Read(ctx, c.Ref)
	}
	return l.owned(ctx, SessionOwner(session), c.Ref)
}

func (l *Library) owned(ctx context.Context, owner string, ref Ref) ([]byte, error) {
	vault, err := l.vaults.Open(ctx, owner)
	if err != nil {
		return nil, fmt.Errorf("vault of %s: %w", owner, err)
	}
	return vault.ReadBlob(ctx, ref)
}

// TakeOver copies a visit's blob into a session's vault, where it stays when the
// visit's is gone. It reports whether there was anything to do: a shared one
// stays where it is.
func (l *Library) TakeOver(ctx context.Context, session string, c Capture) (private bool, err error) {
	if c.Visit == "" || c.Ref == "" {
		return false, nil
	}
	content, err := l.Captured(ctx, c)
	if err != nil {
		return true, err
	}
	vault, err := l.vaults.Make(ctx, SessionOwner(session))
	if err != nil {
		return true, err
	}
	_, err = vault.PutBlob(ctx, content)
	return true, err
}
