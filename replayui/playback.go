package replayui

import (
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

// openRecording is a recording with what is asked of it again and again.
type openRecording struct {
	*archive.Recording
	info  events.SessionInfo
	pages []PageMark

	mu       sync.Mutex
	manifest *archive.Manifest // nil until it is asked for
	captures map[string]archive.PageCapture
}

// captureKey is what a page names a file by; addresses are written down without tokens.
func captureKey(page uint32, u string) string {
	return strconv.FormatUint(uint64(page), 10) + " " + archive.Address(u, nil)
}

// files is the list of files that the pages named.
func (o *openRecording) files(ctx context.Context) (*archive.Manifest, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.manifest != nil {
		return o.manifest, nil
	}
	m, err := o.Manifest(ctx)
	if err != nil {
		return nil, err
	}
	o.captures = make(map[string]archive.PageCapture, len(m.Captures))
	for _, c := range slices.Concat(m.Missing, m.Captures) {
		o.captures[captureKey(c.Page, c.URL)] = c
	}
	o.manifest = m
	return m, nil
}

// capture is what a page saw under a URL, behind redirects; ErrAbsent where
// nothing is known of it.
func (o *openRecording) capture(ctx context.Context, page uint32, u string) (c archive.PageCapture, err error) {
	if _, err := o.files(ctx); err != nil {
		return c, err
	}
	for range maxRedirects {
		c, ok := o.captures[captureKey(page, u)]
		if !ok {
			return c, archive.ErrAbsent
		}
		if c.Location == "" {
			return c, nil
		}
		u = c.Location
	}
	return c, archive.ErrAbsent
}

// version names what a recording's parts are made from: they do not change under it.
func (o *openRecording) version() string { return string(o.TopHash())[7:23] }

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
	if err == nil && (listed.Deleting != nil || !sees(a, listed)) {
		err = events.ErrNoSession
	}
	if err != nil {
		return nil, err
	}
	if o := s.recordings.get(id); o != nil {
		return o, nil
	}
	rec, err := archive.OpenRecording(ctx, s.opts.Store, s.opts.Vaults, string(id))
	if err != nil {
		return nil, err
	}
	o := &openRecording{Recording: rec}
	if err := errors.Join(json.Unmarshal(rec.Session, &o.info), json.Unmarshal(rec.Pages, &o.pages)); err != nil {
		return nil, errors.Join(archive.ErrDamaged, err)
	}
	if o.info.ID != id || !sees(a, o.info) { // the catalogue and the recording have to agree
		return nil, events.ErrNoSession
	}
	s.recordings.put(id, o)
	return o, nil
}

func (s *Server) requested(r *http.Request) (*openRecording, error) {
	return s.recording(r.Context(), identity(r), events.SessionID(r.PathValue("id")))
}

// describedSegment and describedKeyframe are what a player needs to go anywhere.
type describedSegment struct {
	N    int    `json:"n"`
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
	T0   int64  `json:"t0"`
	T1   int64  `json:"t1"`
}

type describedKeyframe struct {
	N      int    `json:"n"`
	Offset uint64 `json:"offset"`
	T      int64  `json:"t"`
}

func (o *openRecording) described() map[string]any {
	segments := make([]describedSegment, len(o.Segments))
	for i, s := range o.Segments {
		segments[i] = describedSegment{s.N, s.From, s.To, s.T0, s.T1}
	}
	keyframes := make([]describedKeyframe, len(o.Keyframes))
	for i, k := range o.Keyframes {
		keyframes[i] = describedKeyframe{k.N, k.Offset, k.T}
	}
	return map[string]any{
		"session": shown(o.info), "duration": o.Duration, "start": o.Start, "segments": segments, "keyframes": keyframes,
		"pages": o.pages, "events": o.Chunks, "found": o.Found, "missing": o.Lost, "version": o.version(),
	}
}

func (s *Server) getRecording(w http.ResponseWriter, r *http.Request) error {
	o, err := s.requested(r)
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, o.described())
}

