package listen

import "time"

// patience is how much longer one waits for a peer that owes bytes, or owes
// room for them: waiting empties it, bytes fill it again (see [Limits]).
type patience struct {
	most  time.Duration
	floor int // bytes for a second
	left  time.Duration
}

func newPatience(most time.Duration, floor int) patience {
	return patience{most: most, floor: floor, left: most}
}

// spend accounts for a wait and what came of it.
func (p *patience) spend(waited time.Duration, n int) {
	// Divided first: a large n times a second would overflow.
	gained := time.Duration(n/p.floor)*time.Second + time.Duration(n%p.floor)*time.Second/time.Duration(p.floor)
	p.left = min(p.most, p.left-waited+gained)
}

// gone reports whether nothing is left.
func (p *patience) gone() bool { return p.left <= 0 }
