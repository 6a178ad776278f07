package main

import (
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

func TestWhatIsKeptIsSetInTheFile(t *testing.T) {
	for text, wrong := range map[string]string{
		"archive: {no-store: [/charts/**], public: [/static/**, '*.png'], limits: {media: 200 MB, image: 500KB}}": "",
		"archive: {limits: {media: 300 MB}}": "more than 256 MB",
		"archive: {limits: {film: 1 MB}}":    "film",
		"archive: {limits: {media: a lot}}":  "is no size",
		"archive: {limits: {media: -1}}":     "is no size",
		"archive: {no-store: ['']}":          "empty path pattern",
	} {
		var c sharedConfig
		if err := yaml.Unmarshal([]byte(text), &c); err != nil {
			t.Fatal(err)
		}
		s, err := c.settings()
		if wrong != "" {
			if err == nil || !strings.Contains(err.Error(), wrong) {
				t.Errorf("%s: %v", text, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		r := s.Keep
		if !r.NoStore("/charts/a/b") || r.NoStore("/static/a") || !r.Public("/static/a") || !r.Public("/x/y.png") || r.Limits.Media != 200e6 || r.Limits.Image != 500e3 {
			t.Errorf("%+v", r)
		}
	}
	if err := strictShared(map[string]any{"archive": map[string]any{"nostore": []string{"/x"}}}); err == nil {
		t.Error("a setting that means nothing is taken")
	}
}
