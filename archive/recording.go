package archive

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Manifest says what belongs to a recording (FORMAT.md).
type Manifest struct {
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
}

// Segment is a run of records.
type Segment struct {
	N     int    `json:"n"`
	From  uint64 `json:"from"`
	To    uint64 `json:"to"`
	T0    int64  `json:"t0"` // ms since start
	T1    int64  `json:"t1"`
	Size  int    `json:"size"`
	Hash  Ref    `json:"hash"`
	Chain string `json:"chain"`
}

// Keyframe is a place where a player may start.
type Keyframe struct {
	N      int    `json:"n"`
	Offset uint64 `json:"offset"`
	T      int64  `json:"t"`
	Hash   Ref    `json:"hash"`
}

// PageCapture is what a page saw under a URL, with the fields of a [Capture].
type PageCapture struct {
	Page     uint32            `json:"page"`
	URL      string            `json:"url"`
	Time     time.Time         `json:"time,omitzero"`
	Ref      Ref               `json:"ref,omitempty"`
	Private  bool              `json:"private,omitempty"` // in the session's vault
	Type     string            `json:"type,omitempty"`
	Size     int64             `json:"size,omitempty"`
	Status   int               `json:"status,omitempty"`
	Location string            `json:"location,omitempty"`
	Header   map[string]string `json:"header,omitempty"`
	Source   Source            `json:"source,omitempty"`
	Why      Why               `json:"why,omitempty"`
}

const (
	manifestVersion = 1
	segmentSize     = 1 << 20 // of records, before compression
)

var encoder, _ = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
var unpacker, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxObject))

// recordingPrefix is where recordings stand in a store.
const recordingPrefix = "recordings/"

func recordingName(session, part string) string { return recordingPrefix + session + "/" + part }

// topName is the object that makes a recording one: it is written last.
func topName(session string) string { return recordingName(session, "manifest.json") }
func segmentName(n int) string      { return fmt.Sprintf("segment-%04d.zst", n) }
func keyframeName(n int) string     { return fmt.Sprintf("keyframe-%04d.zst", n) }

// RecordingWriter seals a session. It is not safe for concurrent use.
type RecordingWriter struct {
	store   Store
	session string
	m       Manifest
	open    bytes.Buffer
	current Segment
	chain   []byte
	err     error
}

// NewRecordingWriter starts a recording.
func NewRecordingWriter(store Store, session string) *RecordingWriter {
	return &RecordingWriter{store: store, session: session, m: Manifest{Version: manifestVersion}}
}

// Append adds a record, whose offset has to follow the one before.
func (w *RecordingWriter) Append(ctx context.Context, offset uint64, at time.Time, record []byte) error {
	if w.err != nil {
		return w.err
	}
	if offset != w.m.Records+1 {
		w.err = fmt.Errorf("recording %s: offset %d follows %d", w.session, offset, w.m.Records)
		return w.err
	}
	if w.m.Records == 0 {
		w.m.Start = at.UTC()
	}
	w.m.Records++
	w.m.Duration = max(w.m.Duration, at.Sub(w.m.Start).Milliseconds())
	if w.open.Len() == 0 {
		w.current = Segment{N: len(w.m.Segments), From: offset, T0: w.m.Duration}
	}
	appendSized(&w.open, record)
	w.current.To, w.current.T1 = offset, w.m.Duration
	if w.open.Len() >= segmentSize {
		w.err = w.cut(ctx)
	}
	return w.err
}

// appendSized writes a record with its length before it; a Buffer never fails.
func appendSized(b *bytes.Buffer, record []byte) {
	b.Write(binary.AppendUvarint(nil, uint64(len(record))))
	b.Write(record)
}

func (w *RecordingWriter) cut(ctx context.Context) error {
	if w.open.Len() == 0 {
		return nil
	}
	packed := encoder.EncodeAll(w.open.Bytes(), nil)
	w.open.Reset()
	s := w.current
	s.Size, s.Hash = len(packed), RefOf(packed)
	w.chain = chainOf(w.chain, s.Hash)
	s.Chain = hex.EncodeToString(w.chain)
	w.m.Segments = append(w.m.Segments, s)
	return PutBytes(ctx, w.store, recordingName(w.session, segmentName(s.N)), packed)
}

func chainOf(before []byte, hash Ref) []byte {
	sum := sha256.Sum256(append(append([]byte(nil), before...), hash...))
	return sum[:]
}

