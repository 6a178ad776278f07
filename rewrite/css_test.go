package rewrite

import (
	"encoding/json"
	"os"
	"testing"
)

// The cases are those of the browser's side too (replayui/web/src/offline/css.ts),
// which maps the URLs of an exported recording.
func TestCSS(t *testing.T) {
	text, err := os.ReadFile("testdata/css.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct{ Name, In, Out string }
	if err := json.Unmarshal(text, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			if got := CSS(c.In, func(u string) string { return "/m/" + u }); got != c.Out {
				t.Errorf("got  %s\nwant %s", got, c.Out)
			}
		})
	}
}
