package proxy

import (
	"io"
	"net/http"
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
	get(t, gw+"/page", "Sec-Fetch-Dest", "document")
	if len(teed.assets) != n {
		t.Error("a document was teed")
	}
}
