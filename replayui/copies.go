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
	content, err := s.library.Captured(r.Context(), capture)
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
	if err == nil && (c.Own || c.Ref == "") {
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

// copied takes the URL of a copy apart: the asset's own URL, and the content that
// stands for it. Any other URL comes back as it is, without content.
func copied(target string) (own string, ref archive.Ref) {
	u, err := url.Parse(target)
	if err != nil {
		return target, ""
	}
	rest, ok := strings.CutPrefix(u.EscapedPath(), archive.CopyPrefix)
	if !ok {
		return target, ""
	}
	hash, rest, _ := strings.Cut(rest, "/")
	own, ok = fromArchive(rest, u.RawQuery)
	if o, err := url.Parse(own); !ok || err != nil || o.Host != u.Host || !archive.Ref(hash).Valid() {
		return target, ""
	}
	return own, archive.Ref(hash)
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
