package events

import "time"

// refs are an agent's own names of requests: none may come twice. Those that
// are older than the last thousand are refused by what their page had seen.
type refs struct {
	known map[string]bool
	order []string
}

const (
	maxRefs = 1000
	maxRef  = 100
)

func (r *refs) fresh(ref string) bool {
	if ref == "" || len(ref) > maxRef || r.known[ref] {
		return false
	}
	if r.known == nil {
		r.known = map[string]bool{}
	}
	r.known[ref] = true
	if r.order = append(r.order, ref); len(r.order) > maxRefs {
		delete(r.known, r.order[0])
		r.order = r.order[1:]
	}
	return true
}

// bucket holds back what comes too fast.
type bucket struct {
	tokens  float64
	at      time.Time
	refused int       // since
	since   time.Time // the last quiet time
}

// What an agent's hand can ask for in a second, and at once; so many refused
// requests in a row end the connection.
const (
	requestsPerSecond = 20
	requestsAtOnce    = 60
	tooManyRefused    = 200
	// What one person draws in a session, in bytes of the log: an hour without a rest.
	maxDrawn = 8 << 20
)

// take reports whether something of a cost may pass, at so many a second and so
// many at once.
func (b *bucket) take(now time.Time, perSecond, atOnce, cost float64) bool {
	if b.at.IsZero() {
		b.tokens = atOnce
	}
	b.tokens = min(atOnce, b.tokens+perSecond*max(0, now.Sub(b.at).Seconds()))
	b.at = now
	if b.tokens < cost {
		return false
	}
	b.tokens -= cost
	return true
}

// drowned counts a refused request, and reports whether there are too many.
func (b *bucket) drowned(now time.Time) bool {
	if now.Sub(b.since).Abs() > 10*time.Second {
		b.since, b.refused = now, 0
	}
	b.refused++
	return b.refused > tooManyRefused
}
