package proxy

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
	"github.com/klauspost/compress/zstd"
)

// maxCodings bounds how often a body may be encoded over again.
const maxCodings = 2

// zstdWindow is the largest window a browser accepts (RFC 9659).
const zstdWindow = 8 << 20

var known = []string{"gzip", "br", "zstd", "deflate"}

// offerEncodings leaves in Accept-Encoding what we can decode.
func offerEncodings(h http.Header) {
	var offer []string
	for _, line := range h["Accept-Encoding"] {
		for item := range strings.SplitSeq(line, ",") {
			name, _, _ := strings.Cut(strings.TrimSpace(item), ";")
			name = strings.ToLower(strings.TrimSpace(name))
			if name == "identity" || slices.Contains(known, name) {
				offer = append(offer, strings.TrimSpace(item))
			}
		}
	}
	if len(offer) == 0 {
		h.Set("Accept-Encoding", "identity")
		return
	}
	h.Set("Accept-Encoding", strings.Join(offer, ", "))
}

// codings lists a body's codings in the order in which they were applied; ok is
// false where one is unknown or there are too many.
func codings(h http.Header) (list []string, ok bool) {
	for _, line := range h["Content-Encoding"] {
		for name := range strings.SplitSeq(line, ",") {
			name = strings.ToLower(strings.TrimSpace(name))
			name = strings.TrimPrefix(name, "x-")
			switch {
			case name == "" || name == "identity":
			case !slices.Contains(known, name):
				return nil, false
			default:
				list = append(list, name)
			}
		}
	}
	return list, len(list) <= maxCodings
}

// decoder undoes the codings. Closing it closes src too.
func decoder(src io.ReadCloser, codings []string) (io.ReadCloser, error) {
	r := io.Reader(src)
	d := &decoding{src: src}
	for _, name := range slices.Backward(codings) {
		var err error
		if r, err = d.undo(r, name); err != nil {
			return nil, fmt.Errorf("content coding %s: %w", name, err)
		}
	}
	d.Reader = r
	return d, nil
}

type decoding struct {
	io.Reader
	src   io.Closer
	other []func()
}

func (d *decoding) Close() error {
	for _, f := range d.other {
		f()
	}
	return d.src.Close()
}

func (d *decoding) undo(r io.Reader, name string) (io.Reader, error) {
	switch name {
	case "gzip":
		return gzip.NewReader(r)
	case "br":
		return brotli.NewReader(r), nil
	case "zstd":
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(zstdWindow))
		if err != nil {
			return nil, err
		}
		d.other = append(d.other, z.Close)
		return z, nil
	default: // deflate: zlib by the standard, raw by some servers
		b := bufio.NewReader(r)
		head, err := b.Peek(2)
		if err == nil && head[0]&0x0f == 8 && (uint(head[0])<<8|uint(head[1]))%31 == 0 {
			return zlib.NewReader(b)
		}
		return flate.NewReader(b), nil
	}
}

// flushCloser is an encoder that can send what it has.
type flushCloser interface {
	io.WriteCloser
	Flush() error
}

type plainEncoder struct{ io.Writer }

func (plainEncoder) Flush() error { return nil }
func (plainEncoder) Close() error { return nil }

// encoder applies one coding again, at a level fit for streaming.
func encoder(w io.Writer, name string) (flushCloser, error) {
	switch name {
	case "gzip":
		return gzip.NewWriterLevel(w, 4)
	case "br":
		// The default window of 4 MB costs each open page as much several times over.
		return brotli.NewWriterOptions(w, brotli.WriterOptions{Quality: 3, LGWin: 18}), nil
	case "zstd":
		return zstd.NewWriter(w, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithWindowSize(1<<20))
	case "deflate":
		return zlib.NewWriterLevel(w, 4)
	default:
		return plainEncoder{w}, nil
	}
}
