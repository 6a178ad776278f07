package replayui

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// openRecording is a recording with its captures at hand.
type openRecording struct {
	*archive.Recording
	info     events.SessionInfo
	pages    []PageMark
	marks    []Mark
	captures map[string]archive.PageCapture
}

func captureKey(page uint32, u string) string { return strconv.FormatUint(uint64(page), 10) + " " + u }

// capture is what a page saw under a URL; what an older page saw is better than nothing.
func (o *openRecording) capture(page uint32, u string) (archive.PageCapture, bool) {
	c, ok := o.captures[captureKey(page, u)]
	return c, ok
}

// recordings keeps the few that were opened last.
type recordings struct {
	mu   sync.Mutex
	open map[events.SessionID]*openRecording
	last []events.SessionID
}

const maxOpen = 16

func (c *recordings) get(id events.SessionID) *openRecording {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.open[id]
}

func (c *recordings) put(id events.SessionID, o *openRecording) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.open == nil {
		c.open = map[events.SessionID]*openRecording{}
	}
	if c.open[id] == nil {
		c.last = append(c.last, id)
	}
	c.open[id] = o
	if len(c.last) > maxOpen {
		delete(c.open, c.last[0])
		c.last = slices.Delete(c.last, 0, 1)
	}
}

// drop forgets one: it was deleted.
func (c *recordings) drop(id events.SessionID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.open, id)
	c.last = slices.DeleteFunc(c.last, func(last events.SessionID) bool { return last == id })
}

// recording opens a sealed session for an account that may see it.
func (s *Server) recording(ctx context.Context, a Account, id events.SessionID) (*openRecording, error) {
	// The catalogue tells whether it was deleted, by whatever process.
	listed, err := s.opts.Catalogue.Get(ctx, id)
	if err == nil && listed.Deleting != nil {
		err = events.ErrNoSession
	}
	if err != nil {
		return nil, err
	}
	o := s.recordings.get(id)
	if o == nil {
		rec, err := archive.OpenRecording(ctx, s.opts.Store, string(id))
		if err != nil {
			return nil, err
		}
		o = &openRecording{Recording: rec, captures: map[string]archive.PageCapture{}}
		for _, part := range []struct {
			from json.RawMessage
			to   any
		}{{rec.Session, &o.info}, {rec.Pages, &o.pages}, {rec.Events, &o.marks}} {
			if err := json.Unmarshal(part.from, part.to); err != nil {
				return nil, errors.Join(archive.ErrDamaged, err)
			}
		}
		for _, c := range rec.Captures {
			o.captures[captureKey(c.Page, c.URL)] = c
		}
		s.recordings.put(id, o)
	}
	if !sees(a, o.info) {
		return nil, events.ErrNoSession
	}
	return o, nil
}

func (s *Server) requested(r *http.Request) (*openRecording, error) {
	return s.recording(r.Context(), identity(r), events.SessionID(r.PathValue("id")))
}

func (s *Server) getRecording(w http.ResponseWriter, r *http.Request) error {
	o, err := s.requested(r)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, map[string]any{
		"session": o.info, "duration": o.Duration, "start": o.Start, "segments": o.Segments,
		"keyframes": o.Keyframes, "pages": o.pages, "missing": len(o.Missing),
	})
}

func (s *Server) getSegment(w http.ResponseWriter, r *http.Request) error {
	o, err := s.requested(r)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil || n < 0 || n >= len(o.Segments) {
		return archive.ErrAbsent
	}
	b, err := s.viewedSegment(r.Context(), o, n)
	if err != nil {
		return err
	}
	return serveRecords(w, r, b)
}

func (s *Server) getKeyframe(w http.ResponseWriter, r *http.Request) error {
	o, err := s.requested(r)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil {
		return archive.ErrAbsent
	}
	b, err := o.KeyframeBytes(r.Context(), n)
	if err != nil {
		return err
	}
	v := viewing{session: o.info.ID, models: map[events.PageID]*events.Model{}, keep: true}
	if err := archive.Each(b, v.take); err != nil {
		return err
	}
	return serveRecords(w, r, v.out.Bytes())
}

