package replayui

import (
	"net/http"

	"github.com/pillion-dev/pillion/events"
)

// audit writes a line of the audit log: who did what with which session. Its
// lines are those of the program's log with the message "audit".
func (s *Server) audit(r *http.Request, what string, session events.SessionID, more ...any) {
	a := identity(r)
	s.log.Info("audit", append([]any{"what", what, "session", session, "by", a.Name, "role", a.Role, "org", a.Org, "remote", r.RemoteAddr}, more...)...)
}