// Keyframe adds page states of after the records so far.
func (w *RecordingWriter) Keyframe(ctx context.Context, states [][]byte) error {
	if w.err != nil || len(states) == 0 {
		return w.err
	}
	var b bytes.Buffer
	for _, s := range states {
		appendSized(&b, s)
	}
	packed := encoder.EncodeAll(b.Bytes(), nil)
	k := Keyframe{N: len(w.m.Keyframes), Offset: w.m.Records, T: w.m.Duration, Hash: RefOf(packed)}
	w.m.Keyframes = append(w.m.Keyframes, k)
	w.err = PutBytes(ctx, w.store, recordingName(w.session, keyframeName(k.N)), packed)
	return w.err
}

// Contents are the parts of a manifest that the archive does not read itself.
type Contents struct {
	Session, Pages, Events any
	Captures, Missing      []PageCapture
}

// Seal writes what is left, then the signed manifest.
func (w *RecordingWriter) Seal(ctx context.Context, c Contents, key ed25519.PrivateKey) (*Manifest, error) {
	if w.err == nil {
		w.err = w.cut(ctx)
	}
	if w.err != nil {
		return nil, w.err
	}
	w.m.Captures, w.m.Missing = c.Captures, c.Missing
	for _, part := range []struct {
		to *json.RawMessage
		v  any
	}{{&w.m.Session, c.Session}, {&w.m.Pages, c.Pages}, {&w.m.Events, c.Events}} {
		b, err := json.Marshal(part.v)
		if err != nil {
			return nil, err
		}
		*part.to = b
	}
	w.m.Key = base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	text, err := json.Marshal(&w.m)
	if err != nil {
		return nil, err
	}
	sig := base64.StdEncoding.EncodeToString(ed25519.Sign(key, text))
	if err := PutBytes(ctx, w.store, recordingName(w.session, "manifest.sig"), []byte(sig)); err != nil {
		return nil, err
	}
	if err := PutBytes(ctx, w.store, recordingName(w.session, "manifest.json"), text); err != nil {
		return nil, err
	}
	return &w.m, nil
}

// Recording is a sealed session.
type Recording struct {
	store   Store
	session string
	text    []byte
	Manifest
}

// OpenRecording reads a recording's manifest; ErrAbsent when there is none.
func OpenRecording(ctx context.Context, store Store, session string) (*Recording, error) {
	text, err := ReadObject(ctx, store, recordingName(session, "manifest.json"))
	if err != nil {
		return nil, err
	}
	r := &Recording{store: store, session: session, text: text}
	if err := json.Unmarshal(text, &r.Manifest); err != nil {
		return nil, fmt.Errorf("recording %s: the manifest is %w: %w", session, ErrDamaged, err)
	}
	if r.Version != manifestVersion {
		return nil, fmt.Errorf("recording %s: version %d is not known here", session, r.Version)
	}
	return r, nil
}

// SegmentBytes returns the records of a segment, each with its length before
// it, after checking its hash.
func (r *Recording) SegmentBytes(ctx context.Context, n int) ([]byte, error) {
	if n < 0 || n >= len(r.Segments) {
		return nil, ErrAbsent
	}
	return r.unpack(ctx, segmentName(n), r.Segments[n].Hash)
}

// KeyframeBytes returns the page states of a keyframe in the same form.
func (r *Recording) KeyframeBytes(ctx context.Context, n int) ([]byte, error) {
	if n < 0 || n >= len(r.Keyframes) {
		return nil, ErrAbsent
	}
	return r.unpack(ctx, keyframeName(n), r.Keyframes[n].Hash)
}

func (r *Recording) unpack(ctx context.Context, part string, want Ref) ([]byte, error) {
	packed, err := ReadObject(ctx, r.store, recordingName(r.session, part))
	if errors.Is(err, ErrAbsent) {
		return nil, fmt.Errorf("%s is %w: it is not there", part, ErrDamaged)
	}
	if err != nil {
		return nil, err
	}
	if RefOf(packed) != want {
		return nil, fmt.Errorf("%s is %w: its hash differs", part, ErrDamaged)
	}
	content, err := unpacker.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("%s is %w: %w", part, ErrDamaged, err)
	}
	return content, nil
}

// Each yields the records in b, each with its length before it.
func Each(b []byte, yield func(record []byte) error) error {
	for len(b) > 0 {
		length, n := binary.Uvarint(b)
		if n <= 0 || length > uint64(len(b)-n) {
			return fmt.Errorf("records are %w: cut short", ErrDamaged)
		}
		if err := yield(b[n : n+int(length)]); err != nil {
			return err
		}
		b = b[n+int(length):]
	}
	return nil
}
