package replayui

import (
	"math"
	"strings"
	"testing"
)

func TestTextIsReadableOnEveryColour(t *testing.T) {
	for _, c := range []struct{ ground, wanted, text string }{
		{"#0b5cad", "", "#fff"},
		{"#ffd000", "", "#000"},
		{"#fd0", "#333", "#333"},
		{"#ffd000", "#ffffff", "#000"}, // as good as invisible
		{"#777777", "#888", "#000"},
	} {
		if got := readable(c.ground, c.wanted); got != c.text {
			t.Errorf("on %s, %q wanted: %s", c.ground, c.wanted, got)
		}
	}
	for n := range 4096 {
		ground := "#" + string([]byte{"0123456789abcdef"[n>>8], "0123456789abcdef"[n>>4&15], "0123456789abcdef"[n&15]})
		if r := contrast(ground, readable(ground, "#888")); r < minContrast {
			t.Errorf("%s: %.2f", ground, r)
		}
	}
	// As published: grey text on white, the darkest that does not do.
	if r := contrast("#777777", "#ffffff"); math.Abs(r-4.48) > 0.01 {
		t.Errorf("%.3f", r)
	}
}

func TestAThemeSaysOnlyWhatWasChosen(t *testing.T) {
	if got := theme(Colours{}, "bottom-right"); got != "" {
		t.Error(got)
	}
	got := theme(Colours{Accent: "#ffd000", Bar: "#123"}, "top-left")
	for _, want := range []string{".at{--a:#ffd000;--t:#000;", "--b:#123;--c:#fff;", "top:var(--gap);", "left:var(--gap);"} {
		if !strings.Contains(got, want) {
			t.Errorf("%s lacks %s", got, want)
		}
	}
}
