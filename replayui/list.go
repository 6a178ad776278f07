package replayui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// Deletions tells how sessions were deleted; nil for one that was not.
type Deletions interface {
	events.Catalogue
	Deleted(ctx context.Context, session string) (*events.Deletion, error)
}

// List puts a recording into a catalogue that does not know it, by what it tells of
// itself: a catalogue that was lost is made anew so. What was decided about it since
// then, a hold for one, is not in it. One that was deleted is not listed again.
func List(ctx context.Context, catalogue Deletions, store archive.Store, vaults *archive.Vaults, session string) error {
	switch d, err := catalogue.Deleted(ctx, session); {
	case err != nil:
		return err
	case d != nil:
		return fmt.Errorf("it was deleted at %s", d.At.Format(time.RFC3339))
	}
	rec, err := archive.OpenRecording(ctx, store, vaults, session)
	if err != nil {
		return err
	}
	var info events.SessionInfo
	if err := json.Unmarshal(rec.Session, &info); err != nil {
		return errors.Join(archive.ErrDamaged, err)
	}
	if string(info.ID) != session {
		return fmt.Errorf("it is %w: it tells of session %q", archive.ErrDamaged, info.ID)
	}
	return enter(ctx, catalogue, store, info, rec)
}
