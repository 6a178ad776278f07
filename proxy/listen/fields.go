package listen

import (
	"bytes"
	"strings"
)

// classes of bytes.
const (
	isToken  = 1 << iota // in a method or a header's name (RFC 9110, 5.6.2)
	isTarget             // in a request target
	isValue              // in a header's value
	isHex
)

// classOf gives each byte its classes. Bytes above ASCII stay allowed in targets
// and values: old browsers and intranet clients send them, and they end nothing.
var classOf = func() (t [256]uint8) {
	for i := range t {
		c := byte(i)
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		digit := c >= '0' && c <= '9'
		if letter || digit || c < 0x80 && strings.IndexByte("!#$%&'*+-.^_`|~", c) >= 0 {
			t[i] |= isToken
		}
		if c > ' ' && c != 0x7f {
			t[i] |= isTarget
		}
		if c >= ' ' && c != 0x7f || c == '\t' {
			t[i] |= isValue
		}
		if digit || c|0x20 >= 'a' && c|0x20 <= 'f' {
			t[i] |= isHex
		}
	}
	return t
}()

// all reports whether every byte is of the class.
func all(p []byte, class uint8) bool {
	for _, c := range p {
		if classOf[c]&class == 0 {
			return false
		}
	}
	return true
}

// requestLine takes "method SP target SP version".
func (f *framing) requestLine(line []byte) reason {
	method, rest, ok := bytes.Cut(line, space)
	target, version, ok2 := bytes.Cut(rest, space)
	if !ok || !ok2 || len(method) == 0 || len(target) == 0 || !all(method, isToken) || !all(target, isTarget) {
		return ReasonRequestLine
	}
	switch string(version) {
	case "HTTP/1.1":
	case "HTTP/1.0":
		f.old = true
	default:
		return ReasonRequestLine
	}
	f.connect = string(method) == "CONNECT"
	f.at = inHeader
	return none
}

var space = []byte(" ")

// header takes one line of the header block.
func (f *framing) header(line []byte) reason {
	name, value, why := field(line)
	if why != none {
		return why
	}
	switch {
	case is(name, "host"):
		f.hosts++
	case is(name, "upgrade"):
		f.upgrade = true
	case is(name, "content-length"):
		return f.contentLength(value)
	case is(name, "transfer-encoding"):
		if f.chunked || !is(value, "chunked") {
			return ReasonCoding
		}
		f.chunked = true
	case likeFraming(name):
		return ReasonHeaderLine
	}
	return none
}

// likeFraming reports whether a server that reads names as CGI does, where "_"
// and "-" are one, takes the name for a header that delimits requests.
func likeFraming(name []byte) bool {
	return is(name, "content_length") || is(name, "transfer_encoding")
}

// field splits a header line. Its value is without the space around it.
func field(line []byte) (name, value []byte, why reason) {
	if line[0] == ' ' || line[0] == '\t' {
		return nil, nil, ReasonFolding
	}
	i := bytes.IndexByte(line, ':')
	if i <= 0 || !all(line[:i], isToken) {
		return nil, nil, ReasonHeaderLine
	}
	if !all(line[i+1:], isValue) {
		return nil, nil, ReasonControl
	}
	return line[:i], bytes.Trim(line[i+1:], " \t"), none
}

// contentLength takes decimal digits, once.
func (f *framing) contentLength(value []byte) reason {
	if f.sized || len(value) == 0 || len(value) > 18 {
		return ReasonLength
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return ReasonLength
		}
		f.length = f.length*10 + int64(c-'0')
	}
	f.sized = true
	return none
}

// chunkSize takes hexadecimal digits, and extensions within reason.
func (f *framing) chunkSize(line []byte) reason {
	digits, extension, extended := bytes.Cut(line, []byte(";"))
	if len(digits) == 0 || len(digits) > 15 || !all(digits, isHex) || extended && !all(extension, isValue) {
		return ReasonChunk
	}
	f.left = 0
	for _, c := range digits {
		switch {
		case c <= '9':
			c -= '0'
		default:
			c = c | 0x20 - 'a' + 10
		}
		f.left = f.left<<4 | int64(c)
	}
	if f.left == 0 {
		f.at = inTrailer
		return none
	}
	f.at = inChunk
	return none
}

// trailer takes a line after the last chunk, which must not say anything about
// the framing (RFC 9110, section 6.5.1).
func trailer(line []byte) reason {
	name, _, why := field(line)
	if why != none {
		return why
	}
	if is(name, "content-length") || is(name, "transfer-encoding") || is(name, "host") || likeFraming(name) {
		return ReasonTrailer
	}
	return none
}

// is compares without regard to ASCII case; lower is in lower case.
func is(p []byte, lower string) bool {
	if len(p) != len(lower) {
		return false
	}
	for i, c := range p {
		if c >= 'A' && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
