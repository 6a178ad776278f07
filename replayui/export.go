package replayui

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// Exported is a recording that is to be written to one file.
type Exported struct {
	*archive.Recording
	store archive.Store
	info  events.SessionInfo
	pages []PageMark
	files *archive.Manifest
}

// OpenExport opens a recording to export it; archive.ErrAbsent when there is none.
func OpenExport(ctx context.Context, store archive.Store, vaults *archive.Vaults, session string) (*Exported, error) {
	rec, err := archive.OpenRecording(ctx, store, vaults, session)
	if err != nil {
		return nil, err
	}
	e := &Exported{Recording: rec, store: store}
	if err := json.Unmarshal(rec.Session, &e.info); err != nil {
		return nil, errors.Join(archive.ErrDamaged, err)
	}
	if err := json.Unmarshal(rec.Pages, &e.pages); err != nil {
		return nil, errors.Join(archive.ErrDamaged, err)
	}
	e.files, err = rec.Manifest(ctx)
	return e, err
}

func (e *Exported) session() string { return string(e.info.ID) }

// exportedPart is what the recording in a file is made of.
type exportedPart struct {
	name string
	read func(ctx context.Context) ([]byte, error)
}

// parts are those of the recording: of version 1 as they are stored; of later
// ones the top as it is stored, the parts as they were before they were encrypted,
// each keyframe by itself, and a manifest for the player.
func (e *Exported) parts() []exportedPart {
	if e.Version == 1 {
		return e.partsV1()
	}
	list := []exportedPart{{"manifest.json", e.manifest}, {"top", e.TopBytes}}
	for _, name := range e.PartNames() {
		list = append(list, exportedPart{name + ".zst", func(ctx context.Context) ([]byte, error) {
			b, _, err := e.BarePart(ctx, name)
			return b, err
		}})
	}
	for n := range e.Keyframes {
		list = append(list, exportedPart{keyframeName(n), func(ctx context.Context) ([]byte, error) { return e.keyframe(ctx, n) }})
	}
	return list
}

func keyframeName(n int) string { return fmt.Sprintf("keyframe-%04d.zst", n) }

func (e *Exported) partsV1() []exportedPart {
	names := []string{"manifest.json", "manifest.sig"}
	for _, s := range e.Segments {
		names = append(names, fmt.Sprintf("segment-%04d.zst", s.N))
	}
	for n := range e.Keyframes {
		names = append(names, keyframeName(n))
	}
	list := make([]exportedPart, len(names))
	for i, name := range names {
		list[i] = exportedPart{name, func(ctx context.Context) ([]byte, error) {
			return archive.ReadObject(ctx, e.store, "recordings/"+e.session()+"/"+name)
		}}
	}
	return list
}

func (e *Exported) keyframe(ctx context.Context, n int) ([]byte, error) {
	b, err := e.KeyframeBytes(ctx, n)
	if err != nil {
		return nil, err
	}
	z := packers.Get().(*zstd.Encoder)
	defer packers.Put(z)
	return z.EncodeAll(b, nil), nil
}

// manifest is what the player in a file reads; the top and the parts that it
// names are what it is checked against.
func (e *Exported) manifest(ctx context.Context) ([]byte, error) {
	marks := []json.RawMessage{}
	for n := range e.Chunks {
		text, err := e.Events(ctx, n)
		if err != nil {
			return nil, err
		}
		var list []json.RawMessage
		if err := json.Unmarshal(text, &list); err != nil {
			return nil, errors.Join(archive.ErrDamaged, err)
		}
		marks = append(marks, list...)
	}
	keyframes := []describedKeyframe{}
	for i, k := range e.Keyframes {
		keyframes = append(keyframes, describedKeyframe{i, k.Offset, k.T})
	}
	return json.Marshal(map[string]any{
		"version": e.Version, "session": e.Session, "start": e.Start, "duration": e.Duration, "records": e.Records, "segments": e.Segments,
		"keyframes": keyframes, "pages": e.Pages, "events": marks, "captures": e.files.Captures, "missing": e.files.Missing, "people": e.People, "key": e.Key,
	})
}
