package replayui

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// viewed keeps what was made for viewers last, up to a number of bytes.
type viewed struct {
	mu   sync.Mutex
	all  map[string][]byte
	list []string
	size int
}

const maxViewed = 32 << 20

func (v *viewed) get(key string) ([]byte, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	b, ok := v.all[key]
	return b, ok
}

func (v *viewed) put(key string, b []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all == nil {
		v.all = map[string][]byte{}
	}
	if _, has := v.all[key]; has || len(b) > maxViewed/4 {
		return
	}
	v.all[key] = b
	v.list = append(v.list, key)
	for v.size += len(b); v.size > maxViewed; v.list = v.list[1:] {
		v.size -= len(v.all[v.list[0]])
		delete(v.all, v.list[0])
	}
}

// once makes something for viewers, unless it is there.
func (v *viewed) once(o *openRecording, kind string, n int, view func() ([]byte, error)) ([]byte, error) {
	key := string(o.info.ID) + " " + o.version() + " " + kind + strconv.Itoa(n)
	if b, ok := v.get(key); ok {
		return b, nil
	}
	b, err := view()
	if err == nil {
		v.put(key, b)
	}
	return b, err
}

// viewedKeyframe is a keyframe with URLs that lead to the archive.
func (s *Server) viewedKeyframe(ctx context.Context, o *openRecording, n int) ([]byte, error) {
	return s.viewed.once(o, "keyframe", n, func() ([]byte, error) {
		b, err := o.KeyframeBytes(ctx, n)
		if err != nil {
			return nil, err
		}
		v := viewing{session: o.info.ID, models: map[events.PageID]*events.Model{}, keep: true}
		err = archive.Each(b, v.take)
		return v.out.Bytes(), err
	})
}

// viewedSegment is a segment with URLs that lead to the archive. To know which
// document a change is in, the pages are followed from the keyframe before. What
// is damaged before it is left out, and so are changes of pages that are not
// known because of that.
func (s *Server) viewedSegment(ctx context.Context, o *openRecording, n int) ([]byte, error) {
	if n < 0 || n >= len(o.Segments) {
		return nil, archive.ErrAbsent
	}
	return s.viewed.once(o, "segment", n, func() ([]byte, error) { return viewSegment(ctx, o, n) })
}

func viewSegment(ctx context.Context, o *openRecording, n int) ([]byte, error) {
	v := viewing{session: o.info.ID, models: map[events.PageID]*events.Model{}, start: o.Start}
	after, err := v.before(ctx, o, o.Segments[n].From)
	if err != nil {
		return nil, err
	}
	first := 0
	for first < n && o.Segments[first].To <= after {
		first++
	}
	for i := first; i <= n; i++ {
		b, err := o.SegmentBytes(ctx, i)
		if i < n && errors.Is(err, archive.ErrDamaged) {
			clear(v.models)
			continue
		}
		if err != nil {
			return nil, err
		}
		v.keep, v.clock = i == n, archive.ClockAt(time.Duration(o.Segments[i].At)*time.Microsecond)
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

// before takes the last keyframe before an offset that can be read, and returns
// its own.
func (v *viewing) before(ctx context.Context, o *openRecording, offset uint64) (uint64, error) {
	for i := len(o.Keyframes) - 1; i >= 0; i-- {
		if o.Keyframes[i].Offset >= offset {
			continue
		}
		b, err := o.KeyframeBytes(ctx, i)
		if errors.Is(err, archive.ErrDamaged) {
			continue
		}
		if err != nil {
			return 0, err
		}
		return o.Keyframes[i].Offset, archive.Each(b, v.take)
	}
	return 0, nil
}

// viewing turns records as stored into what viewers get.
type viewing struct {
	session events.SessionID
	start   time.Time // zero: times are as they should be
	clock   archive.Clock
	models  map[events.PageID]*events.Model
	keep    bool
	out     bytes.Buffer
}

func (v *viewing) take(record []byte) error {
	r, err := events.DecodeRecord(record)
	if err != nil {
		return errors.Join(archive.ErrDamaged, err)
	}
	if v.keep && !v.start.IsZero() {
		r.Time = v.start.Add(v.clock.Add(r.Time))
	}
	if !v.show(&r) || !v.keep {
		return nil
	}
	out := events.AppendRecord(nil, &r)
	v.out.Write(binary.AppendUvarint(nil, uint64(len(out))))
	v.out.Write(out)
	return nil
}

// show leads a record's URLs to the archive; false for one that shows nothing.
func (v *viewing) show(r *events.Record) bool {
	urls := toArchive(v.session, r.Page)
	switch r.Kind {
	case events.KindPageState:
		delete(v.models, r.Page)
		state, err := events.DecodeState(r.Payload)
		if err != nil {
			return false
		}
		m, err := events.NewModel(state)
		if err != nil {
			return false
		}
		v.models[r.Page] = m
		if v.keep {
			r.Payload = m.State().AppendFor(nil, urls)
		}
	case events.KindPageEvents:
		m := v.models[r.Page]
		b, err := events.DecodeBatch(r.Payload)
		if err != nil || m == nil {
			return false // the log keeps none of this kind
		}
		shown, err := m.ApplyFor(nil, b, urls)
		if err != nil && !errors.Is(err, events.ErrDigest) {
			delete(v.models, r.Page)
			return false
		}
		r.Payload = shown
	}
	return true
}

var packers = sync.Pool{New: func() any {
	z, _ := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20)) // the options are known
	return z
}}

// servePacked answers with records, compressed as the browser takes them.
func servePacked(w http.ResponseWriter, r *http.Request, b []byte) {
	h := w.Header()
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Vary", "Accept-Encoding")
	switch accepted := r.Header.Get("Accept-Encoding"); {
	case strings.Contains(accepted, "zstd"):
		z := packers.Get().(*zstd.Encoder)
		b = z.EncodeAll(b, nil)
		packers.Put(z)
		h.Set("Content-Encoding", "zstd")
	case strings.Contains(accepted, "gzip"):
		b = compressed(b, func(out io.Writer) io.WriteCloser {
			z, _ := gzip.NewWriterLevel(out, gzip.BestSpeed) // the level is known
			return z
		})
		h.Set("Content-Encoding", "gzip")
	}
	serveTagged(w, r, b)
}
