package rewrite

// Srcset calls f for each URL of a srcset or imagesrcset attribute and returns
// the attribute with f's answers in their places; all other bytes stay.
func Srcset(src string, f func(url string) string) string {
	out, _ := AppendSrcset(make([]byte, 0, len(src)), []byte(src), func(dst, url []byte) ([]byte, bool) {
		return append(dst, f(string(url))...), true
	})
	return string(out)
}

// AppendSrcset appends src with each URL mapped by f, which appends to dst what
// stands for a URL or reports that it stays. It reports whether any changed.
//
// It follows "parse a srcset attribute" (HTML, 4.8.4.3.10): a URL may hold
// commas, and a comma within parentheses ends no candidate.
func AppendSrcset(dst, src []byte, f func(dst, url []byte) ([]byte, bool)) ([]byte, bool) {
	changed := false
	for pos := 0; ; {
		start := pos
		for pos < len(src) && (isSpace(src[pos]) || src[pos] == ',') {
			pos++
		}
		dst = append(dst, src[start:pos]...)
		if pos == len(src) {
			return dst, changed
		}
		start = pos
		for pos < len(src) && !isSpace(src[pos]) {
			pos++
		}
		end := pos
		for src[end-1] == ',' { // it does not begin with one
			end--
		}
		dst, changed = appendMapped(dst, src[start:end], f, changed)
		start = end
		if end == pos { // else commas ended the candidate: it has no descriptors
			pos = descriptorsEnd(src, pos)
		}
		dst = append(dst, src[start:pos]...)
	}
}

// descriptorsEnd returns the place after the comma that ends a candidate's
// descriptors.
func descriptorsEnd(src []byte, pos int) int {
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
