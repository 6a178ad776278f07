package archive

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"
)

const (
	// SegmentBytes is how much of records makes a segment: as little as a player
	// should load to go anywhere, as much as compression needs.
	SegmentBytes = 128 << 10
	// keyframesBytes bounds an object with keyframes, which is loaded for one.
	keyframesBytes = 64 << 10
	// keyframeDict is the number of what keyframes are told against (zstd).
	keyframeDict = 1
	// eventsChunk is how many events make a chunk of their list.
	eventsChunk = 1000
)

var encoder, _ = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression))

// ErrRace is returned where another gateway seals the same session: try again.
var ErrRace = errors.New("another gateway seals this session")

// RecordingWriter seals a session. It is not safe for concurrent use.
type RecordingWriter struct {
	store  Store
	vaults *Vaults
	vault  *Vault
	top    Top
	index  Index
	clock  Clock
	open   bytes.Buffer
	chain  []byte
	frames keyframeGroup
	err    error
}

// keyframeGroup is an object with keyframes under way.
type keyframeGroup struct {
	packed []byte
	base   []byte
	delta  *zstd.Encoder
	first  int // bytes of the base, packed
}

// NewRecordingWriter starts a recording, in the vault of the session.
func NewRecordingWriter(ctx context.Context, store Store, vaults *Vaults, session string) (*RecordingWriter, error) {
	vault, err := vaults.Make(ctx, SessionOwner(session))
	if err != nil {
		return nil, err
	}
	return &RecordingWriter{store: store, vaults: vaults, vault: vault, top: Top{Version: topVersion, Name: session}}, nil
}

// put stores a part, packed already.
func (w *RecordingWriter) put(ctx context.Context, name string, packed []byte) (Part, error) {
	b := w.vault.SealSame(recordingName(w.top.Name, name), packed)
	p := Part{name, len(b), RefOf(b), RefOf(packed)}
	return p, PutBytes(ctx, w.store, objectName(w.top.Name, name, p.Hash), b)
}

func (w *RecordingWriter) add(ctx context.Context, name string, packed []byte) error {
	p, err := w.put(ctx, name, packed)
	w.top.Parts = append(w.top.Parts, p)
	return err
}

func (w *RecordingWriter) addJSON(ctx context.Context, name string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return w.add(ctx, name, encoder.EncodeAll(text, nil))
}

// Append adds a record, whose offset has to follow the one before.
func (w *RecordingWriter) Append(ctx context.Context, offset uint64, at time.Time, record []byte) error {
	if w.err != nil {
		return w.err
	}
	if offset != w.top.Records+1 {
		w.err = fmt.Errorf("recording %s: offset %d follows %d", w.top.Name, offset, w.top.Records)
		return w.err
	}
	since := w.clock.Add(at)
	w.top.Start, w.top.Duration = w.clock.Start().UTC(), since.Milliseconds()
	w.top.Records++
	if w.open.Len() == 0 {
		w.top.Segments = append(w.top.Segments, Segment{N: len(w.top.Segments), From: offset, T0: w.top.Duration, At: since.Microseconds()})
	}
	appendSized(&w.open, record)
	w.chain = chainRecord(w.chain, record)
	s := &w.top.Segments[len(w.top.Segments)-1]
	s.To, s.T1 = offset, w.top.Duration
	if w.open.Len() >= 4*SegmentBytes { // nobody cuts
		w.err = w.Cut(ctx)
	}
	return w.err
}

// appendSized writes a record with its length before it; a Buffer never fails.
func appendSized(b *bytes.Buffer, record []byte) {
	b.Write(binary.AppendUvarint(nil, uint64(len(record))))
	b.Write(record)
}

// Open returns how many bytes of records wait for the segment's end.
func (w *RecordingWriter) Open() int { return w.open.Len() }

// Cut ends the segment.
func (w *RecordingWriter) Cut(ctx context.Context) error {
	if w.err != nil || w.open.Len() == 0 {
		return w.err
	}
	s := &w.top.Segments[len(w.top.Segments)-1]
	p, err := w.put(ctx, segmentPart(s.N), encoder.EncodeAll(w.open.Bytes(), nil))
	w.open.Reset()
	s.Size, s.Hash, s.Plain, s.Chain = p.Size, p.Hash, p.Plain, hex.EncodeToString(w.chain)
	w.err = err
	return err
}

