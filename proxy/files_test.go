package proxy

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

type recordingFiles struct {
	mu   sync.Mutex
	list []File
}

func (r *recordingFiles) Watched(visit string) bool { return strings.HasPrefix(visit, "a") }

func (r *recordingFiles) Passed(f File) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.list = append(r.list, f)
}

// wait returns the n files that passed, in words.
func (r *recordingFiles) wait(n int) string {
	for range 2000 {
		r.mu.Lock()
		done := len(r.list) >= n
		r.mu.Unlock()
		if done {
			break
		}
		time.Sleep(time.Millisecond)
	}
	if n == 0 {
		time.Sleep(20 * time.Millisecond)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	out := ""
	for _, f := range r.list {
		_, way, _ := strings.Cut(f.URL, "//")
		_, way, _ = strings.Cut(way, "/")
		out += fmt.Sprintf("%v %s %q %s %d %s;", f.Up, way, f.Name, f.Type, f.Size, hex.EncodeToString(f.Hash))
	}
	r.list = nil
	return out
}

func hashOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func form(t *testing.T, parts ...string) (kind, body string) {
	t.Helper()
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for i := 0; i < len(parts); i += 3 {
		p, err := w.CreateFormFile(parts[i], parts[i+1])
		if parts[i+1] == "" {
			p, err = w.CreateFormField(parts[i])
		}
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(p, parts[i+2])
	}
	_ = w.Close()
	return w.FormDataContentType(), b.String()
}

func TestFilesThatUsersSendAreToldOf(t *testing.T) {
	files := &recordingFiles{}
	var got string
	gw, _ := front(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		got = string(b)
		if r.URL.Path == "/refused" {
			w.WriteHeader(http.StatusForbidden)
		}
	}), func(o *Options) { o.Files = files })
	large := strings.Repeat("0123456789", 300_000)
	kind, body := form(t, "note", "", "text", "scan", `C:\\papers\\scan.pdf`, "the scan", "empty", "none.txt", "", "more", "../b.png", large)
	want := `true send "scan.pdf" application/octet-stream 8 ` + hashOf("the scan") + `;true send "b.png" application/octet-stream 3000000 ` + hashOf(large) + ";"
	a := strings.Repeat("a", visitLen)
	for _, c := range []struct {
		name, method, path, kind, body, visit string
		n                                     int
		want                                  string
	}{
		{"a form", "POST", "/send", kind, body, a, 2, want},
		{"of somebody who is not watched", "POST", "/send", kind, body, strings.Repeat("b", visitLen), 0, ""},
		{"a file alone", "PUT", "/put", "application/pdf", "%PDF", a, 1, `true put "" application/pdf 4 ` + hashOf("%PDF") + ";"},
		{"what a script sends", "POST", "/api", "application/json", "{}", a, 0, ""},
		{"a form that ends early", "POST", "/send", kind, body[:len(body)-2_000_000], a, 2, `true send "scan.pdf" application/octet-stream 8 ` + hashOf("the scan") + fmt.Sprintf(`;true send "b.png" application/octet-stream %d ;`, 3_000_000-2_000_000+len("\r\n--")+60+len("--\r\n"))},
		{"nonsense", "POST", "/send", "multipart/form-data; boundary=x", "no form", a, 0, ""},
	} {
		req, err := http.NewRequestWithContext(t.Context(), c.method, gw+c.path, strings.NewReader(c.body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", c.kind)
		req.AddCookie(&http.Cookie{Name: visitCookie, Value: c.visit})
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close()
		if got != c.body {
			t.Errorf("%s: the site got %d bytes of %d", c.name, len(got), len(c.body))
		}
		if told := files.wait(c.n); told != c.want && c.name != "a form that ends early" {
			t.Errorf("%s: %s, not %s", c.name, told, c.want)
		} else if c.name == "a form that ends early" && (!strings.Contains(told, hashOf("the scan")) || strings.HasSuffix(told, hashOf(large)+";")) {
			t.Errorf("%s: %s", c.name, told)
		}
	}
}

func TestFilesThatUsersGetAreToldOf(t *testing.T) {
	files := &recordingFiles{}
	gw, _ := front(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", r.URL.Query().Get("kind"))
		if d := r.URL.Query().Get("disposition"); d != "" {
			w.Header().Set("Content-Disposition", d)
		}
		_, _ = io.WriteString(w, "content")
	}), func(o *Options) { o.Files = files })
	hash := hashOf("content")
	for _, c := range []struct {
		kind, disposition, dest, mode string
		want                          string
	}{
		{"text/csv", "attachment; filename*=UTF-8''%C3%BCbersicht.csv", "document", "navigate", `"übersicht.csv" text/csv 7 ` + hash},
		{"text/html", `attachment; filename="..\\evil.html"`, "document", "navigate", `"evil.html" text/html 7 ` + hash},
		{"application/zip", "", "document", "navigate", `"file" application/zip 7 ` + hash},
		{"image/png", "", "empty", "navigate", `"file" image/png 7 ` + hash},
		{"application/pdf", "", "iframe", "navigate", `"file" application/pdf 7 ` + hash},
		{"text/html", "", "document", "navigate", ""},
		{"image/png", "", "image", "no-cors", ""},
		{"application/json", "", "empty", "cors", ""},
	} {
		n := 1
		if c.want == "" {
			n = 0
		} else {
			c.want = "false file?" + "QUERY " + c.want + ";"
		}
		q := "/file?kind=" + strings.ReplaceAll(c.kind, "/", "%2F") + "&disposition=" + escape(c.disposition)
		get(t, gw+q, "Sec-Fetch-Dest", c.dest, "Sec-Fetch-Mode", c.mode, "Cookie", visitCookie+"="+strings.Repeat("a", visitLen))
		told := files.wait(n)
		if told != strings.Replace(c.want, "file?QUERY", strings.TrimPrefix(q, "/"), 1) {
			t.Errorf("%s %s as %s: %s, not %s", c.kind, c.disposition, c.dest, told, c.want)
		}
	}
}

func escape(s string) string {
	return strings.NewReplacer("%", "%25", " ", "%20", ";", "%3B", `"`, "%22", `\`, "%5C", "+", "%2B").Replace(s)
}
