package proxy

import (
	"errors"
	"io"
)

// keeper remembers what was read of a coded body, until it is told to forget.
type keeper struct {
	src     io.Reader
	kept    []byte
	lost    bool // nothing is kept any more
	read    int64
	decoded int64
}

// sip is how much a decoder gets at once while the original can still be sent:
// what it reads ahead would hide how far the rest unfolds.
const sip = 1 << 10

func (k *keeper) Read(b []byte) (int, error) {
	if !k.lost && len(b) > sip {
		b = b[:sip]
	}
	n, err := k.src.Read(b)
	k.read += int64(n)
	if !k.lost {
		k.kept = append(k.kept, b[:n]...)
	}
	return n, err
}

func (k *keeper) size() int {
	if k == nil {
		return 0
	}
	return len(k.kept)
}

func (k *keeper) forget() { k.kept, k.lost = nil, true }

var errBomb = errors.New("it unfolds to far more than pages do")

// unfolds notes that n bytes more were decoded, and tells whether that is far
// more than pages unfold to. It fails where there is no end to it.
func (k *keeper) unfolds(n int) (suspect bool, err error) {
	k.decoded += int64(n)
	if k.decoded > maxDecoded {
		return true, errBomb
	}
	return k.decoded > k.read*maxRatio, nil
}