// getOpen answers with all that a player needs for its first picture, t ms after
// the start: the length of a JSON text, the text, and the records of where to
// start, each with its length before it.
func (s *Server) getOpen(w http.ResponseWriter, r *http.Request) error {
	o, err := s.requested(r)
	if err != nil {
		return err
	}
	t, err := number(r, "t", 0)
	if err != nil {
		return err
	}
	if t <= 0 && len(o.pages) > 0 {
		t = o.pages[0].T
	}
	head := o.described()
	marks, err := marksOf(r.Context(), o.Recording, 0)
	if err != nil {
		head["damaged"] = err.Error()
	}
	head["marks"], head["at"] = marks, t
	frame := -1
	for i, k := range slices.Backward(o.Keyframes) {
		if k.T <= t {
			frame = i
			break
		}
	}
	var records []byte
	if frame >= 0 {
		head["keyframe"] = frame
		records, err = s.viewedKeyframe(r.Context(), o, frame)
	} else {
		head["segment"] = 0
		records, err = s.viewedSegment(r.Context(), o, 0)
	}
	if err != nil { // the player asks again, and finds out what is left
		delete(head, "keyframe")
		delete(head, "segment")
		records = nil
	}
	head["people"] = append([][]byte{}, o.People...) // null would say that they are not known
	text, err := json.Marshal(head)
	if err != nil {
		return err
	}
	b := append(binary.AppendUvarint(nil, uint64(len(text))), text...)
	w.Header().Set("Cache-Control", "private, no-cache")
	servePacked(w, r, append(b, records...))
	return nil
}

// part answers with the records of a segment or keyframe.
func (s *Server) part(w http.ResponseWriter, r *http.Request, view func(context.Context, *openRecording, int) ([]byte, error)) error {
	o, err := s.requested(r)
	if err != nil {
		return err
	}
	n, err := strconv.Atoi(r.PathValue("n"))
	if err != nil {
		return archive.ErrAbsent
	}
	// A browser asks each time whether it may show what it holds: the recording may
	// be deleted, or its viewer's right to it gone.
	w.Header().Set("Cache-Control", "private, no-cache")
	b, err := view(r.Context(), o, n)
	if err != nil {
		return err
	}
	servePacked(w, r, b)
	return nil
}

func (s *Server) getSegment(w http.ResponseWriter, r *http.Request) error {
	return s.part(w, r, s.viewedSegment)
}

func (s *Server) getKeyframe(w http.ResponseWriter, r *http.Request) error {
	return s.part(w, r, s.viewedKeyframe)
}

// number reads a query's number of milliseconds.
func number(r *http.Request, name string, otherwise int64) (int64, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	v, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, newProblem(http.StatusBadRequest, name+" is a number.")
	}
	return v, nil
}

// maxMarks bounds one answer of the list of events.
const maxMarks = 5000

// getEvents lists a recording's events; type, q, from and to (ms) choose, after
// says how many of those chosen were told before.
func (s *Server) getEvents(w http.ResponseWriter, r *http.Request) error {
	o, err := s.requested(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	from, ferr := number(r, "from", 0)
	to, terr := number(r, "to", o.Duration)
	after, aerr := number(r, "after", 0)
	if err := errors.Join(ferr, terr, aerr); err != nil {
		return err
	}
	types := strings.Fields(strings.ReplaceAll(q.Get("type"), ",", " "))
	words := strings.ToLower(q.Get("q"))
	found := []Mark{}
	chosen, next := int64(0), int64(0)
	damaged := []string{}
chunks:
	for n, c := range o.Chunks {
		if c.T1 < from || c.T0 > to {
			continue
		}
		marks, err := marksOf(r.Context(), o.Recording, n)
		if errors.Is(err, archive.ErrDamaged) {
			damaged = append(damaged, err.Error())
			continue
		}
		if err != nil {
			return err
		}
		for _, m := range marks {
			if m.T < from || m.T > to || len(types) > 0 && !slices.Contains(types, m.Type) || !strings.Contains(strings.ToLower(m.Label), words) {
				continue
			}
			if chosen++; chosen <= after {
				continue
			}
			if len(found) == maxMarks {
				next = chosen - 1
				break chunks
			}
			found = append(found, m)
		}
	}
	out := map[string]any{"events": found}
	if next > 0 {
		out["next"] = next
	}
	if len(damaged) > 0 {
		out["damaged"] = damaged
	}
	return answer(w, http.StatusOK, out)
}
