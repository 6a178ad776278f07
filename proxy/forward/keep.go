package forward

import (
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// The authority's files in its folder.
const (
	certFile = "forward-ca.pem"
	keyFile  = "forward-ca.key"
)

// openAuthority reads the authority from its folder; it makes one the first
// time, and where the old one does not fit the hosts or the day any more.
func openAuthority(dir string, hosts patterns, now time.Time, log *slog.Logger) (*authority, error) {
	a, err := readAuthority(dir)
	var reason string
	switch {
	case errors.Is(err, fs.ErrNotExist):
		reason = "there was none"
	case err != nil:
		return nil, err
	case !a.covers(hosts):
		reason = "the old one is not allowed to sign for all hosts of the present list"
	case !now.Before(a.cert.NotAfter):
		reason = "the old one has expired"
	default:
		a.warn(now, log)
		return a, nil
	}
	if a, err = newAuthority(hosts, now); err != nil {
		return nil, err
	}
	if err := a.write(dir, now); err != nil {
		return nil, fmt.Errorf("keep the certificate authority: %w", err)
	}
	log.Warn("a new certificate authority was made: browsers must be given it before they can use the listed hosts",
		"because", reason, "file", filepath.Join(dir, certFile), "sha256", a.fingerprint(), "until", a.cert.NotAfter)
	return a, nil
}

func readAuthority(dir string) (*authority, error) {
	certName, keyName := filepath.Join(dir, certFile), filepath.Join(dir, keyFile)
	info, err := os.Stat(keyName)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("certificate authority: %s can be read by others (mode %04o): who did can forge the listed sites; delete it with %s, or, if nobody did, run: chmod 600 %s", keyName, mode, certName, keyName)
	}
	certDER, err := readPEM(certName, "CERTIFICATE")
	if err != nil {
		return nil, err
	}
	keyDER, err := readPEM(keyName, "PRIVATE KEY")
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(certDER)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %s: %w", certName, err)
	}
	key, err := x509.ParsePKCS8PrivateKey(keyDER)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %s: %w", keyName, err)
	}
	ours, ok := key.(*ecdsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("certificate authority: %s holds a %T, not a key of ours", keyName, key)
	}
	a := &authority{cert: cert, key: ours}
	if err := a.check(); err != nil {
		return nil, fmt.Errorf("certificate authority: %s: %w", certName, err)
	}
	return a, nil
}

func readPEM(name, kind string) ([]byte, error) {
	b, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("certificate authority: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != kind {
		return nil, fmt.Errorf("certificate authority: %s: no %s in it", name, kind)
	}
	return block.Bytes, nil
}

// write keeps the authority; what was there is put aside.
func (a *authority) write(dir string, now time.Time) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	aside := now.UTC().Format(".until-20060102T150405")
	for _, name := range []string{certFile, keyFile} {
		name = filepath.Join(dir, name)
		if err := os.Rename(name, name+aside); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	der, err := x509.MarshalPKCS8PrivateKey(a.key)
	if err != nil {
		return err
	}
	// The key first: without a certificate it is as if there were none.
	if err := replace(filepath.Join(dir, keyFile), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		return err
	}
	return replace(filepath.Join(dir, certFile), a.pem(), 0o644)
}

// replace writes a file whole or not at all.
func replace(name string, b []byte, mode fs.FileMode) error {
	next := name + ".new"
	if err := os.Remove(next); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(next, name)
}

func (a *authority) pem() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: a.cert.Raw})
}

// fingerprint is what people compare.
func (a *authority) fingerprint() string {
	sum := sha256.Sum256(a.cert.Raw)
	return fmt.Sprintf("% X", sum[:])
}

// warn tells that the authority will expire; false where that is far away.
func (a *authority) warn(now time.Time, log *slog.Logger) bool {
	left := a.cert.NotAfter.Sub(now)
	if left > warnBefore {
		return false
	}
	log.Warn("the certificate authority of forward mode expires soon; a start after that makes a new one, which browsers must be given",
		"until", a.cert.NotAfter, "days", int(left.Hours()/24))
	return true
}
