package replayui

import (
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// Options configures a [Server].
type Options struct {
	Hub       *events.Hub
	Directory events.Directory
	Catalogue events.Catalogue
	Store     archive.Store
	Vaults    *archive.Vaults // of the same store
	Captures  archive.CaptureIndex
	Custodian *Custodian
	Copies    *archive.Copies // of the site's assets; nil for none
	Collector *archive.Collector
	Wanted    *Wanted // of the hub; nil: browsers are asked for nothing
	Accounts  *Accounts
	// Key signs sign-ins.
	Key    []byte
	Logger *slog.Logger
	// TrustForwarded believes X-Forwarded-Proto: there is a proxy in front.
	TrustForwarded bool
	// Now replaces the clock; for tests.
	Now func() time.Time
}

// Server serves the site's own path and the console.
type Server struct {
	opts         Options
	log          *slog.Logger
	library      *archive.Library
	scripts      *variants
	userTickets  tickets[events.SessionID]
	agentTickets tickets[agentTicket]
	attempts     attempts
	recordings   recordings
	exports      exports
	viewed       viewed
	visiting     visiting
}

// New returns a Server; ErrNoBundle where the browser bundle is not built in.
func New(opts Options) (*Server, error) {
	if _, err := bundle(); err != nil {
		return nil, err
	}
	scripts, err := newVariants()
	if err != nil {
		return nil, err
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if len(opts.Key) < 16 {
		return nil, errors.New("console: the key is shorter than 16 bytes")
	}
	return &Server{opts: opts, log: opts.Logger, library: archive.NewLibrary(opts.Store, opts.Vaults), scripts: scripts, attempts: attempts{failed: map[string]attempt{}}}, nil
}

// secure reports whether the browser came by TLS.
func (s *Server) secure(r *http.Request) bool {
	return r.TLS != nil || s.opts.TrustForwarded && r.Header.Get("X-Forwarded-Proto") == "https"
}

// URLs leads what the viewers of a page load to the archive; for events.HubOptions,
// where there is no [Wanted].
func URLs(id events.SessionID, page events.PageID) events.URLs { return toArchive(id, page) }

// Console serves the console's listener.
func (s *Server) Console() http.Handler {
	mux := http.NewServeMux()
	for _, name := range []string{"console.js", "player.js", "style.css"} {
		mux.HandleFunc("GET /"+name, serveBundle(name))
	}
	for _, path := range []string{"GET /{$}", "GET /join", "GET /join/{code}", "GET /live/{id}"} {
		mux.HandleFunc(path, page("Pillion console", "console.js"))
	}
	mux.HandleFunc("GET /replay/{id}", page("Pillion player", "player.js"))
	mux.HandleFunc("GET /frame", frame)

	agents := []events.Role{events.RoleAgent, events.RoleSupervisor, events.RoleAdministrator}
	mux.HandleFunc("POST /api/signin", s.api(s.postSignIn))
	mux.HandleFunc("POST /api/signout", s.api(s.postSignOut))
	mux.HandleFunc("GET /api/me", s.only(s.getMe))
	mux.HandleFunc("POST /api/join", s.only(s.postJoin, agents...))
	mux.HandleFunc("GET /api/sessions", s.only(s.getSessions))
	mux.HandleFunc("POST /api/sessions", s.only(s.postOpen, agents...))
	mux.HandleFunc("POST /api/sessions/{id}/watch", s.only(s.postWatch, events.RoleSupervisor, events.RoleAdministrator))
	mux.HandleFunc("GET /api/sessions/{id}", s.only(s.getSession))
	mux.HandleFunc("POST /api/sessions/{id}/ticket", s.only(s.postTicket, agents...))
	mux.HandleFunc("GET /api/sessions/{id}/socket", s.agentSocket)
	mux.HandleFunc("GET /api/sessions/{id}/recording", s.only(s.getRecording))
	mux.HandleFunc("GET /api/sessions/{id}/open", s.only(s.getOpen))
	mux.HandleFunc("GET /api/sessions/{id}/segments/{n}", s.only(s.getSegment))
	mux.HandleFunc("GET /api/sessions/{id}/keyframes/{n}", s.only(s.getKeyframe))
	mux.HandleFunc("GET /api/sessions/{id}/events", s.only(s.getEvents))
	administrator := events.RoleAdministrator
	mux.HandleFunc("DELETE /api/sessions/{id}", s.only(s.deleteRecording, administrator))
	mux.HandleFunc("PUT /api/sessions/{id}/hold", s.only(s.putHold, administrator))
	mux.HandleFunc("DELETE /api/sessions/{id}/hold", s.only(s.deleteHold, administrator))
	mux.HandleFunc("GET /api/storage", s.only(s.getStorage, administrator))
	mux.HandleFunc("GET /api/sessions/{id}/fidelity", s.only(s.getFidelity))
	mux.HandleFunc("GET /api/sessions/{id}/export", s.only(s.getExport, exporters...))
	mux.HandleFunc("GET /api/sessions/{id}/export/progress", s.only(s.getExportProgress, exporters...))
	mux.HandleFunc("GET /archive/{session}/{page}/", s.only(s.getAsset))
	return guard(mux)
}

// guard sets what holds for every answer of the console's.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}
