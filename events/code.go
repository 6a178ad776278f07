package events

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/big"
	"strings"
	"sync"
	"time"
)

// JoinCode is what a user reads out to an agent: 12 decimal digits.
type JoinCode string

// The life of codes, and what guessing costs.
const (
	CodeLife = 10 * time.Minute

	agentFailures = 5 // then the agent waits
	agentLock     = 15 * time.Minute
	orgFailures   = 500 // within orgWindow, then nobody of the organisation redeems
	orgWindow     = 10 * time.Minute
)

// ErrCode is returned for every code that opens nothing: it tells neither an
// unknown one from an expired nor from a used one.
var ErrCode = errors.New("this code is not valid: ask for a new one")

// ErrTooManyCodes is returned to those who tried too many wrong codes.
var ErrTooManyCodes = errors.New("too many wrong codes: wait before you try again")

// newCode draws a code from a CSPRNG.
func newCode() JoinCode {
	n, err := rand.Int(rand.Reader, big.NewInt(1_000_000_000_000))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return JoinCode(fmt.Sprintf("%012d", n))
}

// Grouped is the code in groups of four, as it is read out.
func (c JoinCode) Grouped() string {
	return string(c[:4]) + " " + string(c[4:8]) + " " + string(c[8:])
}

// ParseCode accepts a code as people type it; ok is false where it is none.
func ParseCode(s string) (c JoinCode, ok bool) {
	s = strings.Map(func(r rune) rune {
		if r == ' ' || r == '-' || r == '.' || r == '\u00a0' {
			return -1
		}
		return r
	}, s)
	if len(s) != 12 || strings.Trim(s, "0123456789") != "" {
		return "", false
	}
	return JoinCode(s), true
}

type codeHash [sha256.Size]byte

// codes keeps live codes by keyed hash, and who guessed wrong.
type codes struct {
	key []byte
	now func() time.Time

	mu     sync.Mutex
	live   map[codeHash]codeEntry
	agents map[string]failures
	orgs   map[OrgID]failures
}

type codeEntry struct {
	org     OrgID
	session *Session
	expires time.Time
}

type failures struct {
	count int
	since time.Time
}

func newCodes(key []byte, now func() time.Time) *codes {
	return &codes{key: key, now: now, live: map[codeHash]codeEntry{}, agents: map[string]failures{}, orgs: map[OrgID]failures{}}
}

func (c *codes) hash(code JoinCode) codeHash {
	mac := hmac.New(sha256.New, c.key)
	_, _ = mac.Write([]byte("join code:" + string(code))) // never fails (hash.Hash)
	return codeHash(mac.Sum(nil))
}

// issue gives a session a code.
func (c *codes) issue(s *Session, org OrgID) (JoinCode, time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for {
		code := newCode()
		h := c.hash(code)
		if _, taken := c.live[h]; !taken {
			expires := c.now().Add(CodeLife)
			c.live[h] = codeEntry{org, s, expires}
			return code, expires
		}
	}
}

// redeem uses a code up. agent names the account that tries.
func (c *codes) redeem(org OrgID, agent, text string) (*Session, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	who := string(org) + "\x00" + agent
	if f := c.agents[who]; f.count >= agentFailures && now.Sub(f.since) < agentLock {
		return nil, ErrTooManyCodes
	}
	if f := c.orgs[org]; f.count >= orgFailures && now.Sub(f.since) < orgWindow {
		return nil, ErrTooManyCodes
	}
	if code, ok := ParseCode(text); ok {
		h := c.hash(code)
		if e, ok := c.live[h]; ok && e.org == org && now.Before(e.expires) {
			delete(c.live, h)
			delete(c.agents, who)
			return e.session, nil
		}
	}
	c.agents[who] = c.agents[who].again(now, agentLock, agentFailures)
	c.orgs[org] = c.orgs[org].again(now, orgWindow, orgFailures)
	return nil, ErrCode
}

// again counts a failure within a window that starts at the first one, and anew
// at the one that reaches the limit: a lock lasts from there.
func (f failures) again(now time.Time, window time.Duration, limit int) failures {
	if now.Sub(f.since) >= window {
		return failures{1, now}
	}
	f.count++
	if f.count == limit {
		f.since = now
	}
	return f
}

// revoke takes a code back.
func (c *codes) revoke(code JoinCode) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.live, c.hash(code))
}

// sweep forgets what time has settled.
func (c *codes) sweep() {
	c.mu.Lock()
	defer c.mu.Unlock()
	now := c.now()
	for h, e := range c.live {
		if !now.Before(e.expires) {
			delete(c.live, h)
		}
	}
	for who, f := range c.agents {
		if now.Sub(f.since) >= agentLock {
			delete(c.agents, who)
		}
	}
}
