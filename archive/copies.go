package archive

import (
	"container/list"
	"net/http"
	"strings"
	"sync"
	"time"
)

// CopyPrefix is where copies stand below a site's own origin:
// CopyPrefix + ref + "/" + scheme + "/" + host + path.
const CopyPrefix = "/.pillion/copy/"

// Copies knows, in bounded memory, which archived copy stands for the URL of an
// asset that every visitor may see. A copy stands for its URL for a while only:
// then the site is asked again, and what it answers is the next copy.
type Copies struct {
	life time.Duration
	most int
	now  func() time.Time

	mu     sync.Mutex
	byURL  map[string]*list.Element // of Capture
	recent *list.List               // the one used last comes first
}

// NewCopies returns Copies that hold at most most URLs, each for life after its
// capture. now replaces the clock; nil for time.Now.
func NewCopies(life time.Duration, most int, now func() time.Time) *Copies {
	if now == nil {
		now = time.Now
	}
	return &Copies{life: life, most: most, now: now, byURL: map[string]*list.Element{}, recent: list.New()}
}

// note takes captures that were stored; private ones are left out.
func (c *Copies) note(captures []Capture) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, capture := range captures {
		if capture.Visit != "" || capture.Own || Address(capture.URL, nil) != capture.URL {
			continue // somebody's, or under an address that is not written down
		}
		if e := c.byURL[capture.URL]; e != nil {
			e.Value = capture
			c.recent.MoveToFront(e)
			continue
		}
		c.byURL[capture.URL] = c.recent.PushFront(capture)
		if c.recent.Len() > c.most {
			c.forget(c.recent.Back())
		}
	}
}

func (c *Copies) forget(e *list.Element) {
	delete(c.byURL, e.Value.(Capture).URL)
	c.recent.Remove(e)
}

// Find is the copy that stands for an absolute URL; false where there is none
// that is fresh. It never waits.
func (c *Copies) Find(url string) (Capture, bool) {
	url, _, _ = strings.Cut(url, "#")
	c.mu.Lock()
	defer c.mu.Unlock()
	e := c.byURL[url]
	if e == nil {
		return Capture{}, false
	}
	capture := e.Value.(Capture)
	if c.now().Sub(capture.Time) > c.life {
		c.forget(e)
		return Capture{}, false
	}
	c.recent.MoveToFront(e)
	return capture, true
}

// Copy is the path of the copy that stands for an absolute URL.
func (c *Copies) Copy(url string) (path string, ok bool) {
	capture, ok := c.Find(url)
	if !ok {
		return "", false
	}
	scheme, rest, _ := strings.Cut(capture.URL, "://")
	path = CopyPrefix + string(capture.Ref) + "/" + scheme + "/" + rest
	if _, fragment, has := strings.Cut(url, "#"); has {
		path += "#" + fragment
	}
	return path, true
}

// sameForAll reports whether an answer may stand for its URL whoever asks.
func sameForAll(h http.Header) bool {
	control := strings.ToLower(strings.Join(h["Cache-Control"], ","))
	for _, word := range []string{"private", "no-store", "no-cache", "no-transform", "max-age=0"} {
		if strings.Contains(control, word) {
			return false
		}
	}
	for _, line := range h["Vary"] {
		for name := range strings.SplitSeq(line, ",") {
			switch strings.ToLower(strings.TrimSpace(name)) {
			case "", "accept-encoding", "origin":
			default:
				return false
			}
		}
	}
	return true
}
