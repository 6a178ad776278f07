package replayui

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// missingHeader marks an asset that the archive does not hold, and says why.
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
		if s.opts.Wanted != nil {
			s.opts.Wanted.Miss(id, page, target)
		}
		w.Header().Set(missingHeader, cmp.Or(string(file.why), string(archive.WhyNotSeen)))
		w.Header().Set("Cache-Control", "no-store")
		http.Error(w, "The archive does not hold this file.", http.StatusNotFound)
		return nil
	}
	return err
}

// asset is a file that the archive holds.
type asset struct {
	ref  archive.Ref
	kind string      // Content-Type
	why  archive.Why // it is absent
	read func(context.Context) ([]byte, error)
}

// findAsset looks in the sealed recording, and for a live session among what is
// pinned and in the index: with the eyes that its recording will have.
func (s *Server) findAsset(ctx context.Context, a Account, id events.SessionID, page events.PageID, target string) (asset, error) {
	if live := s.opts.Hub.Session(id); live != nil {
		if !live.Allowed(hubAccount(a)) { // whatever the role: the user decides, while the session is on
			return asset{}, events.ErrNoSession
		}
		var named time.Time
		if s.opts.Wanted != nil {
			named = s.opts.Wanted.namedAt(id, page, target)
		}
		c, err := sightOf(live, id, page, named).followed(ctx, s.opts.Captures, target)
		return asset{c.Ref, c.Type, c.Why, func(ctx context.Context) ([]byte, error) { return s.library.Captured(ctx, c) }}, err
	}
	rec, err := s.recording(ctx, a, id)
	if err != nil {
		return asset{}, err
	}
	c, err := rec.capture(ctx, uint32(page), target)
	if err == nil && c.Ref == "" {
		err = archive.ErrAbsent
	}
	return asset{c.Ref, c.Type, c.Why, func(ctx context.Context) ([]byte, error) { return rec.Asset(ctx, c) }}, err
}

func (s *Server) serveAsset(w http.ResponseWriter, r *http.Request, id events.SessionID, page events.PageID, target string, file asset) error {
	content, err := file.read(r.Context())
	if err != nil {
		return err
	}
	h := w.Header()
	serveKind(h, file.kind, r.Header.Get("Sec-Fetch-Dest"))
	h.Set("Cache-Control", "private, no-cache")
	// Opened by itself, an SVG picture may run nothing and load nothing.
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	if strings.HasPrefix(file.kind, "text/css") || h.Get("X-Content-Type-Options") == "" {
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

// serveKind says what a file is to the browser of a viewer: nothing that could
// run in the console's origin, whatever it was on its own.
func serveKind(h http.Header, kind, dest string) {
	media, _, _ := strings.Cut(kind, ";")
	switch media {
	case "text/html", "application/xhtml+xml", "text/xml", "application/xml":
		kind = "text/plain; charset=utf-8" // evidence, to be read
	case "application/pdf", "application/x-pdf":
		h.Set("Content-Disposition", "attachment; filename=document.pdf")
	case "text/plain":
		if dest == "style" { // pages in quirks mode take it for a style sheet
			h.Set("Content-Type", kind)
			h.Del("X-Content-Type-Options")
			return
		}
	}
	h.Set("Content-Type", kind)
	h.Set("X-Content-Type-Options", "nosniff")
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
