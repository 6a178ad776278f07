package replayui

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Colours are colours of the element on the user's page, as #rgb or #rrggbb.
type Colours struct {
	Accent string `yaml:"accent"` // buttons
	Text   string `yaml:"text"`   // on the accent
	Bar    string `yaml:"bar"`    // while the page is shared
}

// minContrast is what text needs to be read (WCAG 2.2, 1.4.3).
const minContrast = 4.5

// theme is the CSS rule by which the element gets an operator's colours and
// place; nothing where none are set. The names are those of
// web/src/capture/trigger.css.
func theme(c Colours, place string) string {
	var rule strings.Builder
	set := func(name, value string) { fmt.Fprintf(&rule, "%s:%s;", name, value) }
	if c.Accent != "" || c.Text != "" {
		accent := cmp.Or(c.Accent, "#0b5cad")
		set("--a", accent)
		set("--t", readable(accent, c.Text))
	}
	if c.Bar != "" {
		set("--b", c.Bar)
		set("--c", readable(c.Bar, ""))
	}
	if strings.HasPrefix(place, "top") {
		set("top", "var(--gap)")
		set("bottom", "auto")
		set("--way", "column-reverse")
	}
	if strings.HasSuffix(place, "left") {
		set("left", "var(--gap)")
		set("right", "auto")
		set("--side", "flex-start")
	}
	if rule.Len() == 0 {
		return ""
	}
	return ".at{" + rule.String() + "}"
}

// readable is the colour of text on a ground: the wanted one where it can be
// read, else black or white, one of which always can.
func readable(ground, wanted string) string {
	if wanted != "" && contrast(ground, wanted) >= minContrast {
		return wanted
	}
	if contrast(ground, "#fff") >= contrast(ground, "#000") {
		return "#fff"
	}
	return "#000"
}

// contrast is the ratio of two colours' luminances (WCAG 2.2).
func contrast(a, b string) float64 {
	x, y := luminance(a), luminance(b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

func luminance(colour string) float64 {
	hex := strings.TrimPrefix(colour, "#")
	if len(hex) == 3 {
		hex = string([]byte{hex[0], hex[0], hex[1], hex[1], hex[2], hex[2]})
	}
	n, err := strconv.ParseUint(hex, 16, 24)
	if err != nil {
		return 0
	}
	channel := func(shift int) float64 {
		v := float64(n>>shift&0xff) / 255
		if v <= 0.04045 {
			return v / 12.92
		}
		return math.Pow((v+0.055)/1.055, 2.4)
	}
	return 0.2126*channel(16) + 0.7152*channel(8) + 0.0722*channel(0)
}