// Keyframe ends the segment, and adds what a player needs that starts with the
// next one: records, which are no evidence.
func (w *RecordingWriter) Keyframe(ctx context.Context, records [][]byte) error {
	if err := w.Cut(ctx); err != nil || len(records) == 0 {
		return err
	}
	var b bytes.Buffer
	for _, r := range records {
		appendSized(&b, r)
	}
	k := Keyframe{N: len(w.index.Keyframes), Offset: w.top.Records, T: w.top.Duration}
	g := &w.frames
	var packed []byte
	if g.delta != nil {
		packed = g.delta.EncodeAll(b.Bytes(), nil)
	}
	// Pages that have little in common are no help to each other.
	if packed == nil || len(packed) > g.first/2 || len(g.packed)+len(packed) > keyframesBytes {
		if w.err = w.endKeyframes(ctx); w.err != nil {
			return w.err
		}
		if packed, w.err = g.begin(b.Bytes()); w.err != nil {
			return w.err
		}
		k.Base = true
	}
	k.Part, k.From, k.Size = w.keyframeParts(), len(g.packed), len(packed)
	g.packed = append(g.packed, packed...)
	w.index.Keyframes = append(w.index.Keyframes, k)
	return nil
}

func (g *keyframeGroup) begin(base []byte) (packed []byte, err error) {
	g.base = base
	g.delta, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedBetterCompression), zstd.WithEncoderDictRaw(keyframeDict, base))
	packed = encoder.EncodeAll(base, nil)
	g.first = len(packed)
	return packed, err
}

// keyframeParts is how many objects with keyframes there are.
func (w *RecordingWriter) keyframeParts() int { return len(w.top.Parts) }

func (w *RecordingWriter) endKeyframes(ctx context.Context) error {
	if len(w.frames.packed) == 0 {
		return nil
	}
	err := w.add(ctx, keyframePart(w.keyframeParts()), w.frames.packed)
	w.frames = keyframeGroup{}
	return err
}

// Contents are the parts of a recording that the archive does not read itself.
type Contents struct {
	Session, Pages    any
	Events            []Event
	People            [][]byte
	Captures, Missing []PageCapture
}

// Event is one of the list of events.
type Event struct {
	T     int64 // ms since the start
	Value any
}

// Seal writes what is left, then the signed top, unless one is there: then it
// returns ErrRace, as it does when the session's vault got another key.
func (w *RecordingWriter) Seal(ctx context.Context, c Contents, key ed25519.PrivateKey) (*Top, error) {
	if err := w.Cut(ctx); err != nil {
		return nil, err
	}
	if w.err = w.endKeyframes(ctx); w.err != nil {
		return nil, w.err
	}
	if w.err = w.events(ctx, c.Events); w.err != nil {
		return nil, w.err
	}
	if w.err = w.addJSON(ctx, manifestPart, Manifest{c.Captures, c.Missing}); w.err != nil {
		return nil, w.err
	}
	w.index.People, w.index.Found, w.index.Lost = c.People, len(c.Captures), len(c.Missing)
	for _, part := range []struct {
		to *json.RawMessage
		v  any
	}{{&w.index.Session, c.Session}, {&w.index.Pages, c.Pages}} {
		if *part.to, w.err = json.Marshal(part.v); w.err != nil {
			return nil, w.err
		}
	}
	if w.err = w.addJSON(ctx, indexPart, &w.index); w.err != nil {
		return nil, w.err
	}
	w.top.Chain = hex.EncodeToString(w.chain)
	w.top.Key = base64.StdEncoding.EncodeToString(key.Public().(ed25519.PublicKey))
	if w.err = w.alone(ctx); w.err != nil {
		return nil, w.err
	}
	text, err := json.Marshal(&w.top)
	if err != nil {
		return nil, err
	}
	return &w.top, PutBytes(ctx, w.store, topName(w.top.Name), signTop(text, key))
}

func signTop(text []byte, key ed25519.PrivateKey) []byte {
	signature := base64.StdEncoding.EncodeToString(ed25519.Sign(key, text))
	return fmt.Appendf(nil, "%s\n%s\n", text, signature)
}

// events writes the list of events in chunks, of which there is at least one.
func (w *RecordingWriter) events(ctx context.Context, list []Event) error {
	for first := true; first || len(list) > 0; first = false {
		chunk := list[:min(eventsChunk, len(list))]
		list = list[len(chunk):]
		values := make([]any, len(chunk))
		for i, e := range chunk {
			values[i] = e.Value
		}
		c := Chunk{Count: len(chunk)}
		if len(chunk) > 0 {
			c.T0, c.T1 = chunk[0].T, chunk[len(chunk)-1].T
		}
		if err := w.addJSON(ctx, eventsPart(len(w.index.Chunks)), values); err != nil {
			return err
		}
		w.index.Chunks = append(w.index.Chunks, c)
	}
	return nil
}

// alone looks whether somebody else sealed the session meanwhile, or made its
// vault anew.
func (w *RecordingWriter) alone(ctx context.Context) error {
	now, err := w.vaults.Open(ctx, SessionOwner(w.top.Name))
	if err != nil && !errors.Is(err, ErrAbsent) {
		return err
	}
	if err != nil || !now.Same(w.vault) {
		return ErrRace
	}
	if has, err := HasTop(ctx, w.store, w.top.Name); err != nil || has {
		return errors.Join(err, ErrRace)
	}
	return nil
}
