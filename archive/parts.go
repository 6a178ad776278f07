package archive

import (
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

const (
	maxParts = 64 // files of which parts are waited for
	// partLife is how long a part waits for the others.
	partLife = 10 * time.Minute
)

// partKey is whose file it is, and which state of it.
type partKey struct{ url, by, tag string }

// part is a file that comes in ranges, as media do: a player asks for its
// beginning, its end, and where the user went.
type part struct {
	mu    sync.Mutex
	key   partKey
	first Collecting // of the first range: what is known of the file
	c     *Collector
	file  *overflow // nil once the file is whole, or given up
	total int64
	have  []span // sorted, apart from each other
	users int
	last  time.Time
}

// span is from which byte to before which one.
type span struct{ from, to int64 }

// contentRange reads "bytes 0-99/1234".
func contentRange(h http.Header) (s span, total int64, ok bool) {
	text, found := strings.CutPrefix(h.Get("Content-Range"), "bytes ")
	bounds, size, cut := strings.Cut(text, "/")
	from, to, dash := strings.Cut(bounds, "-")
	var errs [3]error
	s.from, errs[0] = strconv.ParseInt(strings.TrimSpace(from), 10, 64)
	s.to, errs[1] = strconv.ParseInt(strings.TrimSpace(to), 10, 64)
	total, errs[2] = strconv.ParseInt(strings.TrimSpace(size), 10, 64)
	s.to++
	ok = found && cut && dash && errs == [3]error{} && s.from >= 0 && s.from < s.to && s.to <= total
	return s, total, ok
}

// write takes bytes that stand at an offset; those that are there already are
// passed over.
func (p *part) write(b []byte, at int64) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.last = time.Now()
	if p.file == nil || at+int64(len(b)) > p.total {
		return 0, errTooLarge
	}
	if !p.holds(span{at, at + int64(len(b))}) {
		if _, err := p.file.WriteAt(b, at); err != nil {
			return 0, err
		}
		p.note(span{at, at + int64(len(b))})
	}
	return len(b), nil
}

func (p *part) holds(s span) bool {
	for _, h := range p.have {
		if h.from <= s.from && s.to <= h.to {
			return true
		}
	}
	return false
}

func (p *part) note(s span) {
	i := 0
	for i < len(p.have) && p.have[i].to < s.from {
		i++
	}
	j := i
	for ; j < len(p.have) && p.have[j].from <= s.to; j++ {
		s.from, s.to = min(s.from, p.have[j].from), max(s.to, p.have[j].to)
	}
	p.have = slices.Replace(p.have, i, j, s)
}

func (p *part) whole() bool { return len(p.have) == 1 && p.have[0] == span{0, p.total} }

// take ends the part, and returns the file as one answer.
func (p *part) take(why Why) *Collecting {
	w := p.first
	w.part, w.file, w.size, w.why = nil, p.file, p.total, why
	w.capture.Status = http.StatusOK
	p.file = nil
	return &w
}

// beginPart is where a range of a file goes; nil where it cannot be put together.
func (c *Collector) beginPart(w *Collecting, h http.Header) *Collecting {
	s, total, ok := contentRange(h)
	tag := h.Get("Etag")
	if strings.HasPrefix(tag, "W/") || tag == "" { // a weak one says nothing of bytes (RFC 9110, 8.8.1)
		tag = h.Get("Last-Modified")
	}
	switch {
	case !ok || h.Get("Content-Encoding") != "" || c.dir == "":
		w.why = WhyBroken
	case total > w.limit:
		w.why = WhyTooLarge
	case s == span{0, total}: // all of it, as players ask first
		w.capture.Status = http.StatusOK
		return w
	case tag == "":
		w.why = WhyBroken
	}
	if w.why != "" {
		w.end()
		return nil
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	key := partKey{w.capture.URL, w.capture.By, tag + " " + strconv.FormatInt(total, 10)}
	p := c.parts[key]
	if p == nil {
		if len(c.parts) >= maxParts || c.closed || c.files+total > maxFiles {
			c.lost++
			return nil
		}
		file, err := newOverflow(c.dir)
		if err != nil {
			c.lost++
			return nil
		}
		c.files += total
		p = &part{key: key, first: *w, c: c, file: file, total: total}
		c.parts[key] = p
	}
	p.users++
	w.part, w.at = p, s.from
	return w
}

// partEnded is called when a range has ended, whole or not.
func (c *Collector) partEnded(w *Collecting) {
	c.mu.Lock()
	p := w.part
	p.users--
	p.mu.Lock()
	var out *Collecting
	if p.file != nil && p.whole() {
		delete(c.parts, p.key)
		out = p.take("")
	}
	p.mu.Unlock()
	c.mu.Unlock()
	if out != nil {
		out.end()
	}
}

// dropParts gives up the parts that nothing was added to for long, or all.
func (c *Collector) dropParts(before time.Time) {
	c.mu.Lock()
	var gone []*Collecting
	for key, p := range c.parts {
		p.mu.Lock()
		if p.users == 0 && p.last.Before(before) && p.file != nil {
			delete(c.parts, key)
			gone = append(gone, p.take(WhyBroken))
		}
		p.mu.Unlock()
	}
	c.mu.Unlock()
	for _, w := range gone {
		w.end()
	}
}
