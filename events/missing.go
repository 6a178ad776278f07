package events

// Missing asks the user's browser for files that the archive does not hold: urls
// of what the page shows, maybe of what it may show, which the browser hands in
// where it has it and fetches in no case. Where the page itself has gone, another
// of the user's pages is asked.
func (s *Session) Missing(id PageID, urls, maybe []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	p := s.pages[id]
	if p == nil || p.peer == nil {
		p = s.front()
	}
	if p != nil && p.peer != nil && s.info.State == StateLive {
		p.peer.SendText(ToUser{Type: "fetch", URLs: urls, Maybe: maybe})
	}
}

// PageURL is the address of one of the session's pages; empty where it is not known.
func (s *Session) PageURL(id PageID) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.pages[id]; p != nil {
		return p.url
	}
	return ""
}
