package archive

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
)

// Verify reads all of a recording and returns what is wrong with it, in words;
// nothing when it is as it was sealed. A key that is not nil has to be the one
// that signed. The error is for a store that cannot be read.
func Verify(ctx context.Context, store Store, session string, key ed25519.PublicKey) (problems []string, err error) {
	r, err := OpenRecording(ctx, store, session)
	if errors.Is(err, ErrDamaged) {
		return []string{err.Error()}, nil
	}
	if err != nil {
		return nil, err
	}
	v := &verifier{r: r, blobs: BlobsIn(store)}
	if err := v.signature(ctx, key); err != nil {
		return nil, err
	}
	if err := v.segments(ctx); err != nil {
		return nil, err
	}
	for n := range r.Keyframes {
		_, err := r.KeyframeBytes(ctx, n)
		if err := v.note(err); err != nil {
			return nil, err
		}
	}
	return v.problems, v.assets(ctx)
}

type verifier struct {
	r        *Recording
	blobs    Blobs
	problems []string
}

func (v *verifier) say(format string, args ...any) {
	v.problems = append(v.problems, fmt.Sprintf(format, args...))
}

// note turns damage into a problem and passes other errors on.
func (v *verifier) note(err error) error {
	if errors.Is(err, ErrDamaged) {
		v.say("%v", err)
		return nil
	}
	return err
}

func (v *verifier) signature(ctx context.Context, key ed25519.PublicKey) error {
	text, err := ReadObject(ctx, v.r.store, recordingName(v.r.session, "manifest.sig"))
	if errors.Is(err, ErrAbsent) {
		v.say("the manifest's signature is not there")
		return nil
	}
	if err != nil {
		return err
	}
	public, kerr := base64.StdEncoding.DecodeString(v.r.Key)
	sig, serr := base64.StdEncoding.DecodeString(string(text))
	switch {
	case kerr != nil || len(public) != ed25519.PublicKeySize || serr != nil:
		v.say("the manifest's signature cannot be read")
	case key != nil && !key.Equal(ed25519.PublicKey(public)):
		v.say("the manifest was signed with another key than this archive's")
	case !ed25519.Verify(public, v.r.text, sig):
		v.say("the manifest does not match its signature")
	}
	return nil
}

func (v *verifier) segments(ctx context.Context) error {
	var chain []byte
	offset := uint64(0)
	for n, s := range v.r.Segments {
		chain = chainOf(chain, s.Hash)
		if hex.EncodeToString(chain) != s.Chain {
			v.say("the chain breaks at segment %d", n)
		}
		if s.N != n || s.From != offset+1 {
			v.say("segment %d starts at offset %d, after %d", n, s.From, offset)
		}
		content, err := v.r.SegmentBytes(ctx, n)
		if err != nil {
			if err := v.note(err); err != nil {
				return err
			}
			offset = s.To
			continue
		}
		err = Each(content, func(record []byte) error {
			o, k := binary.Uvarint(record)
			if k <= 0 || o != offset+1 {
				return fmt.Errorf("segment %d is %w: offset %d follows %d", n, ErrDamaged, o, offset)
			}
			offset = o
			return nil
		})
		if err := v.note(err); err != nil {
			return err
		}
		offset = s.To
	}
	if offset != v.r.Records {
		v.say("%d records of %d are there", offset, v.r.Records)
	}
	return nil
}

func (v *verifier) assets(ctx context.Context) error {
	checked := map[Ref]bool{}
	for _, c := range v.r.Captures {
		if checked[c.Ref] || c.Private {
			continue // what is in the session's vault takes the installation's key to be read
		}
		checked[c.Ref] = true
		_, err := v.blobs.Read(ctx, c.Ref)
		switch {
		case errors.Is(err, ErrAbsent):
			v.say("asset %s (%s) is not there", c.URL, c.Ref)
		case errors.Is(err, ErrDamaged):
			v.say("asset %s: %v", c.URL, err)
		case err != nil:
			return err
		}
	}
	return nil
}
