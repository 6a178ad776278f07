package proxy

import (
	"bytes"
	"errors"
	"io"

	"github.com/pillion-dev/pillion/rewrite"
)

// document streams a page: decode, add the tag, encode again. It reads as much
// as the upstream has, never more, so that the first byte waits for nothing.
type document struct {
	src     io.ReadCloser
	codings []string
	x       *exchange
	opts    rewrite.Options
	policy  func(value string) string // edits the policies in the page itself

	body io.ReadCloser // src, decoded
	inj  transform
	enc  flushCloser
	out  bytes.Buffer
	in   []byte
	err  error
}

func newDocument(src io.ReadCloser, codings []string, opts rewrite.Options, policy func(string) string, x *exchange) *document {
	return &document{src: src, codings: codings, opts: opts, policy: policy, x: x}
}

// start is left to the first Read: a decoder reads its header at once.
func (d *document) start() error {
	var err error
	if d.body, err = decoder(d.src, d.codings); err != nil {
		return err
	}
	last := ""
	if n := len(d.codings); n > 0 {
		last = d.codings[n-1]
	}
	if d.enc, err = encoder(&d.out, last); err != nil {
		return err
	}
	d.in = make([]byte, 16<<10)
	return nil
}

func (d *document) Read(p []byte) (int, error) {
	if d.out.Len() == 0 && d.copies() {
		return d.body.Read(p)
	}
	for d.out.Len() == 0 && d.err == nil {
		d.err = d.step()
	}
	if d.out.Len() > 0 {
		return d.out.Read(p)
	}
	if !errors.Is(d.err, io.EOF) {
		d.x.broken = d.err
	}
	return 0, d.err
}

// copies reports whether the rest passes as it comes: past the head, uncoded.
func (d *document) copies() bool {
	return d.err == nil && len(d.codings) == 0 && d.inj != nil && d.inj.Done()
}

func (d *document) step() error {
	if d.body == nil {
		if err := d.start(); err != nil {
			return err
		}
	}
	n, err := d.body.Read(d.in)
	if n > 0 {
		if werr := d.write(d.in[:n]); werr != nil {
			return werr
		}
	}
	if err == io.EOF {
		if cerr := d.finish(); cerr != nil {
			return cerr
		}
	}
	return err
}

func (d *document) write(p []byte) error {
	if d.inj == nil {
		d.inj = d.injector(p)
	}
	if _, err := d.inj.Write(p); err != nil {
		return err
	}
	return d.enc.Flush()
}

// injector looks at the first bytes: what does not start like markup (JSON or a
// fragment of text under a page's label) and UTF-16 pass unchanged.
func (d *document) injector(first []byte) transform {
	text := bytes.TrimLeft(bytes.TrimPrefix(first, []byte("\xEF\xBB\xBF")), " \t\r\n\f")
	if len(text) > 0 && text[0] != '<' || bytes.HasPrefix(first, []byte("\xFE\xFF")) || bytes.HasPrefix(first, []byte("\xFF\xFE")) {
		if d.x.in.Header.Get("Sec-Fetch-Dest") == "" || first[0] >= 0xFE {
			return untouched{d.enc}
		}
	}
	policies := rewrite.EditPolicies(d.enc, d.policy)
	return chained{rewrite.Inject(policies, d.opts), policies}
}

// transform changes a page until it is done; from there on it only copies.
type transform interface {
	io.WriteCloser
	Done() bool
}

// chained closes what its writer writes to after it.
type chained struct{ first, next transform }

func (c chained) Write(p []byte) (int, error) { return c.first.Write(p) }

func (c chained) Done() bool { return c.first.Done() && c.next.Done() }

func (c chained) Close() error {
	if err := c.first.Close(); err != nil {
		return err
	}
	return c.next.Close()
}

// untouched is the transform of what is no page.
type untouched struct{ flushCloser }

func (untouched) Done() bool   { return true }
func (untouched) Close() error { return nil } // the encoder is closed by its owner

func (d *document) finish() error {
	if d.inj == nil { // an empty page stays empty
		return d.enc.Close()
	}
	if err := d.inj.Close(); err != nil {
		return err
	}
	return d.enc.Close()
}

// Close releases the decoder and the upstream's body.
func (d *document) Close() error {
	if d.body != nil {
		return d.body.Close()
	}
	return d.src.Close()
}
