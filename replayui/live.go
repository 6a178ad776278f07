package replayui

import (
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// Cookies on the site's side. The visit is set by the gateway with a document.
const (
	sessionCookie = "pillion_session"
	visitCookie   = "pillion_visit"
)

// Handler serves what the gateway has of its own on the site.
func (t *Site) Handler() http.Handler {
	s := t.server
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.pillion/capture.js", func(w http.ResponseWriter, r *http.Request) {
		s.scripts.named(r.URL.Query().Get("v"), t.plain).serve(w, r, scriptType)
	})
	mux.HandleFunc("GET /.pillion/parts/{file}", s.scripts.servePart)
	mux.HandleFunc("POST /.pillion/session", s.api(t.postSession))
	mux.HandleFunc("POST /.pillion/kept", s.api(t.postKept))
	mux.HandleFunc("GET "+archive.CopyPrefix, s.api(s.getCopy))
	mux.HandleFunc("DELETE /.pillion/session", s.api(s.deleteSession))
	mux.HandleFunc("GET /.pillion/socket", s.userSocket)
	return mux
}

type sessionAnswer struct {
	State       events.SessionState `json:"state"`
	Code        string              `json:"code,omitempty"`
	CodeExpires int64               `json:"codeExpires,omitempty"` // seconds from now
	Ticket      string              `json:"ticket"`
}

