package proxy

import (
	"io"
	"sync"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// encoder applies a coding to a body that was changed. It can send what it has,
// and is used again after release.
type encoder interface {
	io.WriteCloser
	Flush() error
	release()
}

// resettable is what the libraries' encoders have in common.
type resettable interface {
	io.WriteCloser
	Flush() error
	Reset(w io.Writer)
}

type pooled struct {
	resettable
	pool *sync.Pool
}

func (e *pooled) release() {
	e.Reset(nil)
	e.pool.Put(e)
}

var encoders = map[string]*sync.Pool{
	"gzip": encoderPool(func() resettable {
		z, _ := gzip.NewWriterLevel(nil, gzip.BestSpeed) // the level is known
		return z
	}),
	// A small window: pages repeat themselves nearby, and each open page costs
	// the encoder several times its window.
	"zstd": encoderPool(func() resettable {
		z, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest),
			zstd.WithWindowSize(128<<10), zstd.WithLowerEncoderMem(true), zstd.WithEncoderCRC(false)) // the options are known
		return z
	}),
	"br": encoderPool(func() resettable {
		return brotli.NewWriterOptions(nil, brotli.WriterOptions{Quality: 1, LGWin: 18})
	}),
}

func encoderPool(start func() resettable) *sync.Pool {
	p := &sync.Pool{}
	p.New = func() any { return &pooled{start(), p} }
	return p
}

// newEncoder returns an encoder for one of the preferred codings.
func newEncoder(w io.Writer, coding string) encoder {
	e := encoders[coding].Get().(*pooled)
	e.Reset(w)
	return e
}
