package rewrite

import (
	"bytes"
	"net/netip"
	"net/url"
	"strconv"

	"golang.org/x/net/idna"
)

// maxHost is longer than any host's name with its port.
const maxHost = 280

// appendOrigin appends the canonical form of an origin: "https://host:port",
// without a default port; false where it is none.
func appendOrigin(dst []byte, scheme urlScheme, host []byte) ([]byte, bool) {
	scheme = scheme.overHTTP()
	if scheme != schemeHTTP && scheme != schemeHTTPS || len(host) > maxHost {
		return dst, false
	}
	dst = append(append(dst, schemeNames[scheme]...), "://"...)
	return appendHostPort(dst, host, scheme.defaultPort())
}

// appendHostPort appends a host with its port as the URL Standard's host parser
// leaves them (3.5), and without the dot that may end a name: it is the same
// server's. The default port is left out.
func appendHostPort(dst, host []byte, defaultPort int) ([]byte, bool) {
	host, port := cutPort(host)
	dst, ok := appendHost(dst, host)
	if !ok {
		return dst, false
	}
	number, digits := 0, 0
	for _, c := range port {
		switch {
		case isDropped(c):
			continue
		case !isDigit(c):
			return dst, false
		}
		if number = number*10 + int(c-'0'); number > 65535 {
			return dst, false
		}
		digits++
	}
	if digits > 0 && number != defaultPort {
		dst = strconv.AppendInt(append(dst, ':'), int64(number), 10)
	}
	return dst, true
}

func cutPort(host []byte) (name, port []byte) {
	i := bytes.LastIndexByte(host, ':')
	if i < 0 || bytes.IndexByte(host[i:], ']') >= 0 {
		return host, nil
	}
	return host[:i], host[i+1:]
}

func appendHost(dst, host []byte) ([]byte, bool) {
	start := len(dst)
	for _, c := range host {
		switch {
		case isLetter(c):
			dst = append(dst, lower(c))
		case isDigit(c), c == '-', c == '.', c == '_':
			dst = append(dst, c)
		default:
			return appendRareHost(dst[:start], host)
		}
	}
	return endHost(dst, start)
}

// endHost looks at a host that is plain ASCII.
func endHost(dst []byte, start int) ([]byte, bool) {
	if n := len(dst); n > start+1 && dst[n-1] == '.' {
		dst = dst[:n-1]
	}
	if len(dst) == start {
		return dst, false
	}
	last := dst[start:]
	if i := bytes.LastIndexByte(last, '.'); i >= 0 {
		last = last[i+1:]
	}
	if len(last) == 0 || !isDigit(last[0]) {
		return dst, true
	}
	if v, numeric, ok := parseIPv4(dst[start:]); numeric {
		return netip.AddrFrom4([4]byte{byte(v >> 24), byte(v >> 16), byte(v >> 8), byte(v)}).AppendTo(dst[:start]), ok
	}
	return dst, true
}

// parseIPv4 reads an IPv4 address in any of the forms that browsers take: with
// fewer than four parts, octal or hexadecimal (URL Standard, 3.5). numeric is
// false where the name does not end in a number and so is no address.
func parseIPv4(host []byte) (value uint64, numeric, ok bool) {
	ok = true
	for i := 1; ; i++ {
		part, rest, more := bytes.Cut(host, []byte("."))
		n, valid := ipv4Number(part)
		ok = ok && valid && i <= 4
		if !more {
			left := 8 * (5 - min(i, 4)) // the last number fills what is left
			return value<<left | n, valid || allDigits(part), ok && n < 1<<left
		}
		ok = ok && n < 256
		value, host = value<<8|n, rest
	}
}

func ipv4Number(part []byte) (uint64, bool) {
	base := 10
	if len(part) > 1 && part[0] == '0' {
		if base, part = 8, part[1:]; part[0] == 'x' {
			base, part = 16, part[1:]
		}
	}
	if len(part) == 0 {
		return 0, base == 16
	}
	if len(part) > 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(string(part), base, 64)
	return n, err == nil
}

func allDigits(b []byte) bool {
	for _, c := range b {
		if !isDigit(c) {
			return false
		}
	}
	return true
}

// hostNames maps as browsers do (URL Standard, 3.3: UTS 46, not transitional,
// not strict).
var hostNames = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false), idna.CheckHyphens(false))

// appendRareHost appends a host that has more to it than plain ASCII.
func appendRareHost(dst, host []byte) ([]byte, bool) {
	start := len(dst)
	text := string(bytes.Map(func(r rune) rune {
		if r == '\t' || r == '\n' || r == '\r' {
			return -1
		}
		return r
	}, host))
	if text != "" && text[0] == '[' {
		if text[len(text)-1] != ']' {
			return dst, false
		}
		addr, err := netip.ParseAddr(text[1 : len(text)-1])
		if err != nil || !addr.Is6() || addr.Zone() != "" {
			return dst, false
		}
		return append(addr.AppendTo(append(dst, '[')), ']'), true
	}
	text, err := url.PathUnescape(text)
	if err != nil {
		return dst, false
	}
	text, err = hostNames.ToASCII(text)
	if err != nil {
		return dst, false
	}
	for _, c := range []byte(text) {
		// What else may stand in a host matters to no origin of ours.
		if !isLetter(c) && !isDigit(c) && c != '-' && c != '.' && c != '_' {
			return dst, false
		}
		dst = append(dst, lower(c))
	}
	return endHost(dst, start)
}
