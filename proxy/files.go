package proxy

import (
	"crypto/sha256"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"
)

// Files is told of the files that users send to the site, and get from it to be
// saved. It never waits.
type Files interface {
	// Watched reports whether the files of a visit are of interest.
	Watched(visit string) bool
	// Passed is told of a file that has passed, or of as much of it as did.
	Passed(f File)
}

// File is a file that passed.
type File struct {
	Visit string
	URL   string // absolute, as the browser sees it: where it was sent to, or got from
	Up    bool   // the user sent it
	Name  string // as the browser or the site calls it, without folders; empty for none
	Type  string // media type
	Size  int64  // bytes that passed
	Hash  []byte // SHA-256; nil where not all of it was seen
	Time  time.Time
}

const (
	maxFileParts = 100     // of one form
	maxFileName  = 255     // bytes
	maxFormText  = 1 << 30 // of parts that are no files: they are passed over
)

// watched is who is told of the exchange's files; nil for nobody.
func (x *exchange) watched(g *Gateway) Files {
	if g.opts.Files == nil || x.visit == "" || x.third != nil || !g.opts.Files.Watched(x.visit) {
		return nil
	}
	return g.opts.Files
}

// watchUpload looks at the files in a request's body as it streams past. The
// request does not wait: what does not keep up is given up.
func (g *Gateway) watchUpload(x *exchange) {
	if !hasBody(x.in) || x.in.Method != http.MethodPost && x.in.Method != http.MethodPut && x.in.Method != http.MethodPatch {
		return
	}
	kind, params, err := mime.ParseMediaType(x.in.Header.Get("Content-Type"))
	form := kind == "multipart/form-data" && params["boundary"] != ""
	if err != nil || !form && !isFile(kind) || x.in.Header.Get("Content-Encoding") != "" {
		return
	}
	files := x.watched(g)
	if files == nil {
		return
	}
	f := File{Visit: x.visit, URL: x.pageURL(), Up: true, Type: kind, Time: time.Now().UTC()}
	if !form {
		f.Name = fileName(x.in.Header.Get("Content-Disposition"), "")
	}
	s := newSinkQueue(g.metrics.teeLost.Inc)
	go func() { // it ends with the body
		if form {
			formFiles(s, params["boundary"], f, files)
		} else {
			f.pass(s, files)
		}
		s.end(false) // nothing more is waited for
	}()
	x.in.Body = &tee{src: x.in.Body, sink: s}
}

// formFiles tells of the files in a form (RFC 7578).
func formFiles(body io.Reader, boundary string, f File, files Files) {
	form := multipart.NewReader(body, boundary)
	for range maxFileParts {
		part, err := form.NextRawPart()
		if err != nil {
			return
		}
		if part.FileName() == "" {
			if n, err := io.Copy(io.Discard, io.LimitReader(part, maxFormText)); err != nil || n == maxFormText {
				return
			}
			continue
		}
		one := f
		one.Name = cutName(part.FileName())
		one.Type, _, _ = mime.ParseMediaType(part.Header.Get("Content-Type")) // empty where it is none
		one.pass(part, files)
	}
}

// pass reads a file to its end and tells of it.
func (f File) pass(body io.Reader, files Files) {
	sum := sha256.New()
	n, err := io.Copy(sum, body)
	f.Size = n
	if err == nil {
		f.Hash = sum.Sum(nil)
	}
	if n > 0 {
		files.Passed(f)
	}
}

// isFile tells bodies that are a file from those that scripts make.
func isFile(kind string) bool {
	switch kind {
	case "application/pdf", "application/zip", "application/gzip", "application/msword", "application/rtf", "text/csv":
		return true
	}
	top, rest, _ := strings.Cut(kind, "/")
	return top == "image" || top == "audio" || top == "video" || strings.HasPrefix(rest, "vnd.openxmlformats") || strings.HasPrefix(rest, "vnd.oasis") || strings.HasPrefix(rest, "vnd.ms-")
}

// download tells whether an answer is a file to be saved, or a document that is
// shown like one.
func download(x *exchange, resp *http.Response, kind string) bool {
	if x.in.Method != http.MethodGet && x.in.Method != http.MethodPost || resp.StatusCode != http.StatusOK || resp.Body == http.NoBody {
		return false
	}
	if isAttachment(resp.Header) {
		return true
	}
	if kind == "application/pdf" {
		return x.document
	}
	if x.in.Header.Get("Sec-Fetch-Mode") != "navigate" { // links that are to be saved say so, too
		return false
	}
	top, _, _ := strings.Cut(kind, "/")
	shown := kind == "" || top == "text" || top == "image" || top == "audio" || top == "video" || kind == "application/xhtml+xml" || kind == "application/xml" || kind == "application/json"
	return !shown || x.in.Header.Get("Sec-Fetch-Dest") == "empty"
}

// watchDownload looks at a file on its way to the user.
func (g *Gateway) watchDownload(x *exchange, resp *http.Response, kind string) {
	if g.opts.Files == nil || !download(x, resp, kind) {
		return
	}
	list, ok := codings(resp.Header)
	files := x.watched(g)
	if files == nil || !ok {
		return
	}
	f := File{Visit: x.visit, URL: x.pageURL(), Type: kind, Time: time.Now().UTC()}
	f.Name = fileName(resp.Header.Get("Content-Disposition"), f.URL)
	resp.Body = &tee{src: resp.Body, sink: newDecodingSink(&saving{f: f, sum: sha256.New(), files: files}, list, g.metrics.teeLost.Inc)}
}

// saving is an AssetWriter that takes no more than the hash.
type saving struct {
	f     File
	sum   hash.Hash
	files Files
}

func (s *saving) Write(p []byte) (int, error) {
	s.f.Size += int64(len(p))
	return s.sum.Write(p)
}

func (s *saving) Commit() {
	s.f.Hash = s.sum.Sum(nil)
	s.files.Passed(s.f)
}

func (s *saving) Abort() {
	if s.f.Size > 0 {
		s.files.Passed(s.f)
	}
}

// fileName is what a file is called, by its Content-Disposition or its address.
func fileName(disposition, at string) string {
	if _, params, err := mime.ParseMediaType(disposition); err == nil && params["filename"] != "" {
		return cutName(params["filename"])
	}
	u, err := url.Parse(at)
	if err != nil || u.Path == "" || strings.HasSuffix(u.Path, "/") {
		return ""
	}
	return cutName(u.Path)
}

// cutName is a name without folders, as long as file systems have them.
func cutName(name string) string {
	name = path.Base(strings.ReplaceAll(name, `\`, "/"))
	name = strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r == 0xFFFD {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	if len(name) > maxFileName {
		name = strings.ToValidUTF8(name[:maxFileName], "")
	}
	return name
}
