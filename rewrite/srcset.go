package rewrite

import "strings"

// Srcset calls f for each URL of a srcset or imagesrcset attribute and returns
// the attribute with f's answers in their places; all other bytes stay. It
// follows "parse a srcset attribute" (HTML, 4.8.4.3.10): a URL may hold commas,
// and a comma within parentheses ends no candidate.
func Srcset(src string, f func(url string) string) string {
	var out strings.Builder
	pos := 0
	for {
		start := pos
		for pos < len(src) && (isSpace(src[pos]) || src[pos] == ',') {
			pos++
		}
		out.WriteString(src[start:pos])
		if pos == len(src) {
			return out.String()
		}
		start = pos
		for pos < len(src) && !isSpace(src[pos]) {
			pos++
		}
		url := strings.TrimRight(src[start:pos], ",")
		out.WriteString(f(url))
		out.WriteString(src[start+len(url) : pos])
		if start+len(url) < pos {
			continue // commas ended the candidate: it has no descriptors
		}
		start = pos
		pos = descriptorsEnd(src, pos)
		out.WriteString(src[start:pos])
	}
}

// descriptorsEnd returns the place after the comma that ends a candidate's
// descriptors.
func descriptorsEnd(src string, pos int) int {
	parens := false
	for ; pos < len(src); pos++ {
		switch src[pos] {
		case '(':
			parens = true
		case ')':
			parens = false
		case ',':
			if !parens {
				return pos + 1
			}
		}
	}
	return pos
}
