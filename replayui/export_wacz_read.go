package replayui

import (
	"bytes"
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/wacz"
)

// WebArchive is a WACZ that [ExportWACZ] wrote, to be verified.
type WebArchive struct {
	file *wacz.File
	// Session is the recording's.
	Session string
	// Responses were as they were sealed; Pages are renderings of page states, which
	// nothing in the file attests. Both are counted by Verify.
	Responses, Pages int
}

// OpenWebArchive opens a WACZ; an error for one that holds nothing that was sealed.
func OpenWebArchive(file io.ReaderAt, size int64) (*WebArchive, error) {
	f, err := wacz.Open(file, size)
	if err != nil {
		return nil, err
	}
	text, err := f.Read(sealedPrefix + "top")
	if err != nil {
		return nil, fmt.Errorf("this is no web archive that can be verified: it bears no signed top (%w)", err)
	}
	var top struct{ Recording string }
	line, _, _ := bytes.Cut(text, []byte("\n"))
	if err := json.Unmarshal(line, &top); err != nil {
		return nil, fmt.Errorf("the top in the file is %w: %w", archive.ErrDamaged, err)
	}
	return &WebArchive{file: f, Session: top.Recording}, nil
}

// Verify checks the file against its own description, the top in it by what says so
// (Store, Session and Bare are set here), and each response by the manifest that the
// top names: URL, status, headers, time and content. It returns what is wrong.
func (a *WebArchive) Verify(ctx context.Context, by archive.Verifying) ([]archive.Problem, error) {
	by.Store, by.Session, by.Bare = sealedFiles{a.file}, a.Session, true
	if err := a.file.Check(); err != nil {
		return problemOf(err)
	}
	m, problems, err := archive.VerifyManifest(ctx, by)
	if err != nil || m == nil {
		return problems, err
	}
	check := responses{left: map[string][]archive.PageCapture{}, all: by.All, problems: problems}
	for _, c := range m.Captures {
		key := responseKey(c.URL, c.Ref, c.Location)
		check.left[key] = append(check.left[key], c)
	}
	check.seen = map[string]bool{}
	if err := a.file.Responses(check.look); err != nil && !errors.Is(err, errEnoughKnown) {
		more, err := problemOf(err)
		return append(check.problems, more...), err
	}
	a.Responses, a.Pages = check.good, check.pages
	for _, c := range m.Captures {
		if key := responseKey(c.URL, c.Ref, c.Location); (c.Ref != "" || c.Location != "") && !check.seen[key] && (by.All || len(check.problems) == 0) {
			check.seen[key] = true
			check.problems = append(check.problems, archive.Problem{URL: c.URL, Ref: c.Ref, What: "it is not in the file"})
		}
	}
	return check.problems, nil
}

// Stamp is what an authority attested of the recording: archive.ErrAbsent where the
// file bears no time stamp.
func (a *WebArchive) Stamp(ctx context.Context, roots *x509.CertPool) (archive.Stamp, error) {
	return archive.ReadStamp(ctx, sealedFiles{a.file}, a.Session, roots)
}

// problemOf turns damage into a problem.
func problemOf(err error) ([]archive.Problem, error) {
	if errors.Is(err, wacz.ErrDamaged) {
		return []archive.Problem{{What: err.Error()}}, nil
	}
	return nil, err
}

var errEnoughKnown = errors.New("enough is known")

func responseKey(url string, ref archive.Ref, location string) string {
	return url + " " + string(ref) + " " + location
}

// responses are held against what was sealed.
type responses struct {
	left        map[string][]archive.PageCapture
	seen        map[string]bool
	all         bool
	good, pages int
	problems    []archive.Problem
}

func (r *responses) look(f wacz.Found) error {
	if f.Header.Get(markedAs) != "" && f.Header.Get("Content-Type") == "text/html; charset=utf-8" && f.Status == http.StatusOK {
		r.pages++
		return nil
	}
	ref := archive.Ref("sha256-" + f.Hash)
	if f.Size == 0 && f.Header.Get("Location") != "" {
		ref = ""
	}
	what := "no file of the recording has this content under this address"
	for _, c := range r.left[responseKey(f.URL, ref, location(&f, ref))] {
		r.seen[responseKey(c.URL, c.Ref, c.Location)] = true
		want := responseOf(c)
		want.Size = f.Size
		if what = "its status, headers or time are not those that were sealed"; bytes.Equal(wacz.Head(want), f.Head) && (c.Time.IsZero() || c.Time.Truncate(time.Microsecond).Equal(f.Time)) {
			r.good++
			return nil
		}
	}
	if r.problems = append(r.problems, archive.Problem{URL: f.URL, Ref: archive.Ref("sha256-" + f.Hash), What: what}); !r.all {
		return errEnoughKnown
	}
	return nil
}

// location is where a redirect leads; empty for a response with content.
func location(f *wacz.Found, ref archive.Ref) string {
	if ref != "" {
		return ""
	}
	return f.Header.Get("Location")
}

// sealedFiles are what was sealed, in a WACZ, as a store that is read.
type sealedFiles struct{ file *wacz.File }

// Open implements archive.Store.
func (s sealedFiles) Open(_ context.Context, name string) (io.ReadCloser, error) {
	name = sealedPrefix + name[strings.LastIndexByte(name, '/')+1:]
	if !s.file.Has(name) {
		return nil, archive.ErrAbsent
	}
	b, err := s.file.Read(name)
	if err != nil {
		return nil, fmt.Errorf("%s is %w: %w", name, archive.ErrDamaged, err)
	}
	return io.NopCloser(bytes.NewReader(b)), nil
}

// Stat implements archive.Store.
func (s sealedFiles) Stat(ctx context.Context, name string) (archive.Object, error) {
	r, err := s.Open(ctx, name)
	if err != nil {
		return archive.Object{}, err
	}
	n, err := io.Copy(io.Discard, r)
	return archive.Object{Name: name, Size: n}, cmp.Or(err, r.Close())
}

// List implements archive.Store; it fails.
func (s sealedFiles) List(context.Context, string) iter.Seq2[archive.Object, error] {
	return func(yield func(archive.Object, error) bool) { yield(archive.Object{}, errReadOnly) }
}

// Put implements archive.Store; it fails.
func (s sealedFiles) Put(context.Context, string, io.ReaderAt, int64) error { return errReadOnly }

// Delete implements archive.Store; it fails.
func (s sealedFiles) Delete(context.Context, string) error { return errReadOnly }

var _ archive.Store = sealedFiles{}
