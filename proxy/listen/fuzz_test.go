package listen

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net/http"
	"testing"
)

// framed is what framing made of a stream: the request bodies that were
// complete, the bytes that passed, and whether it refused.
type framed struct {
	requests int
	wants    bool // the last one's body is not complete
	refused  bool
	through  bool // another protocol may follow
	passed   []byte
}

// frame feeds a stream in parts of the given size.
func frame(raw []byte, size int) framed {
	f := framing{maxHeader: 4 << 10, at: inPreface}
	var out framed
	for rest := raw; len(rest) > 0; {
		part := rest[:min(size, len(rest))]
		clean, why := f.feed(part)
		out.passed = append(out.passed, part[:clean]...)
		if why != none {
			out.refused = true
			break
		}
		if clean < len(part) || f.at == afterUpgrade || f.at == inOther {
			out.through = true
			break
		}
		rest = rest[clean:]
	}
	out.requests, out.wants = f.requests, f.wantsBody()
	return out
}

// count reads requests as net/http does, up to n of them. It stops at what
// net/http refuses.
func count(raw []byte, n int) (requests int, whole, ok bool) {
	r := bufio.NewReader(bytes.NewReader(raw))
	for requests < n {
		req, err := http.ReadRequest(r)
		if err != nil {
			return requests, true, false
		}
		requests++
		if _, err := io.Copy(io.Discard, req.Body); err != nil {
			return requests, false, errors.Is(err, io.ErrUnexpectedEOF)
		}
	}
	_, err := r.Peek(1)
	return requests, true, err == io.EOF
}

// FuzzGuard checks that net/http delimits what passes as framing does, and that
// it makes no difference in which parts the bytes come.
func FuzzGuard(f *testing.F) {
	for _, c := range refusals {
		if len(c.raw) < 1000 { // long ones slow the search down
			f.Add([]byte(c.raw))
			f.Add([]byte("GET / HTTP/1.1\r\nHost: h\r\n\r\n" + c.raw))
		}
	}
	for _, body := range bodies {
		if len(body) < 1000 {
			f.Add([]byte(chunkedHead + body))
		}
	}
	f.Add([]byte(chunkedHead + "5;x\r\nhello\r\n0\r\nX: y\r\n\r\nPOST / HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nokGET / HTTP/1.0\r\n\r\n"))
	f.Add([]byte(http2Preface + "\x00\x00\x00\x04\x00\x00\x00\x00\x00"))
	f.Add([]byte("CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n\x16\x03"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		whole := frame(raw, len(raw)+1)
		for _, size := range []int{1, 2, 3, 5, 17} {
			parts := frame(raw, size)
			if parts.requests != whole.requests || parts.refused != whole.refused || parts.through != whole.through || parts.wants != whole.wants {
				t.Fatalf("whole: %+v\nin parts of %d: %+v", whole, size, parts)
			}
		}
		if bytes.HasPrefix(raw, []byte(http2Preface)) {
			return
		}
		agree(t, whole)
	})
}

// agree compares with net/http. Where net/http refuses what passed, all is well
// as long as it saw no more requests than framing did.
func agree(t *testing.T, f framed) {
	t.Helper()
	requests, complete, ok := count(f.passed, f.requests)
	if requests > f.requests {
		t.Fatalf("net/http sees %d requests, framing %d: %q", requests, f.requests, f.passed)
	}
	switch {
	case requests < f.requests, !complete && !ok, f.refused:
		return // net/http refused it, or framing did: then the last is cut off
	case complete == f.wants:
		t.Fatalf("net/http has a whole body: %v; framing waits for one: %v: %q", complete, f.wants, f.passed)
	}
	// What follows the last request is the beginning of another at most.
	rest, _, _ := count(f.passed, f.requests+1)
	if rest > f.requests {
		t.Fatalf("net/http sees another request after %d: %q", f.requests, f.passed)
	}
}
