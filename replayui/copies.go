package replayui

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/rewrite"
)

// getCopy serves an archived copy of an asset to the site's users. It is found
// by its content's hash, and never changes. Where the archive does not hold it
// for everybody, the browser is sent to the asset itself.
func (s *Server) getCopy(w http.ResponseWriter, r *http.Request) error {
	ref, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), archive.CopyPrefix), "/")
	target, ok := fromArchive(rest, r.URL.RawQuery)
	if !ok || !archive.Ref(ref).Valid() {
		return archive.ErrAbsent
	}
	if u, err := url.Parse(target); err != nil || u.Host != r.Host {
		return archive.ErrAbsent // another site's
	}
	capture, err := s.sharedCapture(r, target)
	if errors.Is(err, archive.ErrAbsent) || err == nil && capture.Ref != archive.Ref(ref) {
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, target, http.StatusFound)
		return nil
	}
	if err != nil {
		return err
	}
	content, err := archive.ReadBlob(r.Context(), s.opts.Blobs, capture.Ref)
	if err != nil {
		s.log.Error("an archived copy cannot be read; the site is asked", "url", target, "error", err)
		w.Header().Set("Cache-Control", "no-store")
		http.Redirect(w, r, target, http.StatusFound)
		return nil
	}
	serveCopy(w, r, target, capture, content)
	return nil
}

func (s *Server) sharedCapture(r *http.Request, target string) (archive.Capture, error) {
	if s.opts.Copies != nil {
		if c, ok := s.opts.Copies.Find(target); ok {
			return c, nil
		}
	}
	now := s.opts.Now()
	c, err := s.opts.Captures.Find(r.Context(), target, "", now, now)
	if err == nil && c.Visit != "" {
		err = archive.ErrAbsent
	}
	return c, err
}

func serveCopy(w http.ResponseWriter, r *http.Request, target string, c archive.Capture, content []byte) {
	h := w.Header()
	h.Set("Content-Type", c.Type)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox")
	if strings.HasPrefix(c.Type, "text/css") {
		content = []byte(rewrite.CSS(string(content), func(u string) string { return absolute(target, u) }))
	}
	serveTagged(w, r, content)
}

// absolute resolves a URL of a style sheet that is served from elsewhere.
func absolute(base, ref string) string {
	if ref == "" || ref[0] == '#' {
		return ref
	}
	if u := resolve(base, ref); u != nil {
		return u.String()
	}
	return ref
}
