package archive

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// Fault is something in an archive that is not as it should be.
type Fault struct {
	Kind     FaultKind
	Name     string // of the object, blob or recording
	Detail   string
	Mended   bool
	Mendable bool // by another Check with Mend
}

// FaultKind tells what is wrong.
type FaultKind string

// The faults that a Check finds.
const (
	FaultMissingBlob      FaultKind = "missing blob"       // a recording needs it
	FaultDamagedBlob      FaultKind = "damaged blob"       // its content is not what its name says
	FaultMissingRecording FaultKind = "missing recording"  // it is in the catalogue
	FaultUnlisted         FaultKind = "unlisted recording" // it is not in the catalogue
	FaultUnsealed         FaultKind = "unsealed recording" // parts of one that nobody will finish
	FaultOrphanBlob       FaultKind = "orphan blob"        // nobody needs it
	FaultOrphanPrivate    FaultKind = "orphan private"     // without a key nobody reads it
	FaultOrphanKey        FaultKind = "orphan key"         // its owner is gone
	FaultStaleUse         FaultKind = "stale use"          // the index keeps blobs for a recording that is gone
	FaultStalePins        FaultKind = "stale pins"         // the index keeps files for a session that is gone
	FaultLeftOver         FaultKind = "left over"          // it is in a recording's folder, and not of the recording
	FaultMissingUse       FaultKind = "missing use"        // a recording needs blobs that the index does not keep for it
	FaultUnreadable       FaultKind = "unreadable list"    // of the blobs that a recording needs
)

// Check looks through an archive for what is missing, damaged or left over.
// It reads nothing that could be in use the moment after: what is younger than
// Grace is left alone.
type Check struct {
	Store    Store
	Vaults   *Vaults
	Captures CaptureIndex
	// Listed are the recordings of the catalogue.
	Listed map[string]bool
	// Open reports whether a session is not sealed yet: its parts may be half there.
	Open func(session string) bool
	// Sealed reports whether a top is the last that this installation sealed for a
	// session: nothing else in the recording's folder is needed then. nil where
	// nobody knows.
	Sealed func(session string, top Ref) bool
	// Enter lists a recording that the catalogue does not know; nil where that
	// cannot be done.
	Enter func(ctx context.Context, session string) error
	// Backup is another store, whose blobs stand in for missing and damaged
	// ones; nil for none.
	Backup Store
	// Contents reads every blob; without it only its presence and size are checked.
	Contents bool
	// Alone says that nobody else uses the archive now: blobs that nobody needs are
	// removed then alone, since one may be captured again at that moment.
	Alone bool
	// Mend repairs what can be repaired, and removes what is left over.
	Mend  bool
	Grace time.Duration
	Now   time.Time
	// Found is told of each fault, as it is found.
	Found func(Fault)

	sealed map[string]bool // recordings that are there
	needed map[Ref]bool    // blobs of theirs that the index does not keep
	unsure bool            // there may be more of these
}

// Run checks the archive. The error is for a store or index that cannot be read.
func (c *Check) Run(ctx context.Context) error {
	for _, look := range []func(context.Context) error{c.recordings, c.needs, c.uses, c.blobs, c.owners} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	return nil
}

// tell reports a fault, after mending it where that is wanted and possible.
func (c *Check) tell(f Fault, mend func() error) {
	f.Mendable = mend != nil
	if c.Mend && mend != nil {
		err := mend()
		f.Mended = err == nil
		if err != nil {
			f.Detail = strings.TrimPrefix(f.Detail+"; ", "; ") + "not mended: " + err.Error()
		}
	}
	c.Found(f)
}

func (c *Check) young(o Object) bool { return c.Now.Sub(o.Time) < c.Grace }

// recordings compares the recordings that are there with the catalogue.
func (c *Check) recordings(ctx context.Context) error {
	c.sealed = map[string]bool{}
	err := groups(ctx, c.Store, recordingPrefix, func(session string, objects []Object) error {
		last := youngest(objects)
		has, err := HasTop(ctx, c.Store, session)
		switch {
		case err != nil:
			return err
		case has:
			c.sealed[session] = true
			if !c.Listed[session] && !c.Open(session) && !c.young(last) {
				var enter func() error
				if c.Enter != nil {
					enter = func() error { return c.Enter(ctx, session) }
				}
				c.tell(Fault{Kind: FaultUnlisted, Name: session}, enter)
			}
			return c.leftOver(ctx, session, objects)
		case !c.Listed[session] && !c.Open(session) && !c.young(last):
			c.tell(Fault{Kind: FaultUnsealed, Name: session}, func() error { return Erase(ctx, c.Store, c.Vaults, c.Captures, session) })
		}
		return nil
	})
	if err != nil {
		return err
	}
	for session := range c.Listed {
		if !c.sealed[session] {
			c.tell(Fault{Kind: FaultMissingRecording, Name: session}, nil)
		}
	}
	return nil
}

