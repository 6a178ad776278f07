package proxy

import (
	"io"
	"net/http"
	"sync"
	"time"
)

// Tee receives copies of answers. Begin returns nil where one is not wanted.
// It is told of the answers to all GET requests but those for the pages
// themselves, which come with the page state; of redirects, errors and 304 too,
// of which there is nothing to write.
type Tee interface {
	Begin(a Asset) AssetWriter
}

// Asset is an answer on its way to the browser.
type Asset struct {
	Visit       string    // the browser's visit, from the cookie pillion_visit
	URL         string    // absolute, as the browser sees it
	Time        time.Time // when its header came
	Status      int
	Location    string      // of a redirect, absolute, as the browser gets it
	Header      http.Header // as the upstream sent it
	Request     http.Header // as the browser sent it; not to be changed
	Credentials bool        // the request bore Cookie or Authorization
	Refetched   bool        // the capture script asked for it, with RefetchHeader
}

// RefetchHeader marks what the capture script asks for although the page has it.
// No upstream sees it.
const RefetchHeader = "Pillion-Refetch"

// AssetWriter gets an answer's body, decoded. It never blocks on the store.
// Exactly one of Commit and Abort ends it.
type AssetWriter interface {
	io.Writer
	Commit()
	Abort()
}

// teeQueue bounds the encoded bytes that wait to be decoded for the archive.
// Past it the copy is given up: the page does not wait.
const teeQueue = 8 << 20

// tee passes a body on and hands a copy to an AssetWriter.
type tee struct {
	src   io.ReadCloser
	sink  teeSink
	ended bool
}

// teeSink takes the copy; end says whether the body came whole.
type teeSink interface {
	write(p []byte)
	end(whole bool)
}

func (t *tee) Read(p []byte) (int, error) {
	n, err := t.src.Read(p)
	if n > 0 && !t.ended {
		t.sink.write(p[:n])
	}
	if err != nil && !t.ended {
		t.ended = true
		t.sink.end(err == io.EOF)
	}
	return n, err
}

func (t *tee) Close() error {
	if !t.ended {
		t.ended = true
		t.sink.end(false)
	}
	return t.src.Close()
}

// plainSink writes an unencoded body straight through.
type plainSink struct {
	w      AssetWriter
	failed bool
}

func (s *plainSink) write(p []byte) {
	if s.failed {
		return
	}
	if _, err := s.w.Write(p); err != nil {
		s.failed = true
	}
}

func (s *plainSink) end(whole bool) {
	if whole && !s.failed {
		s.w.Commit()
		return
	}
	s.w.Abort()
}

// queueAbove is the size of an answer, in bytes, above which its copy is written
// in a goroutine of its own: large ones go to a disk.
const queueAbove = 1 << 20

// decodingSink decodes the copy in a goroutine of its own, which ends with the body.
type decodingSink struct {
	mu     sync.Mutex
	wake   *sync.Cond
	queue  [][]byte
	size   int
	state  sinkState
	onLoss func()
}

type sinkState uint8

const (
	sinkOpen sinkState = iota
	sinkWhole
	sinkBroken
)

func newDecodingSink(w AssetWriter, codings []string, onLoss func()) *decodingSink {
	s := newSinkQueue(onLoss)
	go s.decode(w, codings)
	return s
}

// newSinkQueue returns a sink that its caller reads.
func newSinkQueue(onLoss func()) *decodingSink {
	s := &decodingSink{onLoss: onLoss}
	s.wake = sync.NewCond(&s.mu)
	return s
}

func (s *decodingSink) write(p []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state != sinkOpen {
		return
	}
	if s.size+len(p) > teeQueue {
		s.state, s.queue = sinkBroken, nil
		s.onLoss()
	} else {
		s.queue, s.size = append(s.queue, append([]byte(nil), p...)), s.size+len(p)
	}
	s.wake.Signal()
}

func (s *decodingSink) end(whole bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.state == sinkOpen {
		s.state = sinkBroken
		if whole {
			s.state = sinkWhole
		}
	}
	s.wake.Signal()
}

// Read hands out the queue to the decoder.
func (s *decodingSink) Read(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.queue) == 0 && s.state == sinkOpen {
		s.wake.Wait()
	}
	if s.state == sinkBroken {
		return 0, io.ErrUnexpectedEOF
	}
	if len(s.queue) == 0 {
		return 0, io.EOF
	}
	n := copy(p, s.queue[0])
	s.queue[0] = s.queue[0][n:]
	s.size -= n
	if len(s.queue[0]) == 0 {
		s.queue = s.queue[1:]
	}
	return n, nil
}

func (s *decodingSink) decode(w AssetWriter, codings []string) {
	src, err := decoder(io.NopCloser(s), codings)
	if err == nil {
		_, err = io.Copy(struct{ io.Writer }{w}, src)
		_ = src.Close()
	}
	if err != nil {
		s.end(false)
		w.Abort()
		return
	}
	w.Commit()
}
