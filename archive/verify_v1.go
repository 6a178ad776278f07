package archive

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
)

// signatureV1 checks the signature of a recording of version 1.
func (v *verifier) signatureV1(ctx context.Context) error {
	text, err := ReadObject(ctx, v.Store, recordingName(v.Session, "manifest.sig"))
	if errors.Is(err, ErrAbsent) {
		return v.tell(Problem{Object: "manifest.sig", What: "it is not there"})
	}
	if err != nil {
		return err
	}
	sig, err := base64.StdEncoding.DecodeString(string(text))
	if err != nil {
		return v.tell(Problem{Object: "manifest.sig", What: "it cannot be read"})
	}
	return v.signed(manifestV1, v.r.v1.text, sig, v.r.Key)
}

// segmentsV1 checks the chain, which is over hashes of objects, and the offsets.
func (v *verifier) segmentsV1(ctx context.Context) error {
	var chain []byte
	offset := uint64(0)
	for n, s := range v.r.Segments {
		object := fmt.Sprintf("segment-%04d.zst", n)
		chain = chainV1(chain, s.Hash)
		if hex.EncodeToString(chain) != s.Chain {
			if err := v.tell(Problem{Object: object, What: "the chain breaks here"}); err != nil {
				return err
			}
		}
		if s.N != n || s.From != offset+1 {
			if err := v.tell(Problem{Object: object, What: fmt.Sprintf("it starts at offset %d, after %d", s.From, offset)}); err != nil {
				return err
			}
		}
		content, err := v.r.SegmentBytes(ctx, n)
		if err == nil {
			err = eachOffset(content, s.From, s.To, func([]byte) {})
		}
		if err := v.note(object, err); err != nil {
			return err
		}
		offset = s.To
	}
	return v.whole(offset)
}

// publicKeyOf reads a public key; nil when it is none.
func publicKeyOf(text string) ed25519.PublicKey {
	b, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil
	}
	return b
}
