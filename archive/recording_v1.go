package archive

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// manifestV1 is the object that makes a recording of version 1 one.
const manifestV1 = "manifest.json"

// manifestV1File is what it holds.
type manifestV1File struct {
	Version   int             `json:"version"`
	Session   json.RawMessage `json:"session"`
	Start     time.Time       `json:"start"`
	Duration  int64           `json:"duration"` // ms
	Records   uint64          `json:"records"`
	Segments  []Segment       `json:"segments"`
	Keyframes []Keyframe      `json:"keyframes"`
	Pages     json.RawMessage `json:"pages"`
	Events    json.RawMessage `json:"events"`
	Captures  []PageCapture   `json:"captures"`
	Missing   []PageCapture   `json:"missing"`
	Key       string          `json:"key"`

	text []byte // the object
}

func openV1(ctx context.Context, r *Recording, session string) (*Recording, error) {
	text, err := ReadObject(ctx, r.store, recordingName(session, manifestV1))
	if err != nil {
		return nil, err
	}
	m := &manifestV1File{text: text}
	if err := json.Unmarshal(text, m); err != nil {
		return nil, fmt.Errorf("recording %s: the manifest is %w: %w", session, ErrDamaged, err)
	}
	if m.Version != 1 {
		return nil, fmt.Errorf("recording %s: version %d is not known here", session, m.Version)
	}
	var list []json.RawMessage
	if err := json.Unmarshal(m.Events, &list); err != nil {
		return nil, fmt.Errorf("recording %s: the manifest is %w: %w", session, ErrDamaged, err)
	}
	r.v1, r.hash = m, RefOf(text)
	for i := range m.Segments {
		m.Segments[i].At = m.Segments[i].T0 * 1000
	}
	r.Top = Top{Version: 1, Name: session, Start: m.Start, Duration: m.Duration, Records: m.Records, Segments: m.Segments, Key: m.Key}
	r.Index = Index{
		Session: m.Session, Pages: m.Pages, Keyframes: m.Keyframes, Chunks: []Chunk{{Count: len(list), T1: m.Duration}},
		Found: len(m.Captures), Lost: len(m.Missing),
	}
	return r, nil
}

func (r *Recording) unpackV1(ctx context.Context, part string, want Ref) ([]byte, error) {
	packed, err := ReadObject(ctx, r.store, recordingName(r.Name, part))
	if errors.Is(err, ErrAbsent) {
		return nil, fmt.Errorf("%s is %w: it is not there", part, ErrDamaged)
	}
	if err != nil {
		return nil, err
	}
	if RefOf(packed) != want {
		return nil, fmt.Errorf("%s is %w: its hash differs", part, ErrDamaged)
	}
	return unpack(part, packed, unpacker)
}

// chainV1 is the chain after a segment, over the hashes of segments as stored.
func chainV1(before []byte, hash Ref) []byte {
	sum := sha256.Sum256(append(append([]byte(nil), before...), hash...))
	return sum[:]
}
