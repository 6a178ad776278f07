// Package pillion_test keeps the rules that hold for the tree as a whole.
package pillion_test

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/pillion-dev/pillion/"

// mayImport says, for each top folder, which other top folders it may import.
// A folder's backends (events/jetstream …) may import the folder itself.
var mayImport = map[string]struct {
	folders []string
	reason  string
}{
	"rewrite":  {nil, "a pure transform over bytes, usable without a gateway"},
	"events":   {nil, "the session protocol must not depend on a store or a screen"},
	"archive":  {nil, "evidence must be readable without the rest"},
	"proxy":    {[]string{"rewrite"}, "the site's path waits for no session, log or store"},
	"replayui": {[]string{"rewrite", "events", "archive"}, "screens know no proxy"},
	"cmd":      {[]string{"rewrite", "events", "archive", "proxy", "replayui"}, "the wiring"},
	"bench":    {[]string{"rewrite", "events", "archive", "proxy", "replayui"}, "measures all"},
}

func TestEachFolderImportsOnlyWhatItMay(t *testing.T) {
	files := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") && path != ".") {
			return filepath.SkipDir
		}
		if d.IsDir() || filepath.Ext(path) != ".go" || !strings.Contains(path, "/") {
			return nil
		}
		files++
		checkImports(t, filepath.ToSlash(path))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if files == 0 {
		t.Fatal("no file was read: the check proves nothing")
	}
}

func checkImports(t *testing.T, path string) {
	t.Helper()
	top, _, _ := strings.Cut(path, "/")
	rule, known := mayImport[top]
	if !known {
		t.Errorf("%s: folder %q has no import rule", path, top)
		return
	}
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Errorf("%s: %v", path, err)
		return
	}
	for _, spec := range file.Imports {
		name, _ := strconv.Unquote(spec.Path.Value)
		ours, is := strings.CutPrefix(name, module)
		if !is {
			continue
		}
		target, _, _ := strings.Cut(ours, "/")
		if target != top && !contains(rule.folders, target) {
			t.Errorf("%s imports %s: %s may not (%s)", path, ours, top, rule.reason)
		}
	}
}

func contains(list []string, s string) bool {
	for _, v := range list {
		if v == s {
			return true
		}
	}
	return false
}
