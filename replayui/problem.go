package replayui

import (
	"encoding/json"
	"errors"
	"hash/fnv"
	"net/http"
	"strconv"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// problem is an error as the JSON interface answers it (RFC 9457).
type problem struct {
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
}

func (p problem) Error() string { return p.Title + ": " + p.Detail }

func newProblem(status int, detail string) problem {
	return problem{http.StatusText(status), status, detail}
}

// asProblem chooses what a caller is told of an error.
func asProblem(err error) problem {
	var p problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, events.ErrNoSession), errors.Is(err, archive.ErrAbsent), errors.Is(err, events.ErrNotMember):
		return newProblem(http.StatusNotFound, "There is nothing here, or it is not yours to see.")
	case errors.Is(err, events.ErrCode):
		return newProblem(http.StatusUnprocessableEntity, "This code is not valid. Ask for a new one.")
	case errors.Is(err, events.ErrTooManyCodes):
		return newProblem(http.StatusTooManyRequests, "Too many wrong codes. Wait 15 minutes, then try again.")
	case errors.Is(err, events.ErrBusy):
		return newProblem(http.StatusServiceUnavailable, "Too many sessions just now. Try again in a few minutes.")
	case errors.Is(err, events.ErrHeld):
		return newProblem(http.StatusConflict, "The recording is under a legal hold. End the hold first.")
	case errors.Is(err, ErrOldVersion):
		return newProblem(http.StatusConflict, "This recording was sealed by an early version, and cannot be exported.")
	case errors.Is(err, archive.ErrDamaged):
		return newProblem(http.StatusGone, err.Error())
	}
	return newProblem(http.StatusInternalServerError, "Something went wrong on our side. It is in the log.")
}

func (s *Server) fail(w http.ResponseWriter, r *http.Request, err error) {
	p := asProblem(err)
	if p.Status >= http.StatusInternalServerError || errors.Is(err, archive.ErrDamaged) {
		s.log.Error("request failed", "path", r.URL.Path, "error", err)
	}
	w.Header().Set("Content-Type", "application/problem+json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // the client is gone, if anything
}

func answer(w http.ResponseWriter, status int, v any) error {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	return json.NewEncoder(w).Encode(v)
}

const maxBody = 64 << 10

// readJSON reads a request's body, which has to say that it is JSON: no other
// site's form can.
func readJSON(w http.ResponseWriter, r *http.Request, v any) error {
	if kind := r.Header.Get("Content-Type"); kind != "application/json" {
		return newProblem(http.StatusUnsupportedMediaType, "Send JSON, with the content type application/json.")
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody)).Decode(v); err != nil {
		return newProblem(http.StatusBadRequest, "The body is not the JSON that was expected.")
	}
	return nil
}

func entityTag(b []byte) string {
	h := fnv.New64a()
	_, _ = h.Write(b) // never fails (hash.Hash)
	return `"` + strconv.FormatUint(h.Sum64(), 36) + `"`
}

// serveTagged answers with content under an entity tag of its own.
func serveTagged(w http.ResponseWriter, r *http.Request, b []byte) {
	tag := entityTag(b)
	w.Header().Set("Etag", tag)
	if r.Header.Get("If-None-Match") == tag {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(b) // the client is gone, if anything
}
