package archive

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/klauspost/compress/zstd"
)

// Recording is a sealed session, of either version. It is safe for concurrent use.
type Recording struct {
	Top
	Index
	store Store
	vault *Vault // nil for version 1
	lib   *Library
	hash  Ref             // of the top
	bare  bool            // the parts are there as they were before they were encrypted
	v1    *manifestV1File // nil for version 2
}

// OpenRecording reads a recording's top and index: ErrAbsent when there is none,
// or when its key was destroyed; ErrDamaged when they are not as they were.
// Nothing but [Verify] checks the signature.
func OpenRecording(ctx context.Context, store Store, vaults *Vaults, session string) (*Recording, error) {
	r := &Recording{store: store, lib: NewLibrary(store, vaults)}
	text, err := ReadObject(ctx, store, topName(session))
	if errors.Is(err, ErrAbsent) {
		return openV1(ctx, r, session)
	}
	if err != nil {
		return nil, err
	}
	top, _, err := readTop(text, session)
	if err != nil {
		return nil, err
	}
	r.Top, r.hash = *top, RefOf(text)
	if r.vault, err = vaults.Open(ctx, SessionOwner(session)); err != nil {
		return nil, fmt.Errorf("recording %s cannot be read without its key: %w", session, err)
	}
	return r, r.json(ctx, indexPart, &r.Index)
}

// signedTop is a top as it is stored.
type signedTop struct {
	text, signature []byte
}

// readTop takes apart what stands under a session's topName.
func readTop(b []byte, session string) (*Top, *signedTop, error) {
	damaged := func(why string) error { return fmt.Errorf("recording %s: the top is %w: %s", session, ErrDamaged, why) }
	text, rest, ok := bytes.Cut(b, []byte("\n"))
	line, tail, ended := bytes.Cut(rest, []byte("\n"))
	if !ok || !ended || len(tail) > 0 {
		return nil, nil, damaged("it is not two lines")
	}
	signature, err := base64.StdEncoding.Strict().DecodeString(string(line))
	if err != nil {
		return nil, nil, damaged("its signature cannot be read")
	}
	var t Top
	if err := json.Unmarshal(text, &t); err != nil {
		return nil, nil, damaged(err.Error())
	}
	if t.Version != topVersion {
		return nil, nil, fmt.Errorf("recording %s: version %d is not known here", session, t.Version)
	}
	if t.Name != session {
		return nil, nil, damaged("it is that of recording " + t.Name)
	}
	return &t, &signedTop{text, signature}, nil
}

// TopHash is the hash of the top as stored: what a [Journal] and a time stamp
// tell of.
func (r *Recording) TopHash() Ref { return r.hash }

func (r *Recording) part(name string) (Part, bool) {
	for _, p := range r.Parts {
		if p.Name == name {
			return p, true
		}
	}
	return Part{}, false
}

// stored returns a part's bytes as stored, after checking their hash.
func (r *Recording) stored(ctx context.Context, p Part) ([]byte, error) {
	if !p.Hash.Valid() || !ValidName(p.Name) {
		return nil, fmt.Errorf("%q is %w: the top does not name it as parts are named", p.Name, ErrDamaged)
	}
	name := objectName(r.Name, p.Name, p.Hash)
	if r.bare {
		name, p.Hash = recordingName(r.Name, p.Name+bareEnd), p.Plain
	}
	b, err := ReadObject(ctx, r.store, name)
	switch {
	case errors.Is(err, ErrAbsent):
		return nil, fmt.Errorf("%s is %w: it is not there", p.Name, ErrDamaged)
	case err != nil:
		return nil, err
	case len(b) != p.Size && !r.bare:
		return nil, fmt.Errorf("%s is %w: it has %d bytes and not %d", p.Name, ErrDamaged, len(b), p.Size)
	case RefOf(b) != p.Hash:
		return nil, fmt.Errorf("%s is %w: its hash differs", p.Name, ErrDamaged)
	}
	return b, nil
}

// plain returns a part decrypted, and still packed.
func (r *Recording) plain(ctx context.Context, p Part) ([]byte, error) {
	b, err := r.stored(ctx, p)
	if err != nil || r.bare {
		return b, err
	}
	return r.vault.Unseal(recordingName(r.Name, p.Name), b)
}

func (r *Recording) content(ctx context.Context, p Part) ([]byte, error) {
	packed, err := r.plain(ctx, p)
	if err != nil {
		return nil, err
	}
	return unpack(p.Name, packed, unpacker)
}

func unpack(name string, packed []byte, by *zstd.Decoder) ([]byte, error) {
	content, err := by.DecodeAll(packed, nil)
	if err != nil {
		return nil, fmt.Errorf("%s is %w: %w", name, ErrDamaged, err)
	}
	return content, nil
}

