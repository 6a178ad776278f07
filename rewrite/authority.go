package rewrite

import "bytes"

// NamesOrigin reports whether a URL reference may name a scheme or a host. It is
// quick and errs on the side of yes: "a:b" names a scheme, "//host", "\\host" and
// the same with the tabs and line breaks that a URL parser takes out (URL, 4.4)
// name a host; what comes after '/', '?' or '#' cannot.
func NamesOrigin(ref []byte) bool { return namesOrigin(ref, ':') }

// mayName is NamesOrigin for a value whose character references are not undone:
// any of them may stand for what names an origin.
func mayName(value []byte) bool { return namesOrigin(value, '&') }

// namesOrigin takes also for a sign that an origin is named.
func namesOrigin(ref []byte, also byte) bool {
	for i, c := range ref {
		switch c {
		case ':', also:
			return true
		case '/', '\\':
			return isBlank(ref[:i]) && slashFollows(ref[i+1:], also)
		case '?', '#':
			return false
		}
	}
	return false
}

// isBlank reports whether all of b is stripped from the front of a URL.
func isBlank(b []byte) bool {
	for _, c := range b {
		if c > ' ' {
			return false
		}
	}
	return true
}

func slashFollows(b []byte, also byte) bool {
	for _, c := range b {
		switch c {
		case '\t', '\n', '\r':
		case '/', '\\', also:
			return true
		default:
			return false
		}
	}
	return false
}

// trimURL strips what a URL parser strips from both ends (URL, 4.4).
func trimURL(b []byte) []byte {
	for len(b) > 0 && b[0] <= ' ' {
		b = b[1:]
	}
	for len(b) > 0 && b[len(b)-1] <= ' ' {
		b = b[:len(b)-1]
	}
	return b
}

// hasScheme reports whether ref has a scheme, given in lower case with its
// colon, past the tabs and line breaks that do not count.
func hasScheme(ref []byte, scheme string) bool {
	n := 0
	for _, c := range ref {
		switch {
		case c == '\t' || c == '\n' || c == '\r':
			continue
		case lower(c) != scheme[n]:
			return false
		}
		if n++; n == len(scheme) {
			return true
		}
	}
	return false
}

// bearsLiteral reports whether script may hold a literal with a host in it:
// two slashes, as they are or escaped as in JSON.
func bearsLiteral(script []byte) bool {
	for {
		i := bytes.IndexByte(script, '/')
		if i < 0 {
			return false
		}
		script = script[i+1:]
		if len(script) > 0 && script[0] == '/' || len(script) > 1 && script[0] == '\\' && script[1] == '/' {
			return true
		}
	}
}