// groups calls each with the objects' owners, the parts of their names behind a
// prefix, and the objects of each.
func groups(ctx context.Context, store Store, prefix string, each func(owner string, objects []Object) error) error {
	owner, objects := "", []Object(nil)
	for o, err := range store.List(ctx, prefix) {
		if err != nil {
			return err
		}
		now, _, _ := strings.Cut(strings.TrimPrefix(o.Name, prefix), "/")
		if now != owner {
			if owner != "" {
				if err := each(owner, objects); err != nil {
					return err
				}
			}
			owner, objects = now, nil
		}
		objects = append(objects, o)
	}
	if owner == "" {
		return nil
	}
	return each(owner, objects)
}

func youngest(objects []Object) (last Object) {
	for _, o := range objects {
		if o.Time.After(last.Time) {
			last = o
		}
	}
	return last
}

// uses looks for what recordings need.
func (c *Check) uses(ctx context.Context) error {
	looked := map[Ref]bool{}
	stale := map[string]bool{}
	for use, err := range c.Captures.Uses(ctx) {
		if err != nil {
			return err
		}
		if !c.Listed[use.Recording] && !c.sealed[use.Recording] && !c.Open(use.Recording) {
			stale[use.Recording] = true
			continue
		}
		if looked[use.Ref] {
			continue
		}
		looked[use.Ref] = true
		if _, err := BlobsIn(c.Store).Stat(ctx, use.Ref); errors.Is(err, ErrAbsent) {
			c.tell(Fault{Kind: FaultMissingBlob, Name: string(use.Ref), Detail: "recording " + use.Recording + " needs it"}, c.restore(ctx, use.Ref))
		} else if err != nil {
			return err
		}
	}
	for session := range stale {
		c.tell(Fault{Kind: FaultStaleUse, Name: session}, func() error { return c.Captures.Release(ctx, session) })
	}
	pinned, err := c.Captures.PinnedSessions(ctx)
	for _, session := range pinned {
		if !c.Open(session) {
			c.tell(Fault{Kind: FaultStalePins, Name: session}, func() error { return c.Captures.Unpin(ctx, session) })
		}
	}
	return err
}

// restore takes a blob from the backup; nil where that does not hold it.
func (c *Check) restore(ctx context.Context, ref Ref) func() error {
	if c.Backup == nil {
		return nil
	}
	content, err := BlobsIn(c.Backup).Read(ctx, ref)
	if err != nil {
		return nil
	}
	return func() error {
		name, err := blobName(ref)
		if err != nil {
			return err
		}
		return PutBytes(ctx, c.Store, name, content)
	}
}

// removal removes a blob that nobody is known to need; nil where somebody may.
func (c *Check) removal(ctx context.Context, ref Ref) func() error {
	if !c.Alone || c.unsure {
		return nil
	}
	return func() error { return BlobsIn(c.Store).Delete(ctx, ref) }
}

// blobs looks at the blobs that are there.
func (c *Check) blobs(ctx context.Context) error {
	blobs := BlobsIn(c.Store)
	for o, err := range c.Store.List(ctx, blobPrefix) {
		if err != nil {
			return err
		}
		ref, ok := refOfName(o.Name)
		if !ok {
			c.tell(Fault{Kind: FaultOrphanBlob, Name: o.Name, Detail: "this is no blob's name"}, func() error { return c.Store.Delete(ctx, o.Name) })
			continue
		}
		needed, err := c.Captures.Needs(ctx, ref)
		if err != nil {
			return err
		}
		if !needed {
			if !c.young(o) && !c.needed[ref] {
				c.tell(Fault{Kind: FaultOrphanBlob, Name: string(ref), Detail: fmt.Sprintf("%d bytes", o.Size)}, c.removal(ctx, ref))
			}
			continue
		}
		if !c.Contents {
			continue
		}
		if _, err := blobs.Read(ctx, ref); errors.Is(err, ErrDamaged) {
			c.tell(Fault{Kind: FaultDamagedBlob, Name: string(ref)}, c.restore(ctx, ref))
		} else if err != nil {
			return err
		}
	}
	return nil
}

// owners looks for keys without an owner, and for what was left of owners.
func (c *Check) owners(ctx context.Context) error {
	keys := map[string]bool{}
	for o, err := range c.Store.List(ctx, keyPrefix) {
		if err != nil {
			return err
		}
		owner := strings.TrimPrefix(o.Name, keyPrefix)
		keys[owner] = true
		session, ok := strings.CutPrefix(owner, SessionOwner(""))
		if ok && !c.Listed[session] && !c.sealed[session] && !c.Open(session) && !c.young(o) {
			c.tell(Fault{Kind: FaultOrphanKey, Name: owner}, func() error { return c.Vaults.Destroy(ctx, owner) })
		}
	}
	return groups(ctx, c.Store, privatePrefix, func(owner string, objects []Object) error {
		if !keys[owner] && !c.young(youngest(objects)) {
			c.tell(Fault{Kind: FaultOrphanPrivate, Name: owner}, func() error { return deleteAll(ctx, c.Store, privatePrefix+owner+"/") })
		}
		return nil
	})
}
