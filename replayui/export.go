package replayui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// Exported is a recording that is to be written to one file.
type Exported struct {
	*archive.Recording
	store archive.Store
	lib   *archive.Library
	info  events.SessionInfo
	pages []PageMark
}

// OpenExport opens a recording to export it; archive.ErrAbsent when there is none.
func OpenExport(ctx context.Context, store archive.Store, vaults *archive.Vaults, session string) (*Exported, error) {
	rec, err := archive.OpenRecording(ctx, store, session)
	if err != nil {
		return nil, err
	}
	e := &Exported{Recording: rec, store: store, lib: archive.NewLibrary(store, vaults)}
	if err := json.Unmarshal(rec.Session, &e.info); err != nil {
		return nil, errors.Join(archive.ErrDamaged, err)
	}
	if err := json.Unmarshal(rec.Pages, &e.pages); err != nil {
		return nil, errors.Join(archive.ErrDamaged, err)
	}
	return e, nil
}

func (e *Exported) session() string { return string(e.info.ID) }

// asset returns the bytes of a capture; archive.ErrAbsent, archive.ErrDamaged.
func (e *Exported) asset(ctx context.Context, c archive.PageCapture) ([]byte, error) {
	return e.lib.Recorded(ctx, e.session(), c)
}

// partNames are the objects that the recording is made of.
func (e *Exported) partNames() []string {
	names := []string{"manifest.json", "manifest.sig"}
	for _, s := range e.Segments {
		names = append(names, fmt.Sprintf("segment-%04d.zst", s.N))
	}
	for _, k := range e.Keyframes {
		names = append(names, fmt.Sprintf("keyframe-%04d.zst", k.N))
	}
	return names
}

// part returns one of those objects as it was hashed.
func (e *Exported) part(ctx context.Context, name string) ([]byte, error) {
	return archive.ReadObject(ctx, e.store, "recordings/"+e.session()+"/"+name)
}
