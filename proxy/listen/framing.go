package listen

import "bytes"

// framing follows where the requests on an HTTP/1.x connection begin and end,
// and refuses every form that some server might delimit in another way (RFC
// 9112, section 11.2). It is stricter than net/http, which takes bare line
// feeds, equal lengths twice, and a length beside a coding.
//
// It sees the bytes before the server does and keeps none of them but a line
// that came in parts.
type framing struct {
	maxHeader int

	at   state
	line []byte // the part of a line that has come
	head int    // bytes of this header block, or of these trailers
	left int64  // of the body or the chunk
	crlf int    // bytes of the line end after a chunk

	requests int // header blocks that were complete
	request
}

// request is what the header block says about the framing.
type request struct {
	old     bool // HTTP/1.0
	connect bool
	upgrade bool
	chunked bool
	sized   bool // it has a Content-Length
	length  int64
	hosts   int
}

type state uint8

const (
	inRequestLine state = iota
	inHeader
	inBody
	inChunkSize
	inChunk
	inChunkEnd
	inTrailer
	afterUpgrade // what follows is HTTP only if the server did not upgrade
)

// maxChunkLine bounds a chunk's size with its extensions, which nobody uses.
const maxChunkLine = 256

// maxTrailer bounds the trailers: net/http takes 4 KiB, of which some goes to
// its own bookkeeping.
const maxTrailer = 3 << 10

// wantsBody reports whether the bytes that come next belong to a request whose
// header is complete.
func (f *framing) wantsBody() bool { return f.at >= inBody && f.at <= inTrailer }

// feed follows p. It returns how many bytes may be passed on: all of them,
// those up to the end of a request that may upgrade the connection, or, with a
// reason, those before what is refused.
func (f *framing) feed(p []byte) (clean int, why reason) {
	for clean < len(p) && why == none && f.at != afterUpgrade {
		var n int
		n, why = f.step(p[clean:])
		clean += n
	}
	return clean, why
}

func (f *framing) step(p []byte) (int, reason) {
	switch f.at {
	case inBody, inChunk:
		return f.data(p), none
	case inChunkEnd:
		return f.chunkEnd(p)
	default:
		return f.lineOf(p)
	}
}

// data follows the bytes of a body or a chunk.
func (f *framing) data(p []byte) int {
	n := int(min(f.left, int64(len(p))))
	if f.left -= int64(n); f.left == 0 {
		if f.at == inBody {
			f.end()
		} else {
			f.at, f.crlf = inChunkEnd, 0
		}
	}
	return n
}

// chunkEnd follows the line end after a chunk's data.
func (f *framing) chunkEnd(p []byte) (int, reason) {
	if p[0] != "\r\n"[f.crlf] {
		return 0, ReasonChunk
	}
	if f.crlf++; f.crlf == 2 {
		f.at = inChunkSize
	}
	return 1, none
}

// lineOf follows a line up to its end, or what there is of it. What is refused
// is not counted as passed.
func (f *framing) lineOf(p []byte) (int, reason) {
	if f.at == inRequestLine && f.head == 0 && classOf[p[0]]&isToken == 0 {
		return 0, ReasonRequestLine // a TLS record, say, has no line to wait for
	}
	i := bytes.IndexByte(p, '\n')
	n := i + 1
	if i < 0 {
		n = len(p)
	}
	if why := f.count(n); why != none {
		return 0, why
	}
	if i < 0 {
		f.line = append(f.line, p...)
		return n, none
	}
	line := p[:n]
	if len(f.line) > 0 {
		f.line = append(f.line, line...)
		line = f.line
	}
	why := f.endOfLine(line)
	if f.line = f.line[:0]; cap(f.line) > 4<<10 {
		f.line = nil // one long line must not stay with an idle connection
	}
	if why != none {
		return 0, why
	}
	return n, none
}

// count holds the lines within their bounds.
func (f *framing) count(n int) reason {
	if f.at == inChunkSize {
		if len(f.line)+n > maxChunkLine {
			return ReasonChunk
		}
		return none
	}
	f.head += n
	if f.at == inTrailer && f.head > maxTrailer || f.head > f.maxHeader {
		return ReasonHeaderSize
	}
	return none
}

// endOfLine takes a line with its end.
func (f *framing) endOfLine(line []byte) reason {
	content, ok := bytes.CutSuffix(line, []byte("\r\n"))
	if !ok || bytes.IndexByte(content, '\r') >= 0 {
		if f.at == inChunkSize {
			return ReasonChunk
		}
		return ReasonLineEnd
	}
	switch f.at {
	case inRequestLine:
		return f.requestLine(content)
	case inHeader:
		if len(content) == 0 {
			return f.headerEnd()
		}
		return f.header(content)
	case inChunkSize:
		return f.chunkSize(content)
	default:
		if len(content) == 0 {
			f.end()
			return none
		}
		return trailer(content)
	}
}

// headerEnd decides what follows the header block.
func (f *framing) headerEnd() reason {
	switch {
	case f.chunked && f.sized:
		return ReasonLengthAndCoding
	case f.chunked && f.old:
		return ReasonCoding // HTTP/1.0 has none: a server may take the body for a request
	case f.hosts > 1, f.hosts == 0 && !f.old && !f.connect:
		return ReasonHost
	}
	f.requests++
	switch {
	case f.chunked:
		f.at, f.head = inChunkSize, 0
	case f.length > 0:
		f.at, f.left = inBody, f.length
	default:
		f.end()
	}
	return none
}

// end is the end of a request.
func (f *framing) end() {
	f.at = inRequestLine
	if f.upgrade || f.connect {
		f.at = afterUpgrade
	}
	f.head, f.request = 0, request{}
}
