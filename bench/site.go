package main

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/andybalholm/brotli"
)

const (
	dripEvery  = 20 * time.Millisecond
	dripParts  = 10
	dripSize   = 1024     // bytes of a part
	assetSize  = 40 << 10 // bytes
	assetKinds = 64       // different assets
)

// site is the web site behind the proxies. Everything was made beforehand: its
// own work must not hide theirs.
//
//	/page?size=N          a page of N bytes, compressed where the client accepts it
//	/drip?length=1        a page whose parts come one by one, with its length or without
//	/asset?n=K            an image
type site struct {
	mu     sync.Mutex
	pages  map[int]codings
	assets [][]byte
	drip   []byte
}

// codings are a body in the codings that the site knows.
type codings map[string][]byte

func newSite() http.Handler {
	s := &site{pages: map[int]codings{}, drip: samplePage(dripParts * dripSize)}
	for n := range assetKinds {
		s.assets = append(s.assets, noise(n, assetSize))
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /page", s.servePage)
	mux.HandleFunc("GET /drip", s.serveDrip)
	mux.HandleFunc("GET /asset", s.serveAsset)
	return mux
}

// noise is what no coding makes smaller, as images are.
func noise(seed, size int) []byte {
	r := rand.NewChaCha8([32]byte{byte(seed), byte(seed >> 8)})
	b := make([]byte, size)
	_, _ = r.Read(b) // never fails
	return b
}

func (s *site) page(size int) codings {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.pages[size]; !ok {
		plain := samplePage(size)
		s.pages[size] = codings{"identity": plain, "gzip": gzipped(plain), "br": brotlied(plain)}
	}
	return s.pages[size]
}

func gzipped(plain []byte) []byte {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write(plain) // a Buffer never fails
	_ = z.Close()
	return b.Bytes()
}

func brotlied(plain []byte) []byte {
	var b bytes.Buffer
	z := brotli.NewWriterLevel(&b, 4)
	_, _ = z.Write(plain) // a Buffer never fails
	_ = z.Close()
	return b.Bytes()
}

func (s *site) servePage(w http.ResponseWriter, r *http.Request) {
	size, err := strconv.Atoi(r.FormValue("size"))
	if err != nil || size < 1024 || size > 64<<20 {
		http.Error(w, "size: give bytes, 1024 and up", http.StatusBadRequest)
		return
	}
	page := s.page(size)
	coding := "identity"
	for _, name := range []string{"br", "gzip"} {
		if strings.Contains(r.Header.Get("Accept-Encoding"), name) {
			coding = name
			break
		}
	}
	if coding != "identity" {
		w.Header().Set("Content-Encoding", coding)
	}
	pageHeader(w.Header())
	w.Header().Set("Content-Length", strconv.Itoa(len(page[coding])))
	_, _ = w.Write(page[coding]) // a benchmark's client
}

// pageHeader is what an old application server says about its pages.
func pageHeader(h http.Header) {
	h.Set("Server", "Legacy/6.0")
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "private, no-cache")
	h.Set("X-Powered-By", "ASP")
	h.Set("Vary", "Accept-Encoding")
}

func (s *site) serveDrip(w http.ResponseWriter, r *http.Request) {
	pageHeader(w.Header())
	if r.FormValue("length") != "" {
		w.Header().Set("Content-Length", strconv.Itoa(len(s.drip)))
	}
	flush := http.NewResponseController(w)
	for i := 0; i < len(s.drip); i += dripSize {
		if i > 0 {
			time.Sleep(dripEvery)
		}
		if _, err := w.Write(s.drip[i:min(len(s.drip), i+dripSize)]); err != nil {
			return
		}
		if flush.Flush() != nil {
			return
		}
	}
}

func (s *site) serveAsset(w http.ResponseWriter, r *http.Request) {
	n, err := strconv.Atoi(r.FormValue("n"))
	if err != nil || n < 0 || n >= len(s.assets) {
		http.Error(w, fmt.Sprintf("n: give a number below %d", len(s.assets)), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "image/png")
	w.Header().Set("Cache-Control", "max-age=3600")
	w.Header().Set("Content-Length", strconv.Itoa(assetSize))
	_, _ = w.Write(s.assets[n]) // a benchmark's client
}