func serveRecords(w http.ResponseWriter, r *http.Request, b []byte) error {
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set("Cache-Control", "private, no-cache")
	serveTagged(w, r, b)
	return nil
}

// viewedSegment is a segment with URLs that lead to the archive. To know which
// document a change is in, the pages are followed from the keyframe before.
func (s *Server) viewedSegment(ctx context.Context, o *openRecording, n int) ([]byte, error) {
	v := viewing{session: o.info.ID, models: map[events.PageID]*events.Model{}}
	start, after := 0, uint64(0)
	for i, k := range slices.Backward(o.Keyframes) {
		if k.Offset < o.Segments[n].From {
			b, err := o.KeyframeBytes(ctx, i)
			if err != nil {
				return nil, err
			}
			if err := archive.Each(b, v.take); err != nil {
				return nil, err
			}
			after = k.Offset
			break
		}
	}
	for start < n && o.Segments[start].To <= after {
		start++
	}
	for i := start; i <= n; i++ {
		b, err := o.SegmentBytes(ctx, i)
		if err != nil {
			return nil, err
		}
		v.keep = i == n
		err = archive.Each(b, func(record []byte) error {
			if offset, _ := binary.Uvarint(record); offset <= after {
				return nil // in the keyframe already
			}
			return v.take(record)
		})
		if err != nil {
			return nil, err
		}
	}
	return v.out.Bytes(), nil
}

// viewing turns records as stored into what viewers get.
type viewing struct {
	session events.SessionID
	models  map[events.PageID]*events.Model
	keep    bool
	out     bytes.Buffer
}

func (v *viewing) take(record []byte) error {
	r, err := events.DecodeRecord(record)
	if err != nil {
		return errors.Join(archive.ErrDamaged, err)
	}
	urls := toArchive(v.session, r.Page)
	switch r.Kind {
	case events.KindPageState:
		s, err := events.DecodeState(r.Payload)
		if err != nil {
			return errors.Join(archive.ErrDamaged, err)
		}
		m, err := events.NewModel(s)
		if err != nil {
			return errors.Join(archive.ErrDamaged, err)
		}
		v.models[r.Page] = m
		if v.keep {
			r.Payload = m.State().AppendFor(nil, urls)
		}
	case events.KindPageEvents:
		b, err := events.DecodeBatch(r.Payload)
		if err != nil {
			return errors.Join(archive.ErrDamaged, err)
		}
		m := v.models[r.Page]
		if m == nil {
			return nil // the log kept none of this kind
		}
		shown, err := m.ApplyFor(nil, b, urls)
		if err != nil && !errors.Is(err, events.ErrDigest) {
			return errors.Join(archive.ErrDamaged, err)
		}
		r.Payload = shown
	}
	if v.keep {
		out := events.AppendRecord(nil, &r)
		v.out.Write(binary.AppendUvarint(nil, uint64(len(out))))
		v.out.Write(out)
	}
	return nil
}

// getEvents lists a recording's events; type, q, from and to (ms) choose.
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request) error {
	o, err := s.requested(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	from, to := int64(0), o.Duration
	for name, v := range map[string]*int64{"from": &from, "to": &to} {
		if text := q.Get(name); text != "" {
			if *v, err = strconv.ParseInt(text, 10, 64); err != nil {
				return newProblem(http.StatusBadRequest, name+" is a number of milliseconds.")
			}
		}
	}
	types := strings.Fields(strings.ReplaceAll(q.Get("type"), ",", " "))
	words := strings.ToLower(q.Get("q"))
	found := []Mark{}
	for _, m := range o.marks {
		if m.T >= from && m.T <= to && (len(types) == 0 || slices.Contains(types, m.Type)) && strings.Contains(strings.ToLower(m.Label), words) {
			found = append(found, m)
		}
	}
	return answer(w, http.StatusOK, map[string]any{"events": found})
}
