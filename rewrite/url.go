package rewrite

import "bytes"

// urlScheme is a scheme, as far as it matters here.
type urlScheme uint8

const (
	noScheme urlScheme = iota
	schemeHTTP
	schemeHTTPS
	schemeWS
	schemeWSS
	otherScheme
)

var schemeNames = [...]string{schemeHTTP: "http", schemeHTTPS: "https", schemeWS: "ws", schemeWSS: "wss"}

// overHTTP is the scheme by which a WebSocket's connection begins.
func (s urlScheme) overHTTP() urlScheme {
	switch s {
	case schemeWS:
		return schemeHTTP
	case schemeWSS:
		return schemeHTTPS
	}
	return s
}

func (s urlScheme) defaultPort() int {
	switch s.overHTTP() {
	case schemeHTTP:
		return 80
	case schemeHTTPS:
		return 443
	}
	return -1
}

type refKind uint8

const (
	refOther    refKind = iota // data:, mailto: and the like, or no URL
	refRelative                // to the base's origin
	refHost                    // with a host of its own
)

// urlRef is a reference as the URL Standard's parser reads it (4.4): tabs and
// line breaks do not count, a backslash is a slash, and any number of slashes
// may precede a host.
type urlRef struct {
	kind   refKind
	scheme urlScheme // noScheme: the base's
	host   []byte    // with the port, without credentials, as authored
	rest   []byte    // from the path on, as authored
}

// splitRef splits a reference on a page whose URL has the scheme base.
func splitRef(ref []byte, base urlScheme) (r urlRef) {
	text := trimURL(ref)
	scheme, i := readScheme(text)
	if scheme == otherScheme {
		return r
	}
	r.scheme = scheme
	slashes, j := 0, i
	for ; j < len(text) && (isSlash(text[j]) || isDropped(text[j])); j++ {
		if isSlash(text[j]) {
			slashes++
		}
	}
	// "https:page" is relative on a page of that scheme, and names a host on
	// any other ("special relative or authority state").
	if slashes < 2 && (scheme == noScheme || scheme == base) {
		for i < len(text) && isDropped(text[i]) {
			i++
		}
		r.kind, r.rest = refRelative, text[i:]
		return r
	}
	end := j
	for end < len(text) && !endsAuthority(text[end]) {
		end++
	}
	r.host, r.rest = text[j:end], text[end:]
	if at := bytes.LastIndexByte(r.host, '@'); at >= 0 {
		r.host = r.host[at+1:]
	}
	if len(r.host) > 0 {
		r.kind = refHost
	}
	return r
}

// readScheme returns the scheme that text begins with, and where it ends.
func readScheme(text []byte) (urlScheme, int) {
	if len(text) == 0 || !isLetter(text[0]) {
		return noScheme, 0
	}
	var name [5]byte
	n := 0
	for i, c := range text {
		switch {
		case isDropped(c):
		case c == ':':
			if n > len(name) {
				return otherScheme, i + 1
			}
			return schemeNamed(name[:n]), i + 1
		case isLetter(c) || isDigit(c) || c == '+' || c == '-' || c == '.':
			if n < len(name) {
				name[n] = lower(c)
			}
			n++
		default:
			return noScheme, 0
		}
	}
	return noScheme, 0
}

// schemeNamed is the scheme of a name in lower case.
func schemeNamed(name []byte) urlScheme {
	for s := schemeHTTP; s < otherScheme; s++ {
		if string(name) == schemeNames[s] {
			return s
		}
	}
	return otherScheme
}

func isSlash(c byte) bool { return c == '/' || c == '\\' }

// isDropped tells what the parser takes out of a URL before it reads it.
func isDropped(c byte) bool { return c == '\t' || c == '\n' || c == '\r' }

func endsAuthority(c byte) bool { return isSlash(c) || c == '?' || c == '#' }

// cutPath splits what follows a host into path, and query with fragment.
func cutPath(rest []byte) (path, query []byte) {
	for i, c := range rest {
		if c == '?' || c == '#' {
			return rest[:i], rest[i:]
		}
	}
	return rest, nil
}
