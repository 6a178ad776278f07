package listen

import (
	"crypto/tls"
	"fmt"
	"log/slog"
	"os"
	"sync"
)

// config makes the TLS configuration; nil for plaintext.
func (t TLS) config(logger *slog.Logger) (*tls.Config, error) {
	if !t.enabled() {
		return nil, nil
	}
	config := &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if t.ACME != nil {
		config.GetCertificate = t.ACME.certificate
		config.NextProtos = append(config.NextProtos, "acme-tls/1")
		return config, nil
	}
	p := &pair{cert: t.CertFile, key: t.KeyFile, log: logger}
	if err := p.load(p.look()); err != nil {
		return nil, err
	}
	config.GetCertificate = p.certificate
	return config, nil
}

// pair is a certificate in two files, which another program renews.
type pair struct {
	cert, key string
	log       *slog.Logger

	mu     sync.Mutex
	seen   [2]stamp // of the files that were read last, good or bad
	loaded *tls.Certificate
}

// stamp tells whether a file has changed.
type stamp struct {
	modified int64
	size     int64
}

// look takes both files' stamps. A stat costs a hundredth of a handshake, so
// there is no need for a watcher, and none of its misses.
func (p *pair) look() (s [2]stamp) {
	for i, name := range [...]string{p.cert, p.key} {
		if info, err := os.Stat(name); err == nil { // loading will tell what is wrong
			s[i] = stamp{info.ModTime().UnixNano(), info.Size()}
		}
	}
	return s
}

// load reads the pair that has the stamps; a bad one changes nothing.
func (p *pair) load(seen [2]stamp) error {
	p.seen = seen
	c, err := tls.LoadX509KeyPair(p.cert, p.key)
	if err != nil {
		return fmt.Errorf("certificate %s with key %s: %w", p.cert, p.key, err)
	}
	p.loaded = &c
	return nil
}

// certificate is a tls.Config's GetCertificate.
func (p *pair) certificate(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if seen := p.look(); seen != p.seen {
		if err := p.load(seen); err != nil {
			p.log.Error("the new certificate cannot be used; the old one stays", "error", err)
		} else {
			p.log.Info("the certificate was read again", "file", p.cert, "until", p.loaded.Leaf.NotAfter)
		}
	}
	return p.loaded, nil
}
