package replayui

import (
	"bytes"
	"compress/gzip"
	"embed"
	"errors"
	"fmt"
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
	"console.js": scriptType, "player.js": scriptType, "style.css": "text/css; charset=utf-8",
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

// originsName stands in the capture script where its table of origins goes
// (web/src/capture/main.ts).
const originsName = "PILLION_ORIGINS"

// maxVariants bounds the variants that are kept. A gateway has one for each
// name by which its sites are reached; only a client that invents names gets
// further, and then has no URLs mapped at run time.
const maxVariants = 64

// variants are the capture script with the tables of origins that are asked
// for, by version. Each is compressed when it is served for the first time.
type variants struct {
	template []byte
	plain    string // the version without a table

	mu  sync.RWMutex
	all map[string]func() bundled
}

func newVariants() (*variants, error) {
	template, err := readBundle("capture.js")
	if err != nil {
		return nil, err
	}
	if n := bytes.Count(template, []byte(originsName)); n != 1 {
		return nil, fmt.Errorf("capture.js has %d places for the table of origins, not one: run `make ui` and build again", n)
	}
	v := &variants{template: template, all: map[string]func() bundled{}}
	v.plain = v.add(nil)
	return v, nil
}

// add keeps the variant for a table, and returns its version.
func (v *variants) add(origins []byte) string {
	if len(origins) == 0 {
		origins = []byte("null")
	}
	script := bytes.Replace(v.template, []byte(originsName), origins, 1)
	name := version(script)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all[name] != nil {
		return name
	}
	if len(v.all) >= maxVariants {
		return v.plain
	}
	v.all[name] = sync.OnceValue(func() bundled { return newBundled(script) })
	return name
}

// named is the variant of a version, the plain one where there is none.
func (v *variants) named(version string) bundled {
	v.mu.RLock()
	f := v.all[version]
	if f == nil {
		f = v.all[v.plain]
	}
	v.mu.RUnlock()
	return f()
}

func (v *variants) serve(w http.ResponseWriter, r *http.Request) {
	v.named(r.URL.Query().Get("v")).serve(w, r, scriptType)
}

// CaptureScript is the path under which pages load the capture script that
// knows a table of origins: JSON as rewrite.Origins.Script gives it, or nothing.
// It changes with the script's content, so that a browser fetches each version
// once. The Server serves those versions that were asked for here before; for
// another it serves the script without a table.
func (s *Server) CaptureScript(origins []byte) string {
	return "/.pillion/capture.js?v=" + s.scripts.add(origins)
}
