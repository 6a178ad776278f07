package archive

import (
	"context"
	"errors"
	"fmt"
)

// leftOver looks for objects in a recording's folder that its top does not name:
// a sealing that was killed, or that came second, left them. They are removed
// where the top is known to be the last, and nobody may be sealing the session
// anew just now.
func (c *Check) leftOver(ctx context.Context, session string, objects []Object) error {
	top, names, err := namedBy(ctx, c.Store, session)
	if errors.Is(err, ErrAbsent) || errors.Is(err, ErrDamaged) {
		return nil // version 1 has none; Verify tells of what is damaged
	}
	if err != nil {
		return err
	}
	for _, o := range objects {
		if names[o.Name] || c.young(o) {
			continue
		}
		var remove func() error
		if c.Sealed != nil && c.Sealed(session, top) && !c.Open(session) {
			remove = func() error { return removeLeft(ctx, c.Store, session, top, o) }
		}
		c.tell(Fault{Kind: FaultLeftOver, Name: o.Name, Detail: fmt.Sprintf("%d bytes", o.Size)}, remove)
	}
	return nil
}

// removeLeft removes an object unless it, or the top, is another one meanwhile.
func removeLeft(ctx context.Context, store Store, session string, top Ref, left Object) error {
	now, _, err := namedBy(ctx, store, session)
	if err != nil {
		return err
	}
	o, err := store.Stat(ctx, left.Name)
	if err != nil {
		return err
	}
	if now != top || !o.Time.Equal(left.Time) {
		return errors.New("it was written again just now")
	}
	return store.Delete(ctx, left.Name)
}

// namedBy returns the hash of a recording's top, and the names of the objects that
// make the recording.
func namedBy(ctx context.Context, store Store, session string) (Ref, map[string]bool, error) {
	text, err := ReadObject(ctx, store, topName(session))
	if err != nil {
		return "", nil, err
	}
	top, _, err := readTop(text, session)
	if err != nil {
		return "", nil, errors.Join(ErrDamaged, err) // or newer than this program
	}
	names := map[string]bool{topName(session): true, stampName(session): true}
	add := func(part string, hash Ref) {
		if hash.Valid() {
			names[objectName(session, part, hash)] = true
		}
	}
	for _, s := range top.Segments {
		add(segmentPart(s.N), s.Hash)
	}
	for _, p := range top.Parts {
		add(p.Name, p.Hash)
	}
	return RefOf(text), names, nil
}
