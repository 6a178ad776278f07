package replayui

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
)

// What stands in the capture script where the gateway puts its table of origins
// and the site's settings (web/src/capture/main.ts).
const (
	originsName  = "PILLION_ORIGINS"
	settingsName = "PILLION_SETTINGS"
)

// parts are what the capture script imports: the session's part in the languages
// that it speaks, what performs agents' acts, and what looks after files.
var parts = map[string]string{"en": "session.en.js", "de": "session.de.js", "fr": "session.fr.js", "act": "act.js", "files": "files.js"}

// maxVariants bounds the variants that are kept. A gateway has one for each
// name by which its sites are reached; only a client that invents names gets
// further, and then has no URLs mapped at run time.
const maxVariants = 64

// variants are the capture script with the tables of origins and the settings
// that are asked for, by version. Each is compressed when it is served for the
// first time.
type variants struct {
	template []byte
	parts    map[string]bundled
	version  string // of the parts

	mu  sync.RWMutex
	all map[string]func() bundled
}

func newVariants() (*variants, error) {
	template, err := readBundle("capture.js")
	if err != nil {
		return nil, err
	}
	for _, name := range []string{originsName, settingsName} {
		if n := bytes.Count(template, []byte(name)); n != 1 {
			return nil, fmt.Errorf("capture.js has %d places for %s, not one: run `make ui` and build again", n, name)
		}
	}
	v := &variants{template: template, parts: map[string]bundled{}, all: map[string]func() bundled{}}
	var all []byte
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		b, err := readBundle(parts[name])
		if err != nil {
			return nil, err
		}
		v.parts[name] = newBundled(b)
		all = append(all, b...)
	}
	v.version = version(all)
	for name, part := range v.parts {
		part.version = v.version
		v.parts[name] = part
	}
	return v, nil
}

// settings is what a script is given of a site's settings.
func (v *variants) settings(s SiteSettings) []byte {
	s.Parts, s.Style = v.version, theme(s.Colours, s.Place)
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // our own structs always marshal
	}
	return b
}

// add keeps the variant for a table and settings, and returns its version;
// fallback where there is no room.
func (v *variants) add(origins, settings []byte, fallback string) string {
	if len(origins) == 0 {
		origins = []byte("null")
	}
	script := bytes.Replace(v.template, []byte(settingsName), settings, 1)
	script = bytes.Replace(script, []byte(originsName), origins, 1)
	name := version(script)
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all[name] != nil {
		return name
	}
	if len(v.all) >= maxVariants && fallback != "" {
		return fallback
	}
	v.all[name] = sync.OnceValue(func() bundled { return newBundled(script) })
	return name
}

// named is the variant of a version, the fallback where there is none.
func (v *variants) named(version, fallback string) bundled {
	v.mu.RLock()
	f := v.all[version]
	if f == nil {
		f = v.all[fallback]
	}
	v.mu.RUnlock()
	return f()
}

func (v *variants) servePart(w http.ResponseWriter, r *http.Request) {
	name, isScript := strings.CutSuffix(r.PathValue("file"), ".js")
	part, ok := v.parts[name]
	if !ok || !isScript {
		http.NotFound(w, r)
		return
	}
	part.serve(w, r, scriptType)
}
