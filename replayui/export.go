package replayui

import (
	"context"
	"encoding/json"
	"errors"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// Exported is a recording that is to be written to one file.
type Exported struct {
	*archive.Recording
	info  events.SessionInfo
	pages []PageMark
	files *archive.Manifest
	// stamped reports whether an authority attested when the recording was there.
	stamped bool
}

// ErrOldVersion is returned for recordings that an early version sealed.
var ErrOldVersion = errors.New("the recording was sealed by an early version, and cannot be exported")

// OpenExport opens a recording to export it: archive.ErrAbsent when there is none,
// ErrOldVersion for one of version 1.
func OpenExport(ctx context.Context, store archive.Store, vaults *archive.Vaults, session string) (*Exported, error) {
	rec, err := archive.OpenRecording(ctx, store, vaults, session)
	if err != nil {
		return nil, err
	}
	if rec.Version < 2 {
		return nil, ErrOldVersion
	}
	e := &Exported{Recording: rec}
	if err := json.Unmarshal(rec.Session, &e.info); err != nil {
		return nil, errors.Join(archive.ErrDamaged, err)
	}
	if err := json.Unmarshal(rec.Pages, &e.pages); err != nil {
		return nil, errors.Join(archive.ErrDamaged, err)
	}
	if _, err = rec.StampBytes(ctx); err != nil && !errors.Is(err, archive.ErrAbsent) {
		return nil, err
	}
	e.stamped = err == nil
	e.files, err = rec.Manifest(ctx)
	return e, err
}

func (e *Exported) session() string { return string(e.info.ID) }

// exportedPart is what the recording in a file is made of.
type exportedPart struct {
	name string
	read func(ctx context.Context) ([]byte, error)
}

// parts are those of the recording: the top as it is stored, with the time stamp
// where it has one, and what it names as it was before it was encrypted. The top has
// the hashes of both.
func (e *Exported) parts() []exportedPart {
	list := []exportedPart{{"top", e.TopBytes}}
	if e.stamped {
		list = append(list, exportedPart{"stamp", e.StampBytes})
	}
	for _, name := range e.PartNames() {
		list = append(list, exportedPart{name + ".zst", func(ctx context.Context) ([]byte, error) {
			b, _, err := e.BarePart(ctx, name)
			return b, err
		}})
	}
	return list
}
