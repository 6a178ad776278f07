package replayui

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/coder/websocket"

	"github.com/pillion-dev/pillion/events"
)

const (
	// maxBehind is how far a reader may be behind: more bytes end the
	// connection, and the reader comes back to the page as it is then.
	maxBehind    = 4 << 20
	writeWait    = 5 * time.Second
	stateWait    = 30 * time.Second // a large page state over a slow line
	pingEvery    = 20 * time.Second
	helloWait    = 10 * time.Second
	closeTryLate = 1013 // RFC 6455's registry: try again later
)

// socket implements events.Peer on a WebSocket: what is sent waits in a bounded
// queue for the socket's one writer.
type socket struct {
	conn *websocket.Conn

	mu     sync.Mutex
	queue  []message
	size   int
	ending *message
	wake   chan struct{}
}

type message struct {
	kind   websocket.MessageType
	body   []byte
	code   int // closing: the code
	reason string
}

// accept upgrades a request; the page has to be of the listener's own origin.
func accept(w http.ResponseWriter, r *http.Request) (*socket, error) {
	if r.Header.Get("Origin") == "" || !sameOrigin(r) {
		http.Error(w, "This socket is for pages of this site.", http.StatusForbidden)
		return nil, errors.New("another origin")
	}
	conn, err := websocket.Accept(w, r, &websocket.AcceptOptions{
		CompressionMode: websocket.CompressionNoContextTakeover, CompressionThreshold: 4 << 10,
	})
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(events.MaxStateFrame + 64)
	return &socket{conn: conn, wake: make(chan struct{}, 1)}, nil
}

// SendText implements events.Peer.
func (s *socket) SendText(v any) {
	b, err := json.Marshal(v)
	if err != nil {
		return // our own structs always marshal
	}
	s.send(message{kind: websocket.MessageText, body: b})
}

// SendRecord implements events.Peer.
func (s *socket) SendRecord(b []byte) { s.send(message{kind: websocket.MessageBinary, body: b}) }

// Close implements events.Peer.
func (s *socket) Close(code int, reason string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending == nil {
		s.ending = &message{code: code, reason: reason}
		s.signal()
	}
}

func (s *socket) send(m message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending != nil {
		return
	}
	// One message may be larger than the bound: a page state.
	if len(s.queue) > 0 && s.size+len(m.body) > maxBehind {
		s.queue, s.size = nil, 0
		s.ending = &message{code: closeTryLate, reason: "too far behind"}
	} else {
		s.queue, s.size = append(s.queue, m), s.size+len(m.body)
	}
	s.signal()
}

func (s *socket) signal() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

func (s *socket) next() (list []message, ending *message) {
	s.mu.Lock()
	defer s.mu.Unlock()
	list = s.queue
	s.queue, s.size = nil, 0
	return list, s.ending
}

// write sends what is queued until the socket ends.
func (s *socket) write(ctx context.Context) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ping.C:
			wait, cancel := context.WithTimeout(ctx, pingEvery)
			err := s.conn.Ping(wait)
			cancel()
			if err != nil {
				_ = s.conn.CloseNow() // the reader sees it
				return
			}
			continue
		case <-s.wake:
		}
		list, ending := s.next()
		for _, m := range list {
			if s.writeOne(ctx, m) != nil {
				_ = s.conn.CloseNow() // the reader sees it
				return
			}
		}
		if ending != nil {
			_ = s.conn.Close(websocket.StatusCode(ending.code), shorten(ending.reason))
			return
		}
	}
}

func (s *socket) writeOne(ctx context.Context, m message) error {
	wait := writeWait
	if len(m.body) > 256<<10 {
		wait = stateWait
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	return s.conn.Write(ctx, m.kind, m.body)
}

// shorten keeps a reason within what a close frame holds (RFC 6455, 5.5).
func shorten(reason string) string {
	const most = 120
	if len(reason) <= most {
		return reason
	}
	return reason[:most]
}

// receiver is what a connection's frames go to.
type receiver struct {
	text   func([]byte) error
	binary func([]byte) error // nil: none are permitted
	gone   func()
}

// serve reads a socket to its end. attach is given the first text frame where
// hello is set, else nothing.
func (s *socket) serve(ctx context.Context, hello bool, attach func(first []byte) (receiver, error)) {
	ctx, cancel := context.WithCancel(ctx)
	var writer sync.WaitGroup
	writer.Go(func() { s.write(ctx) })
	defer func() {
		cancel()
		_ = s.conn.CloseNow()
		writer.Wait()
	}()
	var first []byte
	if hello {
		var err error
		if first, err = s.first(ctx); err != nil {
			s.refuse(err)
			writer.Wait()
			return
		}
	}
	to, err := attach(first)
	if err != nil {
		s.refuse(err)
		writer.Wait()
		return
	}
	defer to.gone()
	for {
		kind, body, err := s.conn.Read(ctx)
		if err != nil {
			return
		}
		if err := s.take(to, kind, body); err != nil {
			s.refuse(err)
			writer.Wait()
			return
		}
	}
}

func (s *socket) first(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, helloWait)
	defer cancel()
	kind, body, err := s.conn.Read(ctx)
	if err != nil || kind != websocket.MessageText {
		return nil, &events.ProtocolError{Code: events.ClosePolicy, Reason: "the first message is missing"}
	}
	return body, nil
}

func (s *socket) take(to receiver, kind websocket.MessageType, body []byte) error {
	if kind == websocket.MessageText {
		if len(body) > events.MaxTextFrame {
			return &events.ProtocolError{Code: events.CloseTooBig, Reason: "message too large"}
		}
		return to.text(body)
	}
	if to.binary == nil {
		return &events.ProtocolError{Code: events.ClosePolicy, Reason: "binary frames are not for this side"}
	}
	return to.binary(body)
}

// refuse closes the socket for what its peer did wrong.
func (s *socket) refuse(err error) {
	var broke *events.ProtocolError
	if !errors.As(err, &broke) {
		broke = &events.ProtocolError{Code: events.CloseFailed, Reason: "internal error"}
	}
	s.Close(broke.Code, broke.Reason)
}
