package replayui

import (
	"embed"
	"errors"
	"io/fs"
	"net/http"
)

//go:embed all:dist
var dist embed.FS

// ErrNoBundle is returned where the binary was built without the browser bundle.
var ErrNoBundle = errors.New("this binary was built without the browser bundle: run `make ui` and build again, or `make build`")

// bundle returns a file of the browser bundle.
func bundle(name string) ([]byte, error) {
	b, err := dist.ReadFile("dist/" + name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNoBundle
	}
	return b, err
}

var bundleTypes = map[string]string{
	"capture.js": "text/javascript; charset=utf-8", "console.js": "text/javascript; charset=utf-8",
	"player.js": "text/javascript; charset=utf-8", "style.css": "text/css; charset=utf-8",
}

// checkBundle reports whether every file is there.
func checkBundle() error {
	for name := range bundleTypes {
		if _, err := bundle(name); err != nil {
			return err
		}
	}
	return nil
}

// serveBundle serves a file of the bundle; it is asked for again with each version.
func serveBundle(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		b, err := bundle(name)
		if err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		w.Header().Set("Content-Type", bundleTypes[name])
		w.Header().Set("Cache-Control", "no-cache")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		serveTagged(w, r, b)
	}
}
