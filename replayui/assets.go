package replayui

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// missingHeader marks an asset that the archive does not hold.
const missingHeader = "Pillion-Missing"

// getAsset serves an asset of a page, from the archive alone.
func (s *Server) getAsset(w http.ResponseWriter, r *http.Request) error {
	id := events.SessionID(r.PathValue("session"))
	number, err := strconv.ParseUint(r.PathValue("page"), 10, 32)
	if err != nil {
		return events.ErrNoSession
	}
	page := events.PageID(number)
	prefix := archivePath + string(id) + "/" + r.PathValue("page") + "/"
	target, ok := fromArchive(strings.TrimPrefix(r.URL.EscapedPath(), prefix), r.URL.RawQuery)
	if !ok {
		return events.ErrNoSession
	}
	file, err := s.findAsset(r.Context(), identity(r), id, page, target)
	if err == nil {
		err = s.serveAsset(w, r, id, page, target, file)
	}
	if errors.Is(err, archive.ErrAbsent) || errors.Is(err, archive.ErrDamaged) {
		s.missing.note(s, id, page, target)
		w.Header().Set(missingHeader, "1")
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "The archive does not hold this file.", http.StatusNotFound)
		return nil
	}
	return err
}

// asset is a file that the archive holds.
type asset struct {
	ref  archive.Ref
	kind string // Content-Type
	read func(context.Context) ([]byte, error)
}

// findAsset looks in the sealed recording, and for a live session in the index.
func (s *Server) findAsset(ctx context.Context, a Account, id events.SessionID, page events.PageID, target string) (asset, error) {
	if live := s.opts.Hub.Session(id); live != nil {
		if !live.Allowed(hubAccount(a)) { // whatever the role: the user decides, while the session is on
			return asset{}, events.ErrNoSession
		}
		from, to, visit := live.PageWindow(page)
		c, err := findCapture(ctx, s.opts.Captures, target, visit, from, to)
		if err == nil && c.Ref == "" {
			err = archive.ErrAbsent
		}
		return asset{c.Ref, c.Type, func(ctx context.Context) ([]byte, error) { return s.library.Captured(ctx, c) }}, err
	}
	rec, err := s.recording(ctx, a, id)
	if err != nil {
		return asset{}, err
	}
	c, err := rec.capture(ctx, uint32(page), target)
	if err == nil && c.Ref == "" {
		err = archive.ErrAbsent
	}
	return asset{c.Ref, c.Type, func(ctx context.Context) ([]byte, error) { return rec.Asset(ctx, c) }}, err
}

func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request, id events.SessionID, page events.PageID, target string, file asset) error {
	content, err := file.read(r.Context())
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", file.kind)
	h.Set("Cache-Control", "private, no-cache")
	h.Set("X-Content-Type-Options", "nosniff")
	// Opened by itself, an SVG picture may run nothing and load nothing.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	if strings.HasPrefix(file.kind, "text/css") {
		base, _ := copied(target)
		content = []byte(toArchive(id, page).CSS(base, string(content)))
	}
	tag := `"` + string(file.ref) + `"`
	h.Set("Etag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return nil
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(string(content)))
	return nil
}

// missing collects what viewers of live sessions found missing, and asks the
// user's browser for it: what it fetches passes the gateway.
type missing struct {
	mu    sync.Mutex
	asked map[events.SessionID]map[string]bool
}

// maxAsked bounds what a session's browser is asked for.
const maxAsked = 500

func (m *missing) note(s *Server, id events.SessionID, page events.PageID, target string) {
	live := s.opts.Hub.Session(id)
	u, err := url.Parse(target)
	if live == nil || err != nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.asked == nil {
		m.asked = map[events.SessionID]map[string]bool{}
	}
	for old := range m.asked {
		if s.opts.Hub.Session(old) == nil {
			delete(m.asked, old)
		}
	}
	if m.asked[id] == nil {
		m.asked[id] = map[string]bool{}
	}
	if m.asked[id][target] || len(m.asked[id]) >= maxAsked {
		return
	}
	m.asked[id][target] = true
	live.Missing(page, []string{u.String()})
}

// sees reports whether an account may see a session that it took no part in.
func sees(a Account, info events.SessionInfo) bool {
	if a.Org != info.Org {
		return false
	}
	switch a.Role {
	case events.RoleAuditor, events.RoleSupervisor, events.RoleAdministrator:
		return true
	}
	return slices.Contains(info.Agents, a.Name)
}
