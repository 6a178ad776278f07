package replayui

import (
	"io"
	"net/http"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// handedHeaders are headers of a file that the browser had in a cache, and under
// which names it hands them in.
var handedHeaders = map[string]string{
	"Content-Type": "Pillion-Type", "Etag": "Pillion-Etag", "Last-Modified": "Pillion-Modified", "Cache-Control": "Pillion-Control",
	"Content-Disposition": "Pillion-Disposition",
}

// postKept takes a file that the user's browser had in a cache of its own, and
// that it was asked for. Nobody but the browser vouches for what it is, so it is
// kept for its visit alone.
func (t *Site) postKept(w http.ResponseWriter, r *http.Request) error {
	s := t.server
	session := s.ofBrowser(r)
	u := r.URL.Query().Get("url")
	if session == nil || s.opts.Collector == nil || s.opts.Wanted == nil || !s.opts.Wanted.may(session.Info().ID, u) {
		return events.ErrNoSession
	}
	h := http.Header{}
	for name, as := range handedHeaders {
		if v := r.Header.Get(as); v != "" {
			h.Set(name, v)
		}
	}
	into := s.opts.Collector.Begin(archive.Answer{
		Visit: session.Info().Visit, URL: u, Time: s.opts.Now(), Status: http.StatusOK, Header: h, Request: http.Header{},
		Credentials: true, Refetched: true, Rules: t.settings.Keep,
	})
	if into == nil {
		w.WriteHeader(http.StatusNoContent)
		return nil
	}
	_, err := io.Copy(struct{ io.Writer }{into}, http.MaxBytesReader(w, r.Body, archive.MaxLimit))
	if err != nil {
		into.Abort()
		return newProblem(http.StatusRequestEntityTooLarge, "The file was not taken whole.")
	}
	into.Commit()
	w.WriteHeader(http.StatusNoContent)
	return nil
}