// postSession starts an assistance session, or goes on with this browser's.
func (t *Site) postSession(w http.ResponseWriter, r *http.Request) error {
	s := t.server
	var in struct {
		URL, User, Code string
		Resume          bool
	}
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	status := http.StatusOK
	session := s.ofBrowser(r)
	if session == nil && in.Resume {
		s.setSessionCookie(w, r, "", -1)
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	var waiting *events.Session // for an agent, until this one came: the code decides
	if session != nil && in.Code != "" && session.Info().State == events.StateWaiting {
		waiting, session = session, nil
	}
	if session == nil {
		info := events.SessionInfo{Org: t.org, Site: t.settings.Name, URL: bound(in.URL, 2000), User: bound(in.User, 200), Most: t.settings.Most}
		if c, err := r.Cookie(visitCookie); err == nil {
			info.Visit = bound(c.Value, 100)
		}
		var err error
		if session, err = s.begin(r, info, in.Code); err != nil {
			return err
		}
		if waiting != nil {
			waiting.End("user")
		}
		s.setSessionCookie(w, r, s.opts.Hub.Secret(session.Info().ID), 0)
		status = http.StatusCreated
	}
	s.visits(session)
	now := s.opts.Now()
	out := sessionAnswer{State: session.Info().State, Ticket: s.userTickets.issue(session.Info().ID, now)}
	if code, expires := session.Code(); code != "" {
		out.Code, out.CodeExpires = code.Grouped(), int64(expires.Sub(now).Seconds())
	}
	return answer(w, status, out)
}

// begin starts a session, or enters the one that an agent opened.
func (s *Server) begin(r *http.Request, info events.SessionInfo, code string) (*events.Session, error) {
	if code == "" {
		return s.opts.Hub.Start(r.Context(), info)
	}
	return s.opts.Hub.Enter(bound(s.guest(r), 100), code, info)
}

// guest is the address of who asks. Of a list the last is what our own proxy
// saw; those before it are what somebody told the proxy.
func (s *Server) guest(r *http.Request) string {
	if list := r.Header.Values("X-Forwarded-For"); s.opts.TrustForwarded && len(list) > 0 {
		if _, last := cutLast(","+list[len(list)-1], ","); strings.TrimSpace(last) != "" {
			return strings.TrimSpace(last)
		}
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func bound(s string, most int) string {
	if len(s) <= most {
		return s
	}
	return s[:most]
}

func (s *Server) setSessionCookie(w http.ResponseWriter, r *http.Request, value string, age int) {
	http.SetCookie(w, &http.Cookie{
		Name: sessionCookie, Value: value, Path: "/.pillion/", MaxAge: age, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: s.secure(r),
	})
}

// ofBrowser is the session that this browser's cookie resumes; nil for none.
func (s *Server) ofBrowser(r *http.Request) *events.Session {
	c, err := r.Cookie(sessionCookie)
	if err != nil {
		return nil
	}
	return s.opts.Hub.Resume(c.Value)
}

func (s *Server) deleteSession(w http.ResponseWriter, r *http.Request) error {
	if session := s.ofBrowser(r); session != nil {
		session.End("user")
	}
	s.setSessionCookie(w, r, "", -1)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

func (s *Server) userSocket(w http.ResponseWriter, r *http.Request) {
	id, ok := s.userTickets.use(r.URL.Query().Get("ticket"), s.opts.Now())
	if !ok {
		http.Error(w, "This ticket is not valid (any more).", http.StatusForbidden)
		return
	}
	peer, err := accept(w, r)
	if err != nil {
		return // answered
	}
	peer.serve(r.Context(), true, func(first []byte) (receiver, error) {
		var hello events.FromUser
		session := s.opts.Hub.Session(id)
		if err := json.Unmarshal(first, &hello); err != nil || hello.Type != "hello" || session == nil {
			return receiver{}, &events.ProtocolError{Code: events.ClosePolicy, Reason: "no hello"}
		}
		link, err := session.AttachUser(peer, hello)
		if err != nil {
			return receiver{}, err
		}
		return receiver{text: link.Text, binary: link.Binary, gone: link.Gone}, nil
	})
}

// agentTicket is what an agent's ticket opens.
type agentTicket struct {
	session events.SessionID
	account Account
}

func hubAccount(a Account) events.Account {
	return events.Account{Name: a.Name, Org: a.Org, Role: a.Role}
}

// postJoin redeems a code.
func (s *Server) postJoin(w http.ResponseWriter, r *http.Request) error {
	var in struct{ Code string }
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	session, err := s.opts.Hub.Redeem(hubAccount(identity(r)), in.Code)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, map[string]any{"session": session.Info().ID})
}

// postOpen opens a session for an agent, before there is a user.
func (s *Server) postOpen(w http.ResponseWriter, r *http.Request) error {
	var in struct{ Preview bool }
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	a := identity(r)
	if in.Preview && a.Role != events.RoleAdministrator {
		return newProblem(http.StatusForbidden, "Previews are for administrators.")
	}
	session, err := s.opts.Hub.Open(r.Context(), hubAccount(a), in.Preview)
	if err != nil {
		return err
	}
	return answer(w, http.StatusCreated, map[string]any{"session": session.Info().ID})
}

// postWatch lets a supervisor or administrator into a session that is on.
func (s *Server) postWatch(w http.ResponseWriter, r *http.Request) error {
	session, err := s.opts.Hub.Watch(hubAccount(identity(r)), events.SessionID(r.PathValue("id")))
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, map[string]any{"session": session.Info().ID})
}

// postTicket lets a participant open the session's socket.
func (s *Server) postTicket(w http.ResponseWriter, r *http.Request) error {
	id, a := events.SessionID(r.PathValue("id")), identity(r)
	session := s.opts.Hub.Lately(id)
	if session == nil || !session.Member(hubAccount(a)) {
		return events.ErrNoSession
	}
	return answer(w, http.StatusOK, map[string]any{"ticket": s.agentTickets.issue(agentTicket{id, a}, s.opts.Now())})
}

func (s *Server) agentSocket(w http.ResponseWriter, r *http.Request) {
	t, ok := s.agentTickets.use(r.URL.Query().Get("ticket"), s.opts.Now())
	if !ok || string(t.session) != r.PathValue("id") {
		http.Error(w, "This ticket is not valid (any more).", http.StatusForbidden)
		return
	}
	peer, err := accept(w, r)
	if err != nil {
		return // answered
	}
	peer.serve(r.Context(), false, func([]byte) (receiver, error) {
		session := s.opts.Hub.Lately(t.session)
		if session == nil {
			return receiver{}, &events.ProtocolError{Code: events.ClosePolicy, Reason: "the session is over"}
		}
		link, err := session.AttachAgent(peer, hubAccount(t.account))
		if errors.Is(err, events.ErrNotMember) {
			err = &events.ProtocolError{Code: events.ClosePolicy, Reason: "not yours"}
		}
		if err != nil {
			return receiver{}, err
		}
		return receiver{text: link.Text, gone: link.Gone}, nil
	})
}
