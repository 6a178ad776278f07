// Package wacz writes WACZ 1.1.1 files: a zip of archived responses in WARC/1.1,
// an index of them and a list of pages, as web archive players open it. It
// writes as it goes: what it holds in memory is a line of index for each
// response.
package wacz

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"time"
)

// Info describes the file.
type Info struct {
	Title       string
	Description string
	Created     time.Time
	Software    string
}

// Page is where a reader may start: a response under the same URL and time has
// to be in the file.
type Page struct {
	URL   string
	Title string
	Time  time.Time
}

const (
	warcPath  = "archive/data.warc.gz"
	indexPath = "indexes/index.cdxj"
	pagesPath = "pages/pages.jsonl"
)

// Writer writes one file. Responses come first, then Close writes the rest. It
// is not safe for concurrent use.
type Writer struct {
	info  Info
	zip   *zip.Writer
	warc  *entry
	index []string
	pages []Page
	files []file
	parts []resource
	err   error
}

// entry is a file of the zip that is being written.
type entry struct {
	path string
	w    io.Writer
	hash hash.Hash
	size int64
}

// Write implements io.Writer.
func (e *entry) Write(p []byte) (int, error) {
	n, err := e.w.Write(p)
	_, _ = e.hash.Write(p[:n]) // never fails (hash.Hash)
	e.size += int64(n)
	return n, err
}

// resource is how the package's description lists a file.
type resource struct {
	Name  string `json:"name"`
	Path  string `json:"path"`
	Hash  string `json:"hash"`
	Bytes int64  `json:"bytes"`
}

// NewWriter starts a file on w, which it does not close.
func NewWriter(w io.Writer, info Info) (*Writer, error) {
	out := &Writer{info: info, zip: zip.NewWriter(w)}
	// Responses are compressed one by one, so that a reader takes each from where it is.
	warc, err := out.begin(warcPath, zip.Store)
	if err != nil {
		return nil, err
	}
	out.warc = warc
	return out, out.warcinfo()
}

func (w *Writer) begin(path string, method uint16) (*entry, error) {
	f, err := w.zip.CreateHeader(&zip.FileHeader{Name: path, Method: method, Modified: w.info.Created})
	return &entry{path: path, w: f, hash: sha256.New()}, err
}

func (w *Writer) end(e *entry) {
	w.parts = append(w.parts, resource{Name: e.path[strings.LastIndexByte(e.path, '/')+1:], Path: e.path, Hash: hashText(e.hash), Bytes: e.size})
}

func hashText(h hash.Hash) string { return "sha256:" + hex.EncodeToString(h.Sum(nil)) }

// file is one that stands beside what a WACZ has.
type file struct {
	path    string
	content []byte
}

// Add adds a file of the caller's own, for those who know what it is. It is held in
// memory until Close.
func (w *Writer) Add(path string, content []byte) { w.files = append(w.files, file{path, content}) }

// Page adds to the list of pages.
func (w *Writer) Page(p Page) { w.pages = append(w.pages, p) }

// Close writes the index, the pages and the package's description.
func (w *Writer) Close() error {
	if w.err != nil {
		return w.err
	}
	w.end(w.warc)
	slices.Sort(w.index)
	index, err := w.begin(indexPath, zip.Store)
	if err != nil {
		return err
	}
	for _, line := range w.index {
		if _, err := io.WriteString(index, line+"\n"); err != nil {
			return err
		}
	}
	w.end(index)
	if err := w.writePages(); err != nil {
		return err
	}
	for _, f := range w.files {
		e, err := w.begin(f.path, zip.Store)
		if err != nil {
			return err
		}
		if _, err := e.Write(f.content); err != nil {
			return err
		}
		w.end(e)
	}
	return errors.Join(w.describe(), w.zip.Close())
}

func (w *Writer) writePages() error {
	pages, err := w.begin(pagesPath, zip.Deflate)
	if err != nil {
		return err
	}
	out := json.NewEncoder(pages)
	if err := out.Encode(map[string]string{"format": "json-pages-1.0", "id": "pages", "title": "All Pages"}); err != nil {
		return err
	}
	for i, p := range w.pages {
		line := map[string]string{"id": fmt.Sprintf("page-%d", i+1), "url": p.URL, "ts": p.Time.UTC().Format(time.RFC3339Nano), "title": p.Title}
		if err := out.Encode(line); err != nil {
			return err
		}
	}
	w.end(pages)
	return nil
}

// describe writes the description, and the hash of it.
func (w *Writer) describe() error {
	about := map[string]any{
		"profile": "data-package", "wacz_version": "1.1.1", "resources": w.parts, "title": w.info.Title, "description": w.info.Description,
		"created": w.info.Created.UTC().Format(time.RFC3339), "software": w.info.Software,
	}
	if len(w.pages) > 0 {
		about["mainPageUrl"] = w.pages[0].URL
		about["mainPageDate"] = w.pages[0].Time.UTC().Format(time.RFC3339Nano)
	}
	description, err := w.begin(aboutPath, zip.Deflate)
	if err != nil {
		return err
	}
	if err := json.NewEncoder(description).Encode(about); err != nil {
		return err
	}
	digest, err := w.begin(digestPath, zip.Deflate)
	if err != nil {
		return err
	}
	return json.NewEncoder(digest).Encode(map[string]string{"path": aboutPath, "hash": hashText(description.hash)})
}
