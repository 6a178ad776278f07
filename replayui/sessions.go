package replayui

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/pillion-dev/pillion/events"
)

// getSessions lists live sessions and finds ended ones.
func (s *Server) getSessions(w http.ResponseWriter, r *http.Request) error {
	a, q := identity(r), r.URL.Query()
	query := events.Query{
		Org: a.Org, Agent: q.Get("agent"), User: q.Get("user"), URL: q.Get("url"), Text: q.Get("q"), Cursor: q.Get("cursor"), Limit: 50,
	}
	if a.Role == events.RoleAgent {
		query.Agent = a.Name
	}
	for name, v := range map[string]*time.Time{"from": &query.From, "to": &query.To} {
		if text := q.Get(name); text != "" {
			t, err := time.Parse(time.RFC3339, text)
			if err != nil {
				return newProblem(http.StatusBadRequest, name+" is a time like 2026-01-31T09:00:00Z.")
			}
			*v = t
		}
	}
	if n, err := strconv.Atoi(q.Get("limit")); err == nil && n > 0 && n < query.Limit {
		query.Limit = n
	}
	found, next, err := s.opts.Catalogue.Find(r.Context(), query)
	if err != nil {
		return err
	}
	live := []events.SessionInfo{}
	for _, info := range s.opts.Hub.List() {
		if info.State == events.StateWaiting {
			continue
		}
		if info, ok := s.present(a, info); ok {
			live = append(live, info)
		}
	}
	slices.SortFunc(live, func(a, b events.SessionInfo) int { return b.Started.Compare(a.Started) })
	ended := []events.SessionInfo{}
	for _, info := range found {
		ended = append(ended, shown(info))
	}
	return answer(w, http.StatusOK, map[string]any{"live": live, "sessions": ended, "next": next})
}

// present is what an account is told of a session that is on. Those whom the
// user has not answered about know that it is theirs, not what it is about.
func (s *Server) present(a Account, info events.SessionInfo) (events.SessionInfo, bool) {
	if sees(a, info) {
		return shown(info), true
	}
	session := s.opts.Hub.Session(info.ID)
	if session == nil || !session.Member(hubAccount(a)) {
		return info, false
	}
	info.URL, info.Title = "", ""
	return shown(info), true
}

// shown leaves out what is not for people.
func shown(info events.SessionInfo) events.SessionInfo {
	info.Visit = ""
	return info
}

func (s *Server) getSession(w http.ResponseWriter, r *http.Request) error {
	a, id := identity(r), events.SessionID(r.PathValue("id"))
	if live := s.opts.Hub.Session(id); live != nil {
		if info, ok := s.present(a, live.Info()); ok {
			return answer(w, http.StatusOK, info)
		}
		return events.ErrNoSession
	}
	info, err := s.opts.Catalogue.Get(r.Context(), id)
	if errors.Is(err, events.ErrNoSession) {
		info, err = s.unsealed(r.Context(), id)
	}
	if err != nil {
		return err
	}
	if !sees(a, info) {
		return events.ErrNoSession
	}
	return answer(w, http.StatusOK, shown(info))
}

// unsealed is what is known of a session that is over and not sealed yet: from
// memory while it is there, since the directory may not have heard of its end.
func (s *Server) unsealed(ctx context.Context, id events.SessionID) (events.SessionInfo, error) {
	if ended := s.opts.Hub.Lately(id); ended != nil {
		return ended.Info(), nil
	}
	return s.opts.Directory.Get(ctx, id)
}
