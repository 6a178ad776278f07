package proxy

import (
	"regexp"
	"strings"
)

// pattern matches paths: "*" stands for anything within a segment, "**" for
// anything at all. A pattern without a slash matches the last segment.
type pattern struct{ re *regexp.Regexp }

func newPattern(text string) pattern {
	var re strings.Builder
	re.WriteString("(?s)^")
	if !strings.Contains(text, "/") {
		re.WriteString(".*/")
	}
	for i, part := range strings.Split(strings.ReplaceAll(text, "**", "\x00"), "*") {
		if i > 0 {
			re.WriteString("[^/]*")
		}
		re.WriteString(strings.ReplaceAll(regexp.QuoteMeta(part), "\x00", ".*"))
	}
	re.WriteString("$")
	return pattern{regexp.MustCompile(re.String())} // whatever the text: it is quoted
}

func matchesAny(list []pattern, path string) bool {
	for _, p := range list {
		if p.re.MatchString(path) {
			return true
		}
	}
	return false
}

// Paths returns whether a path matches any of some patterns, as RedirectAssets
// has them; nil for no patterns.
func Paths(patterns []string) func(path string) bool {
	if len(patterns) == 0 {
		return nil
	}
	list := make([]pattern, len(patterns))
	for i, text := range patterns {
		list[i] = newPattern(text)
	}
	return func(path string) bool { return matchesAny(list, path) }
}
