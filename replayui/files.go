package replayui

import (
	"fmt"
	"sync"

	"github.com/pillion-dev/pillion/events"
)

// visiting is which session a browser's visit has.
type visiting struct {
	mu sync.Mutex
	of map[string]events.SessionID
}

// visits notes that a browser takes part in a session.
func (s *Server) visits(session *events.Session) {
	info := session.Info()
	if info.Visit == "" {
		return
	}
	s.visiting.mu.Lock()
	known := s.visiting.of[info.Visit]
	if s.visiting.of == nil {
		s.visiting.of = map[string]events.SessionID{}
	}
	s.visiting.of[info.Visit] = info.ID
	s.visiting.mu.Unlock()
	if known != "" {
		return
	}
	s.forgetVisits()
}

// forgetVisits forgets those whose sessions are over.
func (s *Server) forgetVisits() {
	s.visiting.mu.Lock()
	defer s.visiting.mu.Unlock()
	for visit, id := range s.visiting.of {
		if s.opts.Hub.Session(id) == nil {
			delete(s.visiting.of, visit)
		}
	}
}

// Visiting is the session that a visit has; nil for none.
func (s *Server) Visiting(visit string) *events.Session {
	s.visiting.mu.Lock()
	id := s.visiting.of[visit]
	s.visiting.mu.Unlock()
	if id == "" {
		return nil
	}
	return s.opts.Hub.Session(id)
}

// fileLabel is a file that was sent or got, in words.
func fileLabel(l *events.Lifecycle) string {
	what := "a file"
	if l.Name != "" {
		what = "the file “" + l.Name + "”"
	}
	verb := "got "
	if l.Type == "upload" {
		verb = "sent "
	}
	label := verb + what + " (" + sizeInWords(l.Size) + ")"
	if l.Hash == "" {
		return label + ", not all of it"
	}
	return label
}

func sizeInWords(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d bytes", n)
	case n < 1_000_000:
		return fmt.Sprintf("%.1f KB", float64(n)/1e3)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}
