package wacz

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"
)

// ErrDamaged is wrapped by errors that say what of a file is not as it was written.
var ErrDamaged = errors.New("damaged")

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrDamaged, fmt.Sprintf(format, args...))
}

const (
	aboutPath  = "datapackage.json"
	digestPath = "datapackage-digest.json"
	// maxText bounds what is read into memory whole, and maxHead a record's or
	// answer's head, in bytes.
	maxText = 256 << 20
	maxHead = 1 << 20
)

// File is a WACZ file that is read. It holds its index in memory.
type File struct{ zip *zip.Reader }

// Found is a response in a file, as it is read.
type Found struct {
	URL    string
	Time   time.Time
	Status int
	Head   []byte // of the answer, as it stands there
	Header http.Header
	Hash   string // SHA-256 of the body as it was read, hexadecimal
	Size   int64  // of the body, in bytes
}

// Open opens a file; an error for what is no zip.
func Open(file io.ReaderAt, size int64) (*File, error) {
	z, err := zip.NewReader(file, size)
	if err != nil {
		return nil, err
	}
	return &File{z}, nil
}

func (f *File) open(path string) (io.ReadCloser, error) {
	var found *zip.File
	for _, e := range f.zip.File {
		if e.Name == path && found != nil {
			return nil, damaged("%s is there twice", path)
		}
		if e.Name == path {
			found = e
		}
	}
	if found == nil {
		return nil, damaged("%s is not there", path)
	}
	r, err := found.Open()
	if err != nil {
		return nil, damaged("%s: %v", path, err)
	}
	return r, nil
}

// Has reports whether there is a file in the file.
func (f *File) Has(path string) bool {
	return slices.ContainsFunc(f.zip.File, func(e *zip.File) bool { return e.Name == path })
}

// Read returns a file in the file.
func (f *File) Read(path string) ([]byte, error) {
	r, err := f.open(path)
	if err != nil {
		return nil, err
	}
	b, err := io.ReadAll(io.LimitReader(r, maxText+1))
	switch err = errors.Join(err, r.Close()); {
	case err != nil:
		return nil, damaged("%s: %v", path, err)
	case len(b) > maxText:
		return nil, damaged("%s has more than %d bytes", path, maxText)
	}
	return b, nil
}

// Check compares what is in the file with what its own description says: that is
// good against mishaps, and says nothing of whoever wrote the file.
func (f *File) Check() error {
	about, err := f.Read(aboutPath)
	if err != nil {
		return err
	}
	text, err := f.Read(digestPath)
	if err != nil {
		return err
	}
	var digest struct{ Path, Hash string }
	sum := sha256.Sum256(about)
	if json.Unmarshal(text, &digest) != nil || digest.Path != aboutPath || digest.Hash != "sha256:"+hex.EncodeToString(sum[:]) {
		return damaged("%s: its hash is not that of %s", aboutPath, digestPath)
	}
	var list struct{ Resources []resource }
	if err := json.Unmarshal(about, &list); err != nil {
		return damaged("%s: %v", aboutPath, err)
	}
	told := map[string]bool{aboutPath: true, digestPath: true}
	for _, r := range list.Resources {
		if err := f.resource(r); err != nil {
			return err
		}
		told[r.Path] = true
	}
	for _, e := range f.zip.File {
		if !told[e.Name] {
			return damaged("%s is there, and not in %s", e.Name, aboutPath)
		}
	}
	return nil
}

func (f *File) resource(r resource) error {
	in, err := f.open(r.Path)
	if err != nil {
		return err
	}
	h := sha256.New()
	n, err := io.Copy(h, in)
	switch err = errors.Join(err, in.Close()); {
	case err != nil:
		return damaged("%s: %v", r.Path, err)
	case n != r.Bytes:
		return damaged("%s has %d bytes and not %d", r.Path, n, r.Bytes)
	case hashText(h) != r.Hash:
		return damaged("%s: its hash differs", r.Path)
	}
	return nil
}

// line is one of the index.
type line struct{ URL, Digest, Length, Offset, Filename string }

// index is where the index says that responses are, by their offsets.
func (f *File) index() (map[int64]line, error) {
	text, err := f.Read(indexPath)
	if err != nil {
		return nil, err
	}
	lines := map[int64]line{}
	for row := range strings.Lines(string(text)) {
		at := strings.IndexByte(row, '{')
		var l line
		if at < 0 || json.Unmarshal([]byte(row[at:]), &l) != nil {
			return nil, damaged("%s: %q is no line of an index", indexPath, strings.TrimSpace(row))
		}
		offset, err := strconv.ParseInt(l.Offset, 10, 64)
		if _, twice := lines[offset]; err != nil || twice || l.Filename != "data.warc.gz" {
			return nil, damaged("%s: a response is at %q of %q", indexPath, l.Offset, l.Filename)
		}
		lines[offset] = l
	}
	return lines, nil
}

// counting counts what is read through it.
type counting struct {
	r io.Reader
	n int64
}

