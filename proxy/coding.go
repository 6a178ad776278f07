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

// offerEncodings leaves in Accept-Encoding what we can decode. store is where
// its one line stands.
func offerEncodings(h http.Header, store *[1]string) {
	lines := h["Accept-Encoding"]
	if len(lines) == 1 && allKnown(lines[0]) {
		return
	}
	var offer []string
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			if isKnown(item) {
				offer = append(offer, strings.TrimSpace(item))
			}
		}
	}
	store[0] = "identity"
	if len(offer) > 0 {
		store[0] = strings.Join(offer, ", ")
	}
	h["Accept-Encoding"] = store[:]
}

func allKnown(line string) bool {
	for item := range strings.SplitSeq(line, ",") {
		if !isKnown(item) {
			return false
		}
	}
	return true
}

func isKnown(item string) bool {
	name, _ := codingItem(item)
	return name == "identity" || slices.Contains(known, name)
}

// codingItem reads one item of Accept-Encoding; refused has a weight of 0.
func codingItem(item string) (name string, refused bool) {
	name, weight, _ := strings.Cut(strings.TrimSpace(item), ";")
	_, q, has := strings.Cut(weight, "=")
	q = strings.TrimSpace(q)
	return strings.ToLower(strings.TrimSpace(name)), has && q != "" && strings.Trim(q, "0.") == ""
}

// chooseCoding chooses the coding of a changed body, by what it costs us: zstd
// compresses as fast as we read, gzip at a third of that, brotli cannot be
// flushed cheaply. Empty where the browser takes none of them.
func chooseCoding(lines []string) string {
	best := len(preferred)
	for _, line := range lines {
		for item := range strings.SplitSeq(line, ",") {
			name, refused := codingItem(item)
			if i := slices.Index(preferred, name); i >= 0 && i < best && !refused {
				best = i
			}
		}
	}
	if best == len(preferred) {
		return ""
	}
	return preferred[best]
}

var preferred = []string{"zstd", "gzip", "br"}

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
			d.free()
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

func (d *decoding) free() {
	for _, f := range d.other {
		f()
	}
	d.other = nil
}

func (d *decoding) Close() error {
	d.free()
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
