package replayui

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/wacz"
)

// webArchive is a recording as a WACZ.
func webArchive(t *testing.T) []byte {
	t.Helper()
	s := newStage(t)
	e, err := OpenExport(t.Context(), s.store, s.vaults, string(s.record(t)))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := ExportWACZ(t.Context(), &b, e, func(float64) {}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func verifyWeb(t *testing.T, b []byte) (*WebArchive, []archive.Problem, error) {
	t.Helper()
	a, err := OpenWebArchive(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, nil, err
	}
	problems, err := a.Verify(t.Context(), archive.Verifying{All: true})
	return a, problems, err
}

// rewritten is a WACZ of the same or other responses, with everything that a WACZ
// says of itself made to fit: what somebody makes who wants to deceive.
func rewritten(t *testing.T, b []byte, change func(r *wacz.Response) bool, files func(path string, content []byte) []byte) []byte {
	t.Helper()
	in, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	read := func(path string) []byte {
		t.Helper()
		f, err := in.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		content, err := io.ReadAll(f)
		if err != nil {
			t.Fatal(err)
		}
		return content
	}
	var out bytes.Buffer
	w, err := wacz.NewWriter(&out, wacz.Info{Created: began})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := wacz.Open(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	bodies := bodiesOf(t, read("archive/data.warc.gz"))
	err = opened.Responses(func(f wacz.Found) error {
		r := wacz.Response{URL: f.URL, Time: f.Time, Status: f.Status, Header: map[string]string{}, Hash: f.Hash, Size: f.Size, Body: bytes.NewReader(bodies[f.Hash])}
		for name := range f.Header {
			if name != "Content-Length" {
				r.Header[name] = f.Header.Get(name)
			}
		}
		if !change(&r) {
			return nil
		}
		body, err := io.ReadAll(r.Body)
		sum := sha256.Sum256(body)
		r.Hash, r.Size, r.Body = hex.EncodeToString(sum[:]), int64(len(body)), bytes.NewReader(body)
		if err != nil {
			return err
		}
		return w.Response(r)
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range in.File {
		if strings.HasPrefix(f.Name, sealedPrefix) {
			if content := files(f.Name, read(f.Name)); content != nil {
				w.Add(f.Name, content)
			}
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// bodiesOf are the bodies of all responses, by their hash.
func bodiesOf(t *testing.T, warc []byte) map[string][]byte {
	t.Helper()
	z, err := gzip.NewReader(bytes.NewReader(warc))
	if err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string][]byte{}
	for record := range strings.SplitSeq(string(all), "WARC/1.1\r\n") {
		parts := strings.SplitN(strings.TrimSuffix(record, "\r\n\r\n"), "\r\n\r\n", 3)
		if len(parts) == 3 {
			sum := sha256.Sum256([]byte(parts[2]))
			bodies[hex.EncodeToString(sum[:])] = []byte(parts[2])
		}
	}
	return bodies
}

func TestAWebArchiveIsVerifiedByWhatWasSealed(t *testing.T) {
	b := webArchive(t)
	a, problems, err := verifyWeb(t, b)
	if err != nil || len(problems) > 0 || a.Responses != 1 || a.Pages != 1 {
		t.Fatalf("%+v %v %v", a, problems, err)
	}
	same := func(*wacz.Response) bool { return true }
	asIs := func(_ string, content []byte) []byte { return content }
	sheet := func(change func(*wacz.Response)) func(*wacz.Response) bool {
		return func(r *wacz.Response) bool {
			if strings.HasSuffix(r.URL, ".css") {
				change(r)
			}
			return true
		}
	}
	if _, problems, err := verifyWeb(t, rewritten(t, b, same, asIs)); err != nil || len(problems) > 0 {
		t.Fatalf("written again: %v %v", problems, err)
	}
	for name, c := range map[string]struct {
		change func(*wacz.Response) bool
		files  func(string, []byte) []byte
		says   string
	}{
		"another content":  {sheet(func(r *wacz.Response) { r.Body = strings.NewReader("body{color:red}") }), asIs, "no file of the recording has this content"},
		"another address":  {sheet(func(r *wacz.Response) { r.URL += "?x" }), asIs, "under this address"},
		"another time":     {sheet(func(r *wacz.Response) { r.Time = r.Time.Add(time.Hour) }), asIs, "time are not those"},
		"another type":     {sheet(func(r *wacz.Response) { r.Header["Content-Type"] = "text/html" }), asIs, "headers or time are not those"},
		"another status":   {sheet(func(r *wacz.Response) { r.Status = 203 }), asIs, "its status"},
		"a response less":  {func(r *wacz.Response) bool { return !strings.HasSuffix(r.URL, ".css") }, asIs, "it is not in the file"},
		"marked as a page": {sheet(func(r *wacz.Response) { r.Header[markedAs] = "offset=1"; r.Body = strings.NewReader("x") }), asIs, "no file of the recording"},
		"another top":      {same, swap("top", `"records":`, `"records":1`), "does not match its signature"},
		"another manifest": {same, swap(manifestFile, "\x28\xb5", "\x28\xb4"), "manifest"},
		"no manifest":      {same, without(manifestFile), "manifest is damaged: it is not there"},
		"another's manifest": {same, func(path string, content []byte) []byte {
			if strings.HasSuffix(path, manifestFile) {
				return append(content, 0)
			}
			return content
		}, "its hash differs"},
	} {
		_, problems, err := verifyWeb(t, rewritten(t, b, c.change, c.files))
		if text, _ := json.Marshal(problems); err != nil || len(problems) == 0 || !strings.Contains(string(text), c.says) {
			t.Errorf("%s: %s %v", name, text, err)
		}
	}
	if _, _, err := verifyWeb(t, rewritten(t, b, same, without("top"))); err == nil || !strings.Contains(err.Error(), "no signed top") {
		t.Errorf("without a top: %v", err)
	}
}

func swap(name, old, now string) func(string, []byte) []byte {
	return func(path string, content []byte) []byte {
		if strings.HasSuffix(path, "/"+name) {
			return bytes.Replace(content, []byte(old), []byte(now), 1)
		}
		return content
	}
}

func without(name string) func(string, []byte) []byte {
	return func(path string, content []byte) []byte {
		if strings.HasSuffix(path, "/"+name) {
			return nil
		}
		return content
	}
}

// Whatever byte of the file is flipped, and wherever it is cut, it is told, unless
// a reader of zip files does not look at that byte: then the contents are the same.
func TestFlippedBitsAndCutsOfAWebArchiveAreFound(t *testing.T) {
	b := webArchive(t)
	r := rand.New(rand.NewPCG(1, 1))
	found := 0
	const flips = 400
	for range flips {
		bad := bytes.Clone(b)
		bad[r.IntN(len(bad))] ^= 1 << r.IntN(8)
		_, problems, err := verifyWeb(t, bad)
		if err == nil && len(problems) == 0 {
			if !sameFiles(t, b, bad) {
				t.Error("other contents, and nothing is told")
			}
			continue
		}
		found++
	}
	if found < flips/2 {
		t.Errorf("%d of %d flips were found", found, flips)
	}
	for range 100 {
		if _, problems, err := verifyWeb(t, b[:r.IntN(len(b))]); err == nil && len(problems) == 0 {
			t.Error("it was cut, and nothing is told")
		}
	}
}

func sameFiles(t *testing.T, a, b []byte) bool {
	t.Helper()
	list := func(b []byte) map[string]string {
		files := map[string]string{}
		z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range z.File {
			f, err := e.Open()
			if err != nil {
				t.Fatal(err)
			}
			content, err := io.ReadAll(f)
			if err != nil {
				t.Fatal(err)
			}
			files[e.Name] = string(content)
		}
		return files
	}
	was, is := list(a), list(b)
	for name, content := range was {
		if is[name] != content {
			return false
		}
	}
	return len(was) == len(is)
}
