package proxy

import (
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

type recordingTee struct {
	mu     sync.Mutex
	assets []*recordedAsset
}

type recordedAsset struct {
	Asset
	mu   sync.Mutex
	body strings.Builder
	end  string
	done chan struct{}
}

func (t *recordingTee) Begin(a Asset) AssetWriter {
	t.mu.Lock()
	defer t.mu.Unlock()
	r := &recordedAsset{Asset: a, done: make(chan struct{})}
	t.assets = append(t.assets, r)
	return r
}

func (t *recordingTee) last() *recordedAsset {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.assets) == 0 {
		return &recordedAsset{end: "none"}
	}
	return t.assets[len(t.assets)-1]
}

func (r *recordedAsset) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.body.Write(p)
}

func (r *recordedAsset) finish(how string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.end += how
	close(r.done)
}
func (r *recordedAsset) Commit() { r.finish("commit") }
func (r *recordedAsset) Abort()  { r.finish("abort") }

// outcome waits for the asset's end.
func (r *recordedAsset) outcome() string {
	if r.done != nil {
		select {
		case <-r.done:
		case <-time.After(20 * time.Second):
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.end
}

func TestAssetsAreTeedDecoded(t *testing.T) {
	css := strings.Repeat("body{color:red}", 1000)
	teed := &recordingTee{}
	gw, _ := front(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/css")
		if r.URL.Path == "/gzip.css" {
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = io.WriteString(z, css)
			_ = z.Close()
			return
		}
		if r.URL.Path == "/damaged.css" {
			w.Header().Set("Content-Encoding", "gzip")
		}
		_, _ = io.WriteString(w, css)
	}), func(o *Options) { o.Tee = teed })
	visit := "pillion_visit=" + strings.Repeat("a", visitLen)
	for _, c := range []struct {
		path, cookie string
		end          string
		credentials  bool
	}{
		{"/a.css?v=1", visit, "commit", false},
		{"/gzip.css", visit + "; sid=1", "commit", true},
	} {
		resp, body := get(t, gw+c.path, "Sec-Fetch-Dest", "style", "Cookie", c.cookie)
		if resp.StatusCode != http.StatusOK || len(body) == 0 {
			t.Errorf("%s: %s", c.path, resp.Status)
		}
		a := teed.last()
		if got := a.outcome(); got != c.end {
			t.Errorf("%s: %s", c.path, got)
		}
		if c.end == "commit" && a.body.String() != css {
			t.Errorf("%s: %d bytes", c.path, a.body.Len())
		}
		if a.URL != gw+c.path || a.Credentials != c.credentials || (a.Visit != "") != (c.cookie != "") {
			t.Errorf("%s: %+v", c.path, a.Asset)
		}
	}
	n := len(teed.assets)
	if _, body := get(t, gw+"/damaged.css", "Sec-Fetch-Dest", "style"); body != css {
		t.Errorf("a sheet that says gzip and is plain: %d bytes", len(body))
	}
	if len(teed.assets) != n {
		t.Error("it was kept")
	}
}

func TestWhatTheArchiveIsTold(t *testing.T) {
	teed := &recordingTee{}
	var seen http.Header
	gw, _ := front(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		kind := map[string]string{"/page": "text/html", "/paper.pdf": "application/pdf"}[r.URL.Path]
		if kind == "" {
			kind = "image/png"
		}
		w.Header().Set("Content-Type", kind)
		switch r.URL.Path {
		case "/moved.png":
			http.Redirect(w, r, "new.png?x", http.StatusFound)
		case "/gone.png":
			w.WriteHeader(http.StatusNotFound)
		case "/same.png":
			w.Header().Set("Etag", `"1"`)
			w.WriteHeader(http.StatusNotModified)
		case "/part.png":
			w.Header().Set("Content-Range", "bytes 0-3/100")
			w.WriteHeader(http.StatusPartialContent)
		}
		_, _ = io.WriteString(w, "<p>x")
	}), func(o *Options) { o.Tee = teed })
	for _, c := range []struct {
		method, path, dest, want string
	}{
		{"", "/a.png", "image", "200 commit <p>x"}, {"", "/page", "document", ""}, {"", "/page", "iframe", "200 commit <p>x"},
		{"", "/paper.pdf", "document", "200 commit <p>x"}, {"", "/moved.png", "image", "302 abort "}, {"", "/gone.png", "image", "404 abort "},
		{"", "/same.png", "image", "304 abort "}, {"", "/part.png", "video", "206 commit <p>x"},
		{http.MethodPost, "/a.png", "image", ""}, {http.MethodHead, "/a.png", "image", ""}, {"", "/gone.png", "document", ""},
	} {
		n := len(teed.assets)
		req, err := http.NewRequestWithContext(t.Context(), c.method, gw+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Sec-Fetch-Dest", c.dest)
		req.Header.Set(RefetchHeader, "1")
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		_ = resp.Body.Close()
		if seen.Get(RefetchHeader) != "" {
			t.Errorf("%s: the upstream was told that it is asked for once more", c.path)
		}
		got := ""
		if len(teed.assets) > n {
			a := teed.last()
			got = strconv.Itoa(a.Status) + " " + a.outcome() + " " + a.body.String()
			if a.Request.Get("Sec-Fetch-Dest") != c.dest || !a.Refetched {
				t.Errorf("%s: %+v", c.path, a.Asset)
			}
			if want := gw + "/new.png?x"; c.path == "/moved.png" && a.Location != want {
				t.Errorf("%s leads to %q, not %q", c.path, a.Location, want)
			}
		}
		if got != c.want {
			t.Errorf("%s %s as %s: %q, not %q", c.method, c.path, c.dest, got, c.want)
		}
	}
}

func TestASiteHasATeeOfItsOwn(t *testing.T) {
	all, own := &recordingTee{}, &recordingTee{}
	gw, _ := front(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "image/png")
	}), func(o *Options) { o.Tee, o.Sites[0].Tee = all, own })
	get(t, gw+"/a.png", "Sec-Fetch-Dest", "image")
	if len(all.assets) != 0 || len(own.assets) != 1 {
		t.Errorf("%d, %d", len(all.assets), len(own.assets))
	}
}