// Read implements io.Reader.
func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

// Responses reads all archived responses in order and yields them, after comparing
// each with its digest and with the index, which has to lead to each of them and to
// nothing else. It holds none of them in memory.
func (f *File) Responses(yield func(Found) error) error {
	lines, err := f.index()
	if err != nil {
		return err
	}
	in, err := f.open(warcPath)
	if err != nil {
		return err
	}
	defer in.Close()
	count := &counting{r: in}
	b := bufio.NewReaderSize(count, 64<<10)
	var z *gzip.Reader
	for n := 0; ; n++ {
		at := count.n - int64(b.Buffered())
		if _, err := b.Peek(1); errors.Is(err, io.EOF) {
			break
		}
		if z == nil {
			z, err = gzip.NewReader(b)
		} else {
			err = z.Reset(b)
		}
		if err != nil {
			return damaged("%s: record %d: %v", warcPath, n, err)
		}
		z.Multistream(false)
		found, kind, digest, err := readRecord(z)
		if err != nil {
			return damaged("%s: record %d: %v", warcPath, n, err)
		}
		if kind == "warcinfo" && n == 0 {
			continue
		}
		length := count.n - int64(b.Buffered()) - at
		l, indexed := lines[at]
		if kind != "response" || !indexed || l.URL != found.URL || l.Digest != digest || l.Length != strconv.FormatInt(length, 10) || digest != "sha256:"+found.Hash {
			return damaged("%s: record %d, of %s, is another than its digest or the index tells", warcPath, n, found.URL)
		}
		delete(lines, at)
		if err := yield(found); err != nil {
			return err
		}
	}
	for _, l := range lines {
		return damaged("%s: %s is not there", warcPath, l.URL)
	}
	return nil
}

// readRecord reads a WARC record to its end.
func readRecord(r io.Reader) (f Found, kind, digest string, err error) {
	b := bufio.NewReader(r)
	version, head, err := readHead(b)
	if err != nil || version != "WARC/1.1" {
		return f, "", "", errors.Join(err, fmt.Errorf("%q begins no record", version))
	}
	h := textproto.MIMEHeader(head)
	size, err := strconv.ParseInt(h.Get("Content-Length"), 10, 64)
	if err != nil || size < 0 {
		return f, "", "", fmt.Errorf("its length is %q", h.Get("Content-Length"))
	}
	if f.Time, err = time.Parse(time.RFC3339Nano, h.Get("WARC-Date")); err != nil {
		return f, "", "", err
	}
	kind, digest, f.URL = h.Get("WARC-Type"), h.Get("WARC-Payload-Digest"), h.Get("WARC-Target-URI")
	block := &io.LimitedReader{R: b, N: size}
	if kind == "response" {
		err = f.read(block)
	} else {
		_, err = io.Copy(io.Discard, block)
	}
	end, rerr := io.ReadAll(io.LimitReader(b, 5))
	if err = errors.Join(err, rerr); err == nil && (block.N > 0 || string(end) != "\r\n\r\n") {
		err = errors.New("it does not end as records end")
	}
	return f, kind, digest, err
}

// readRows reads lines up to an empty one, and that.
func readRows(b *bufio.Reader) ([]byte, error) {
	var head []byte
	for begun := 0; ; {
		row, err := b.ReadSlice('\n')
		head = append(head, row...)
		switch {
		case len(head) > maxHead:
			return nil, errors.New("its head does not end")
		case errors.Is(err, bufio.ErrBufferFull):
			continue
		case err != nil:
			return nil, err
		case len(bytes.TrimRight(head[begun:], "\r\n")) == 0:
			return head, nil
		}
		begun = len(head)
	}
}

// readHead reads lines up to an empty one: the first, and fields.
func readHead(b *bufio.Reader) (first string, fields http.Header, err error) {
	text, err := readRows(b)
	if err != nil {
		return "", nil, err
	}
	in := textproto.NewReader(bufio.NewReader(bytes.NewReader(text)))
	if first, err = in.ReadLine(); err != nil {
		return "", nil, err
	}
	h, err := in.ReadMIMEHeader()
	return first, http.Header(h), err
}

// read takes an HTTP answer apart.
func (f *Found) read(r io.Reader) error {
	b := bufio.NewReaderSize(r, 64<<10)
	var err error
	if f.Head, err = readRows(b); err != nil {
		return err
	}
	first, header, err := readHead(bufio.NewReader(bytes.NewReader(f.Head)))
	if err != nil {
		return err
	}
	f.Header = header
	_, status, _ := strings.Cut(first, " ")
	status, _, _ = strings.Cut(status, " ")
	if f.Status, err = strconv.Atoi(status); err != nil {
		return fmt.Errorf("%q begins no answer", first)
	}
	sum := sha256.New()
	f.Size, err = io.Copy(sum, b)
	f.Hash = hex.EncodeToString(sum.Sum(nil))
	return err
}
