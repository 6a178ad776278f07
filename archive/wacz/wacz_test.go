package wacz_test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive/wacz"
)

var day = time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)

func hashOf(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

func response(url, kind, body string) wacz.Response {
	return wacz.Response{
		URL: url, Time: day, Header: map[string]string{"Content-Type": kind, "X-Evil": "a\r\nSet-Cookie: b", "Content-Encoding": "br"},
		Hash: hashOf([]byte(body)), Size: int64(len(body)), Body: strings.NewReader(body),
	}
}

// written is a file as a reader finds it.
func written(t *testing.T, add func(*wacz.Writer)) map[string][]byte {
	t.Helper()
	var b bytes.Buffer
	w, err := wacz.NewWriter(&b, wacz.Info{Title: "T", Description: "D", Created: day, Software: "S"})
	if err != nil {
		t.Fatal(err)
	}
	add(w)
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string][]byte{}
	for _, f := range z.File {
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if files[f.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(f.Name, "archive/") && f.Method != zip.Store {
			t.Errorf("%s is compressed once more", f.Name)
		}
	}
	return files
}

func TestEachResponseIsFoundByTheIndexAlone(t *testing.T) {
	bodies := map[string]string{
		"https://www.example.org/a.css?b=2&a=1": "body { color: red }", "http://10.0.0.1:8080/Pic.png": "\x89PNG", "https://example.org/": "<p>",
	}
	files := written(t, func(w *wacz.Writer) {
		for url, body := range bodies {
			if err := w.Response(response(url, "text/css; charset=utf-8", body)); err != nil {
				t.Fatal(err)
			}
		}
	})
	lines := strings.Split(strings.TrimSpace(string(files["indexes/index.cdxj"])), "\n")
	if !slices.IsSorted(lines) || len(lines) != len(bodies) {
		t.Errorf("the index: %q", lines)
	}
	keys := []string{}
	for _, line := range lines {
		key, rest, _ := strings.Cut(line, " ")
		stamp, rest, _ := strings.Cut(rest, " ")
		keys = append(keys, key)
		var at struct{ URL, Mime, Status, Digest, Length, Offset, Filename string }
		if err := json.Unmarshal([]byte(rest), &at); err != nil || stamp != "20260131090000" || at.Mime != "text/css" || at.Status != "200" || at.Filename != "data.warc.gz" {
			t.Errorf("%s: %v", line, err)
		}
		offset, _ := strconv.Atoi(at.Offset)
		length, _ := strconv.Atoi(at.Length)
		head, body := record(t, files["archive/data.warc.gz"][offset:offset+length])
		if !strings.Contains(head, "WARC/1.1\r\n") || !strings.Contains(head, "WARC-Target-URI: "+at.URL+"\r\n") {
			t.Errorf("%s: %s", at.URL, head)
		}
		resp, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(body)), nil)
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(resp.Body)
		if err != nil || string(got) != bodies[at.URL] || at.Digest != "sha256:"+hashOf(got) {
			t.Errorf("%s: %q, %v", at.URL, got, err)
		}
		if resp.Header.Get("Set-Cookie") != "" || resp.Header.Get("Content-Encoding") != "" {
			t.Errorf("%s: header %v", at.URL, resp.Header)
		}
	}
	if want := []string{"10.0.0.1:8080)/pic.png", "org,example)/", "org,example)/a.css?a=1&b=2"}; !slices.Equal(keys, want) {
		t.Errorf("keys %q, want %q", keys, want)
	}
}

// record takes a record of its own gzip member apart.
func record(t *testing.T, member []byte) (head string, block []byte) {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(member))
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	h, rest, _ := bytes.Cut(all, []byte("\r\n\r\n"))
	block, ok := bytes.CutSuffix(rest, []byte("\r\n\r\n"))
	if !ok || !strings.Contains(string(h), fmt.Sprintf("Content-Length: %d", len(block))) {
		t.Errorf("a record of %d bytes: %s", len(block), h)
	}
	return string(h) + "\r\n", block
}

func TestThePackageSaysWhatIsInIt(t *testing.T) {
	files := written(t, func(w *wacz.Writer) {
		if err := w.Response(response("https://example.org/", "text/html", "<p>")); err != nil {
			t.Fatal(err)
		}
		w.Page(wacz.Page{URL: "https://example.org/", Title: "“One”", Time: day})
	})
	var about struct {
		Profile   string
		Version   string `json:"wacz_version"`
		Main      string `json:"mainPageUrl"`
		Resources []struct {
			Path, Hash string
			Bytes      int
		}
	}
	if err := json.Unmarshal(files["datapackage.json"], &about); err != nil {
		t.Fatal(err)
	}
	if about.Profile != "data-package" || about.Version != "1.1.1" || about.Main != "https://example.org/" || len(about.Resources) != 3 {
		t.Errorf("%+v", about)
	}
	for _, r := range about.Resources {
		if r.Hash != "sha256:"+hashOf(files[r.Path]) || r.Bytes != len(files[r.Path]) {
			t.Errorf("%s is told otherwise than it is", r.Path)
		}
	}
	var digest struct{ Path, Hash string }
	if err := json.Unmarshal(files["datapackage-digest.json"], &digest); err != nil || digest.Hash != "sha256:"+hashOf(files["datapackage.json"]) {
		t.Errorf("the digest: %+v, %v", digest, err)
	}
	pages := strings.Split(strings.TrimSpace(string(files["pages/pages.jsonl"])), "\n")
	if len(pages) != 2 || !strings.Contains(pages[0], `"json-pages-1.0"`) || !strings.Contains(pages[1], "“One”") {
		t.Errorf("pages: %q", pages)
	}
}

func TestWhatIsNoResponseIsRefused(t *testing.T) {
	for name, change := range map[string]func(*wacz.Response){
		"a relative URL":             func(r *wacz.Response) { r.URL = "/x" },
		"a URL of two lines":         func(r *wacz.Response) { r.URL = "http://a/\r\nWARC-Type: request" },
		"a body that is too short":   func(r *wacz.Response) { r.Size++ },
		"a body that is too long":    func(r *wacz.Response) { r.Size-- },
		"a body that cannot be read": func(r *wacz.Response) { r.Body = io.MultiReader(iotestErr{}) },
	} {
		w, err := wacz.NewWriter(io.Discard, wacz.Info{Created: day})
		if err != nil {
			t.Fatal(err)
		}
		r := response("http://a/", "text/css", "p{}")
		change(&r)
		if err := w.Response(r); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

type iotestErr struct{}

func (iotestErr) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
