package replayui

import (
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"strings"
	"sync"

	"github.com/andybalholm/brotli"
)

//go:embed all:dist
var dist embed.FS

// ErrNoBundle is returned where the binary was built without the browser bundle.
var ErrNoBundle = errors.New("this binary was built without the browser bundle: run `make ui` and build again, or `make build`")

const scriptType = "text/javascript; charset=utf-8"

var bundleTypes = map[string]string{
	"console.js": scriptType, "player.js": scriptType, "offline.js": scriptType, "style.css": "text/css; charset=utf-8",
}

// bundled is a file of the browser bundle, compressed once.
type bundled struct {
	plain, br, gzip []byte
	version         string
}

// bundle returns the files of the browser bundle by name; the capture script is
// no file, see [variants].
var bundle = sync.OnceValues(func() (map[string]bundled, error) {
	files := map[string]bundled{}
	for name := range bundleTypes {
		b, err := readBundle(name)
		if err != nil {
			return nil, err
		}
		files[name] = newBundled(b)
	}
	return files, nil
})

func readBundle(name string) ([]byte, error) {
	b, err := dist.ReadFile("dist/" + name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoBundle
	}
	return b, err
}

func newBundled(b []byte) bundled {
	return bundled{
		plain: b, version: version(b),
		br: compressed(b, func(w io.Writer) io.WriteCloser { return brotli.NewWriterLevel(w, brotli.BestCompression) }),
		gzip: compressed(b, func(w io.Writer) io.WriteCloser {
			z, _ := gzip.NewWriterLevel(w, gzip.BestCompression) // the level is known
			return z
		}),
	}
}

func version(b []byte) string { return strings.Trim(entityTag(b), `"`) }

func compressed(b []byte, by func(io.Writer) io.WriteCloser) []byte {
	var out bytes.Buffer
	w := by(&out)
	_, _ = w.Write(b) // a Buffer never fails
	_ = w.Close()
	return out.Bytes()
}

// serveBundle serves a file of the bundle.
func serveBundle(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		files, err := bundle()
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		files[name].serve(w, r, bundleTypes[name])
	}
}

// serve answers with the file: for good where its version is asked for by name,
// else to be asked for again.
func (f bundled) serve(w http.ResponseWriter, r *http.Request, contentType string) {
	h := w.Header()
	h.Set("Content-Type", contentType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Cache-Control", "no-cache")
	if r.URL.Query().Get("v") == f.version {
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body := f.plain
	switch accepted := r.Header.Get("Accept-Encoding"); {
	case strings.Contains(accepted, "br"):
		h.Set("Content-Encoding", "br")
		body = f.br
	case strings.Contains(accepted, "gzip"):
		h.Set("Content-Encoding", "gzip")
		body = f.gzip
	}
	serveTagged(w, r, body)
}
