package replayui

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/pillion-dev/pillion/archive"
)

// ExportFile is an exported HTML page as the store that its recording is in, so
// that what checks a recording in an archive checks one in a file. It reads, and
// holds where the parts are.
type ExportFile struct {
	file  io.ReaderAt
	parts map[string][]span
	// Session is the recording's.
	Session string
	// Player reports whether the script in the file is that of this program: if
	// not, what the page says of itself is another program's word.
	Player bool
}

// span is where a piece of a part is in the file, in base64.
type span struct{ from, size int64 }

var errReadOnly = errors.New("an exported file is read only")

const (
	partStart = `<script type="application/pillion-part" data-part="`
	partEnd   = "</script>"
	// maxLine is longer than any line that ExportHTML writes but the player's own.
	maxLine = 2 << 20
)

// OpenExportFile finds the parts in an exported page; an error for what is none.
func OpenExportFile(file io.ReaderAt, size int64) (*ExportFile, error) {
	files, err := bundle()
	if err != nil {
		return nil, err
	}
	e := &ExportFile{file: file, parts: map[string][]span{}}
	in := bufio.NewReaderSize(io.NewSectionReader(file, 0, size), maxLine)
	at := int64(0)
	for {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			e.line(line, at)
			at += int64(len(line))
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			if errors.Is(err, io.EOF) {
				break
			}
			return nil, err
		}
	}
	text, err := archive.ReadObject(context.Background(), e, "top")
	if err != nil {
		return nil, errors.New("this is no exported recording: it has no top")
	}
	var top struct{ Recording string }
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if err := json.Unmarshal(line, &top); err != nil {
		return nil, fmt.Errorf("the top in the file is %w: %w", archive.ErrDamaged, err)
	}
	e.Session = top.Recording
	script := append([]byte(`<script type="module">`), files["offline.js"].plain...)
	e.Player, err = e.holds(append(script, partEnd...), size)
	return e, err
}

func (e *ExportFile) line(line []byte, at int64) {
	rest, ok := bytes.CutPrefix(line, []byte(partStart))
	if !ok {
		return
	}
	name, rest, ok := bytes.Cut(rest, []byte(`">`))
	end := bytes.Index(rest, []byte(partEnd))
	if !ok || end < 0 {
		return // cut short: what checks the parts misses it
	}
	from := at + int64(len(partStart)+len(name)+len(`">`))
	e.parts[string(name)] = append(e.parts[string(name)], span{from, int64(end)})
}

// holds reports whether the first script in the file is the one that is wanted:
// what came before it could have run first.
func (e *ExportFile) holds(script []byte, size int64) (bool, error) {
	head := make([]byte, min(size, int64(len(script))+256<<10))
	if _, err := e.file.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return false, err
	}
	at := bytes.Index(head, script)
	return at >= 0 && bytes.Count(bytes.ToLower(head[:at]), []byte("<script")) == 0, nil
}

// partOf is the part that an object's name means.
func partOf(name string) string {
	if rest, ok := strings.CutPrefix(name, "blobs/"); ok {
		return "assets/sha256-" + strings.ReplaceAll(rest, "/", "")
	}
	return name[strings.LastIndexByte(name, '/')+1:]
}

// Open implements archive.Store.
func (e *ExportFile) Open(_ context.Context, name string) (io.ReadCloser, error) {
	spans, ok := e.parts[partOf(name)]
	if !ok {
		return nil, archive.ErrAbsent
	}
	pieces := make([]io.Reader, len(spans))
	for i, s := range spans {
		pieces[i] = base64.NewDecoder(base64.StdEncoding, io.NewSectionReader(e.file, s.from, s.size))
	}
	return io.NopCloser(lenient{io.MultiReader(pieces...)}), nil
}

// lenient ends where base64 does: a part that was spoilt is a damaged one, and
// no fault of the disk.
type lenient struct{ io.Reader }

// Read implements io.Reader.
func (l lenient) Read(p []byte) (int, error) {
	n, err := l.Reader.Read(p)
	var spoilt base64.CorruptInputError
	if errors.As(err, &spoilt) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = io.EOF
	}
	return n, err
}

// Stat implements archive.Store.
func (e *ExportFile) Stat(ctx context.Context, name string) (archive.Object, error) {
	r, err := e.Open(ctx, name)
	if err != nil {
		return archive.Object{}, err
	}
	n, err := io.Copy(io.Discard, r)
	return archive.Object{Name: name, Size: n}, err
}

// List implements archive.Store: the names in a file are those that its manifest tells.
func (e *ExportFile) List(context.Context, string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) { yield(archive.Object{}, errReadOnly) }
}

// Put implements archive.Store; it fails.
func (e *ExportFile) Put(context.Context, string, io.ReaderAt, int64) error { return errReadOnly }

// Delete implements archive.Store; it fails.
func (e *ExportFile) Delete(context.Context, string) error { return errReadOnly }

var _ archive.Store = (*ExportFile)(nil)
