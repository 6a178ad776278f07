package replayui

import (
	"crypto/rand"
	"sync"
	"time"
)

// ticketLife is how long a ticket opens a socket.
const ticketLife = 30 * time.Second

const maxTickets = 100_000

// tickets are single-use permissions to open a socket: a socket's handshake
// cannot bear what a request can.
type tickets[T any] struct {
	mu   sync.Mutex
	open map[string]ticket[T]
}

type ticket[T any] struct {
	what    T
	expires time.Time
}

func (t *tickets[T]) issue(what T, now time.Time) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.open == nil || len(t.open) >= maxTickets {
		t.open = map[string]ticket[T]{}
	}
	if len(t.open)%100 == 99 {
		for name, x := range t.open {
			if now.After(x.expires) {
				delete(t.open, name)
			}
		}
	}
	name := rand.Text()
	t.open[name] = ticket[T]{what, now.Add(ticketLife)}
	return name
}

func (t *tickets[T]) use(name string, now time.Time) (what T, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	x, ok := t.open[name]
	delete(t.open, name)
	return x.what, ok && now.Before(x.expires)
}
