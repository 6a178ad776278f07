package archive

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/klauspost/compress/zstd"
)

// Top is what a recording stands on: the signed list of its objects (FORMAT.md).
// It tells nothing of what the session was about.
type Top struct {
	Version  int       `json:"version"`
	Name     string    `json:"recording"` // the session's identifier
	Start    time.Time `json:"start"`
	Duration int64     `json:"duration"` // ms
	Records  uint64    `json:"records"`
	Segments []Segment `json:"segments"`
	Parts    []Part    `json:"parts"` // the objects that are no segments
	Chain    string    `json:"chain"` // over all records
	Key      string    `json:"key"`   // the public key that signed, base64
}

// Part is an object of a recording.
type Part struct {
	Name  string `json:"name"`
	Size  int    `json:"size"`  // bytes, as stored
	Hash  Ref    `json:"hash"`  // of the bytes as stored
	Plain Ref    `json:"plain"` // of the bytes before they were encrypted
}

// Segment is a run of records.
type Segment struct {
	N     int    `json:"n"`
	From  uint64 `json:"from"` // first offset
	To    uint64 `json:"to"`   // last offset
	T0    int64  `json:"t0"`   // ms since the start
	T1    int64  `json:"t1"`
	At    int64  `json:"at,omitempty"`    // µs since the start, of the first record
	Size  int    `json:"size"`            // bytes, as stored
	Hash  Ref    `json:"hash"`            // of the bytes as stored
	Plain Ref    `json:"plain,omitempty"` // of the bytes before they were encrypted
	Chain string `json:"chain"`           // over the records up to its last one
}

// Keyframe is a place where a player may start: the state of each page before
// the first record of a segment.
type Keyframe struct {
	N      int    `json:"n"`
	Offset uint64 `json:"offset"` // records up to this one are in it
	T      int64  `json:"t"`
	Hash   Ref    `json:"hash,omitempty"` // version 1: of its object
	Part   int    `json:"part,omitempty"` // number of its object
	From   int    `json:"from,omitempty"` // where it begins there, in bytes
	Size   int    `json:"size,omitempty"` // bytes
	Base   bool   `json:"base,omitempty"` // the ones after it in its object are told against it
}

// Chunk is a run of the list of events.
type Chunk struct {
	Count int   `json:"count"`
	T0    int64 `json:"t0"` // ms since the start, of the first one
	T1    int64 `json:"t1"`
}

// Index is what is read to open a recording. What pages, events and the session
// are is not for the archive to know.
type Index struct {
	Session   json.RawMessage `json:"session"`
	Pages     json.RawMessage `json:"pages"`
	Keyframes []Keyframe      `json:"keyframes"`
	Chunks    []Chunk         `json:"events"`
	People    [][]byte        `json:"people,omitempty"` // records that tell who took part
	Found     int             `json:"found"`            // files that pages named, and the archive has
	Lost      int             `json:"missing"`          // and has not
}

// Manifest lists the files that the pages named.
type Manifest struct {
	Captures []PageCapture `json:"captures"`
	Missing  []PageCapture `json:"missing"`
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
	Pinned   time.Time         `json:"pinned,omitzero"` // when it was written down, while the session was on; zero: looked up when that was sealed
}

const topVersion = 2

var unpacker, _ = zstd.NewReader(nil, zstd.WithDecoderConcurrency(0), zstd.WithDecoderMaxMemory(maxObject))

// recordingPrefix is where recordings stand in a store.
const recordingPrefix = "recordings/"

func recordingName(session, part string) string { return recordingPrefix + session + "/" + part }

// topName is the object that makes a recording one: it is written last.
func topName(session string) string { return recordingName(session, "top") }

// The names of parts.
func segmentPart(n int) string  { return fmt.Sprintf("segment-%04d", n) }
func keyframePart(n int) string { return fmt.Sprintf("keyframes-%04d", n) }
func eventsPart(n int) string   { return fmt.Sprintf("events-%04d", n) }

const (
	indexPart    = "index"
	manifestPart = "manifest"
)

// objectName is where a part of certain bytes stands. Whoever writes other bytes
// writes another object, so that nobody overwrites what a top names.
func objectName(session, part string, hash Ref) string {
	return recordingName(session, part+"."+string(hash[len(refPrefix):])[:16])
}

// chainRecord is the chain after a record: SHA-256 of the chain before (nothing
// at first), the record's length as uint (LEB128) and the record.
func chainRecord(before, record []byte) []byte {
	h := sha256.New()
	h.Write(before)
	h.Write(binary.AppendUvarint(nil, uint64(len(record))))
	h.Write(record)
	return h.Sum(nil)
}

// KeyID names a public key in short: the first half of its hash.
func KeyID(key ed25519.PublicKey) string {
	sum := sha256.Sum256(key)
	return hex.EncodeToString(sum[:8])
}

// HasTop reports whether a session has a recording, of whatever version.
func HasTop(ctx context.Context, store Store, session string) (bool, error) {
	for _, name := range []string{topName(session), recordingName(session, manifestV1)} {
		_, err := store.Stat(ctx, name)
		if err == nil || !errors.Is(err, ErrAbsent) {
			return err == nil, err
		}
	}
	return false, nil
}

// RemoveTop takes a recording away that is to be sealed anew: its other objects
// are what a new one is likely to be made of.
func RemoveTop(ctx context.Context, store Store, session string) error {
	return errors.Join(store.Delete(ctx, topName(session)), store.Delete(ctx, recordingName(session, manifestV1)))
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

// Clock is the time of a recording: it goes with the times of its records, and
// stands where they go back, since their order is what counts.
type Clock struct {
	start, last time.Time
	at          time.Duration
}

// Add takes the next record's time and returns how long after the first it is.
func (c *Clock) Add(t time.Time) time.Duration {
	if c.start.IsZero() {
		c.start, c.last = t, t
	}
	c.at += max(0, t.Sub(c.last))
	c.last = t
	return c.at
}

// ClockAt is a clock that shows a time since the start at the next record.
func ClockAt(at time.Duration) Clock { return Clock{at: at} }

// Start is the time of the first record.
func (c *Clock) Start() time.Time { return c.start }
