package forward

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"net"
	"net/http"
	"net/textproto"
	"strings"

	"github.com/elazarl/goproxy"
)

// roundTrip is how goproxy asks another host. What goproxy leaves undone is done
// here: the answer's headers between two neighbours stay with them, and an answer
// that breaks off is seen to break off.
func (p *Proxy) roundTrip(r *http.Request, _ *goproxy.ProxyCtx) (*http.Response, error) {
	if _, has := r.Header["User-Agent"]; !has {
		r.Header["User-Agent"] = []string{""} // else the transport adds its own
	}
	resp, err := p.tr.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	dropHopByHop(resp.Header)
	if resp.StatusCode != http.StatusSwitchingProtocols {
		resp.Body = wholeBody{resp.Body}
	}
	return resp, nil
}

// answer is what goproxy gives the client where there is no answer.
func (p *Proxy) answer(resp *http.Response, ctx *goproxy.ProxyCtx) *http.Response {
	if resp != nil {
		return resp
	}
	p.log.Debug("another host did not answer", "host", ctx.Req.URL.Host, "error", ctx.Error)
	status, title, text := explain(ctx.Error)
	return page(ctx.Req, status, title, text)
}

// wholeBody aborts the answer where the body does not reach its end: goproxy
// would end it as if it were whole.
type wholeBody struct{ io.ReadCloser }

func (b wholeBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		panic(http.ErrAbortHandler)
	}
	return n, err
}

// dropHopByHop drops the headers that are between two neighbours (RFC 9110,
// section 7.6.1), but for an upgrade to a WebSocket, which goproxy passes.
func dropHopByHop(h http.Header) {
	upgrade := strings.EqualFold(h.Get("Upgrade"), "websocket")
	for _, line := range h["Connection"] {
		for name := range strings.SplitSeq(line, ",") {
			if name = textproto.TrimString(name); name != "" && !strings.EqualFold(name, "upgrade") {
				h.Del(name)
			}
		}
	}
	for _, name := range [...]string{"Keep-Alive", "Te", "Trailer", "Transfer-Encoding"} {
		h.Del(name)
	}
	dropProxyHeaders(h)
	if upgrade {
		h["Connection"] = []string{"Upgrade"}
		return
	}
	h.Del("Connection")
	h.Del("Upgrade")
}

// streaming is the writer that goproxy gets: what is written goes out at once,
// and a connection that is taken over brings the bytes along that were read
// already.
func streaming(w http.ResponseWriter, r *http.Request) http.ResponseWriter {
	s := streamed{w, http.NewResponseController(w)}
	if r.ProtoMajor == 1 {
		return hijackable{s}
	}
	return s
}

type streamed struct {
	http.ResponseWriter
	rc *http.ResponseController
}

func (s streamed) Write(p []byte) (int, error) {
	n, err := s.ResponseWriter.Write(p)
	if err == nil {
		err = s.rc.Flush()
	}
	return n, err
}

// Flush implements http.Flusher.
func (s streamed) Flush() { _ = s.rc.Flush() } // a write will tell

type hijackable struct{ streamed }

// Hijack implements http.Hijacker.
func (h hijackable) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := h.rc.Hijack()
	if err != nil {
		return nil, nil, err
	}
	early, _ := rw.Peek(rw.Reader.Buffered()) // they are there
	v := &visit{Conn: c, first: bytes.Clone(early)}
	rw.Reader.Reset(v)
	return v, rw, nil
}
