package listen

import (
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// serveStream serves a request of HTTP/2 or HTTP/3. Its peer can hold up one
// stream without holding up the connection, so patience is with each stream.
func (s *Server) serveStream(w http.ResponseWriter, r *http.Request) {
	if why := ambiguous(r); why != none {
		s.refuse(why)
		http.Error(w, "400 Bad Request", http.StatusBadRequest)
		return
	}
	rc := http.NewResponseController(w)
	sw := &streamWriter{ResponseWriter: w, rc: rc, wait: newStreamWait(s.limits.Write, s.limits.Floor, rc.SetWriteDeadline)}
	if s.quic != nil && r.ProtoMajor == 2 {
		sw.altSvc = s.quic.announcement(r.Host)
	}
	if r.Body != nil && r.Body != http.NoBody {
		r.Body = &streamBody{ReadCloser: r.Body, wait: newStreamWait(s.limits.Body, s.limits.Floor, rc.SetReadDeadline)}
	}
	s.opts.Handler.ServeHTTP(sw, r)
	sw.announce()
}

// ambiguous says what a server of HTTP/1.x, to which a stream may be passed on,
// could read in another way. The servers of HTTP/2 and HTTP/3 refuse the rest
// (RFC 9113, section 8.2.1; RFC 9114, section 4.3); they let a space in a path
// pass, which ends it in a request line.
func ambiguous(r *http.Request) reason {
	for i := range len(r.RequestURI) {
		if classOf[r.RequestURI[i]]&isTarget == 0 {
			return ReasonRequestLine
		}
	}
	if length := r.Header["Content-Length"]; len(length) > 1 || len(length) == 1 && (length[0] == "" || strings.Trim(length[0], "0123456789") != "") {
		return ReasonLength // net/http takes it for none, and goes on
	}
	if r.Header["Content_length"] != nil || r.Header["Transfer_encoding"] != nil {
		return ReasonHeaderLine // see likeFraming
	}
	return none
}

// streamWait is patience with one direction of a stream. A deadline of a stream
// ends it for good, and cannot be taken back once it has passed: so it is set
// when patience is gone, and not before.
type streamWait struct {
	patience
	end   func(time.Time) error
	timer *time.Timer

	mu      sync.Mutex
	waiting bool
}

func newStreamWait(most time.Duration, floor int, end func(time.Time) error) *streamWait {
	return &streamWait{patience: newPatience(most, floor), end: end}
}

// do runs an operation that may wait for the peer.
func (w *streamWait) do(f func() (int, error)) (int, error) {
	start := time.Now()
	w.set(true)
	if w.timer == nil {
		w.timer = time.AfterFunc(w.left, w.expire)
	} else {
		w.timer.Reset(w.left)
	}
	n, err := f()
	w.timer.Stop()
	w.set(false)
	w.spend(time.Since(start), n)
	return n, err
}

func (w *streamWait) set(waiting bool) {
	w.mu.Lock()
	w.waiting = waiting
	w.mu.Unlock()
}

// expire ends the stream, unless the wait is over: the handler may have
// returned then, and its writer must not be used any more.
func (w *streamWait) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.waiting {
		_ = w.end(time.Unix(1, 0)) // a stream that is gone needs no end
	}
}

type streamBody struct {
	io.ReadCloser
	wait *streamWait
}

func (b *streamBody) Read(p []byte) (int, error) {
	return b.wait.do(func() (int, error) { return b.ReadCloser.Read(p) })
}

// streamWriter is the writer that a handler gets.
type streamWriter struct {
	http.ResponseWriter
	rc     *http.ResponseController
	wait   *streamWait
	altSvc []string
}

// announce names HTTP/3 in the header, the last thing before it is sent: the
// handler may have filled it from another server's answer.
func (w *streamWriter) announce() {
	if w.altSvc != nil {
		w.Header()["Alt-Svc"] = w.altSvc
		w.altSvc = nil
	}
}

// WriteHeader implements http.ResponseWriter.
func (w *streamWriter) WriteHeader(status int) {
	if status >= 200 {
		w.announce()
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *streamWriter) Write(p []byte) (int, error) {
	w.announce()
	return w.wait.do(func() (int, error) { return w.ResponseWriter.Write(p) })
}

// WriteString implements io.StringWriter.
func (w *streamWriter) WriteString(p string) (int, error) {
	w.announce()
	return w.wait.do(func() (int, error) { return io.WriteString(w.ResponseWriter, p) })
}

// Flush implements http.Flusher.
func (w *streamWriter) Flush() { _ = w.FlushError() }

// FlushError is what http.ResponseController looks for.
func (w *streamWriter) FlushError() error {
	w.announce()
	_, err := w.wait.do(func() (int, error) { return 0, w.rc.Flush() })
	return err
}

// Unwrap gives http.ResponseController the rest.
func (w *streamWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

var (
	_ http.Flusher    = (*streamWriter)(nil)
	_ io.StringWriter = (*streamWriter)(nil)
)
