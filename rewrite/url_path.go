package rewrite

import "bytes"

// appendResolved appends the path that ref, a relative reference, leads to from
// a page at path, and its query and fragment; dst ends in an origin or what
// stands for one, which no dots lead out of.
func appendResolved(dst, path, ref []byte) []byte {
	target, query := cutPath(ref)
	floor := len(dst)
	switch {
	case len(target) == 0:
		dst = appendPath(dst, floor, path)
	case isSlash(target[0]):
		dst = appendPath(dst, floor, target)
	default:
		dst = appendPath(dst, floor, path[:lastSlash(path)+1])
		dst = bytes.TrimSuffix(dst, []byte("/"))
		dst = appendSegments(dst, floor, target)
	}
	return append(dst, query...)
}

// appendPath appends a path without dot segments; one that is empty is "/".
func appendPath(dst []byte, floor int, path []byte) []byte {
	if len(path) > 0 && isSlash(path[0]) {
		path = path[1:]
	}
	return appendSegments(dst, floor, path)
}

// appendSegments appends a slash before each segment of a path (URL Standard,
// 4.4, path state). Dots go back no further than to floor.
func appendSegments(dst []byte, floor int, path []byte) []byte {
	for {
		end := 0
		for end < len(path) && !isSlash(path[end]) {
			end++
		}
		dots := dotSegment(path[:end])
		if dots == 2 {
			dst = dst[:floor+max(bytes.LastIndexByte(dst[floor:], '/'), 0)]
		}
		last := end == len(path)
		if dots == 0 || last {
			dst = append(dst, '/')
		}
		if dots == 0 {
			dst = append(dst, path[:end]...)
		}
		if last {
			return dst
		}
		path = path[end+1:]
	}
}

// dotSegment returns the number of dots that a segment consists of, 1 or 2, and
// 0 for any other.
func dotSegment(segment []byte) int {
	dots := 0
	for i := 0; i < len(segment); i++ {
		switch c := segment[i]; {
		case isDropped(c):
			continue
		case c == '.':
		case c == '%' && i+2 < len(segment) && segment[i+1] == '2' && segment[i+2]|0x20 == 'e':
			i += 2
		default:
			return 0
		}
		if dots++; dots > 2 {
			return 0
		}
	}
	return dots
}

// climbs reports whether a relative reference leads out of the root of a page
// at path, were there anything above it.
func climbs(path, ref []byte) bool {
	target, _ := cutPath(ref)
	depth := bytes.Count(path, []byte("/")) - 1
	for len(target) > 0 {
		end := 0
		for end < len(target) && !isSlash(target[end]) {
			end++
		}
		switch dotSegment(target[:end]) {
		case 0:
			depth++
		case 2:
			depth--
		}
		if depth < 0 {
			return true
		}
		target = target[min(end+1, len(target)):]
	}
	return false
}

func lastSlash(path []byte) int {
	for i := len(path) - 1; i >= 0; i-- {
		if isSlash(path[i]) {
			return i
		}
	}
	return -1
}

// cutFragment splits off a fragment, with its '#'.
func cutFragment(ref []byte) (before, fragment []byte) {
	if i := bytes.IndexByte(ref, '#'); i >= 0 {
		return ref[:i], ref[i:]
	}
	return ref, nil
}

// appendSent appends a path and query as a browser sends them (URL Standard,
// 1.3: the path and special-query percent-encode sets).
func appendSent(dst, text []byte) []byte {
	const hex = "0123456789ABCDEF"
	query := false
	for _, c := range text {
		switch {
		case isDropped(c):
			continue
		case c == '?':
			query = true
		case !query && c == '\\':
			c = '/'
		}
		if c <= ' ' || c >= 0x7f || c == '"' || c == '<' || c == '>' || query && c == '\'' || !query && (c == '^' || c == '`' || c == '{' || c == '}') {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
			continue
		}
		dst = append(dst, c)
	}
	return dst
}
