package archive

import (
	"context"
	"errors"
	"fmt"
)

// needs holds the index against the recordings: what one needs and the index does
// not keep for it would be deleted one day. An index that was lost, or restored from
// a time before, is mended by it.
func (c *Check) needs(ctx context.Context) error {
	kept := map[string]map[Ref]bool{}
	for use, err := range c.Captures.Uses(ctx) {
		if err != nil {
			return err
		}
		if kept[use.Recording] == nil {
			kept[use.Recording] = map[Ref]bool{}
		}
		kept[use.Recording][use.Ref] = true
	}
	c.needed, c.unsure = map[Ref]bool{}, false
	for session := range c.sealed {
		refs, err := c.shared(ctx, session)
		switch {
		case errors.Is(err, ErrAbsent): // its key is gone: nobody reads it any more
			continue
		case errors.Is(err, ErrDamaged):
			c.unsure = true
			c.tell(Fault{Kind: FaultUnreadable, Name: session, Detail: err.Error()}, nil)
			continue
		case err != nil:
			return err
		}
		var missing []Ref
		for ref := range refs {
			if !kept[session][ref] {
				c.needed[ref] = true
				missing = append(missing, ref)
			}
		}
		if len(missing) > 0 {
			c.tell(Fault{Kind: FaultMissingUse, Name: session, Detail: fmt.Sprintf("%d blobs", len(missing))}, func() error { return c.Captures.Keep(ctx, session, missing) })
		}
	}
	return nil
}

// shared are the blobs that a recording needs, by its own manifest.
func (c *Check) shared(ctx context.Context, session string) (map[Ref]bool, error) {
	rec, err := OpenRecording(ctx, c.Store, c.Vaults, session)
	if err != nil {
		return nil, err
	}
	m, err := rec.Manifest(ctx)
	if err != nil {
		return nil, err
	}
	refs := map[Ref]bool{}
	for _, f := range m.Captures {
		if f.Ref != "" && !f.Private {
			refs[f.Ref] = true
		}
	}
	return refs, nil
}
