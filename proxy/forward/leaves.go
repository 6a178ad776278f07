package forward

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"log/slog"
	"sync"
	"time"
)

// maxLeaves bounds the certificates that are kept; a wildcard has no end.
const maxLeaves = 4096

// leaves makes certificates on demand and keeps them.
type leaves struct {
	authority *authority
	now       func() time.Time
	log       *slog.Logger

	mu     sync.Mutex
	kept   map[string]*tls.Certificate
	warned time.Time
}

// of returns the certificate of a host. It holds the lock while it signs: that
// takes a fraction of a millisecond, and a page's many connections want the same.
func (l *leaves) of(host string) (*tls.Certificate, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := l.now()
	if c := l.kept[host]; c != nil && now.Before(c.Leaf.NotAfter.Add(-leafLife/3)) {
		return c, nil
	}
	if !now.Before(l.authority.cert.NotAfter) {
		return nil, errors.New("the certificate authority of forward mode has expired: a start makes a new one")
	}
	if now.Sub(l.warned) > 24*time.Hour && l.authority.warn(now, l.log) {
		l.warned = now
	}
	der, key, err := l.authority.leaf(host, now)
	if err != nil {
		return nil, err
	}
	c := &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
	if c.Leaf, err = x509.ParseCertificate(der); err != nil {
		return nil, err
	}
	if len(l.kept) >= maxLeaves {
		clear(l.kept) // signing anew is cheap
	}
	l.kept[host] = c
	return c, nil
}