func (r *Recording) json(ctx context.Context, name string, to any) error {
	p, ok := r.part(name)
	if !ok {
		return fmt.Errorf("%s is %w: the top does not name it", name, ErrDamaged)
	}
	b, err := r.content(ctx, p)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, to); err != nil {
		return fmt.Errorf("%s is %w: %w", name, ErrDamaged, err)
	}
	return nil
}

// SegmentBytes returns the records of a segment, each with its length before
// it, after checking its hash.
func (r *Recording) SegmentBytes(ctx context.Context, n int) ([]byte, error) {
	if n < 0 || n >= len(r.Segments) {
		return nil, ErrAbsent
	}
	s := r.Segments[n]
	if r.v1 != nil {
		return r.unpackV1(ctx, fmt.Sprintf("segment-%04d.zst", n), s.Hash)
	}
	return r.content(ctx, Part{segmentPart(n), s.Size, s.Hash, s.Plain})
}

// KeyframeBytes returns the records of a keyframe in the same form.
func (r *Recording) KeyframeBytes(ctx context.Context, n int) ([]byte, error) {
	if n < 0 || n >= len(r.Keyframes) {
		return nil, ErrAbsent
	}
	k := r.Keyframes[n]
	if r.v1 != nil {
		return r.unpackV1(ctx, fmt.Sprintf("keyframe-%04d.zst", n), k.Hash)
	}
	name := keyframePart(k.Part)
	p, ok := r.part(name)
	if !ok {
		return nil, fmt.Errorf("%s is %w: the top does not name it", name, ErrDamaged)
	}
	b, err := r.plain(ctx, p)
	if err != nil {
		return nil, err
	}
	base := n
	for base > 0 && !r.Keyframes[base].Base {
		base--
	}
	content, err := keyframeIn(name, b, r.Keyframes[base], nil)
	if err != nil || base == n {
		return content, err
	}
	return keyframeIn(name, b, k, content)
}

// keyframeIn unpacks a keyframe of an object, told against another one or by itself.
func keyframeIn(name string, b []byte, k Keyframe, against []byte) ([]byte, error) {
	if k.From < 0 || k.Size < 0 || k.From > len(b) || k.Size > len(b)-k.From {
		return nil, fmt.Errorf("keyframe %d is %w: it is not in %s", k.N, ErrDamaged, name)
	}
	b = b[k.From : k.From+k.Size]
	if against == nil {
		return unpack(name, b, unpacker)
	}
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxObject), zstd.WithDecoderDictRaw(keyframeDict, against))
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return unpack(name, b, d)
}

// Events returns a chunk of the list of events, a JSON array.
func (r *Recording) Events(ctx context.Context, n int) (json.RawMessage, error) {
	if n < 0 || n >= len(r.Chunks) {
		return nil, ErrAbsent
	}
	if r.v1 != nil {
		return r.v1.Events, nil
	}
	var list json.RawMessage
	return list, r.json(ctx, eventsPart(n), &list)
}

// Manifest returns the files that the pages named.
func (r *Recording) Manifest(ctx context.Context) (*Manifest, error) {
	if r.v1 != nil {
		return &Manifest{r.v1.Captures, r.v1.Missing}, nil
	}
	var m Manifest
	return &m, r.json(ctx, manifestPart, &m)
}

// Asset returns the content of a file that a page named, after checking its
// hash: ErrAbsent when the archive does not hold it, ErrDamaged when it is
// another one.
func (r *Recording) Asset(ctx context.Context, c PageCapture) ([]byte, error) {
	if r.bare {
		c.Private = false
	}
	return r.lib.Recorded(ctx, r.Name, c)
}

// bareEnd is what the names of parts end with where they are not encrypted.
const bareEnd = ".zst"

// PartNames are the recording's parts; for a file that holds a recording outside
// of an archive.
func (r *Recording) PartNames() []string {
	var names []string
	for _, p := range r.Parts {
		names = append(names, p.Name)
	}
	for n := range r.Segments {
		names = append(names, segmentPart(n))
	}
	return names
}

// BarePart returns a part as it was before it was encrypted, and the name under
// which [Verifying.Bare] looks for it.
func (r *Recording) BarePart(ctx context.Context, name string) (content []byte, as string, err error) {
	p, ok := r.part(name)
	for n, s := range r.Segments {
		if !ok && segmentPart(n) == name {
			p, ok = Part{name, s.Size, s.Hash, s.Plain}, true
		}
	}
	if !ok {
		return nil, "", ErrAbsent
	}
	content, err = r.plain(ctx, p)
	return content, name + bareEnd, err
}

// TopBytes returns the top as stored.
func (r *Recording) TopBytes(ctx context.Context) ([]byte, error) {
	return ReadObject(ctx, r.store, topName(r.Name))
}

// StampBytes returns the time stamp as stored, unchecked; ErrAbsent where there is
// none.
func (r *Recording) StampBytes(ctx context.Context) ([]byte, error) {
	return ReadObject(ctx, r.store, stampName(r.Name))
}
