package listen

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"sync"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// LetsEncrypt is the directory that is asked where none is given.
const LetsEncrypt = certmagic.LetsEncryptProductionCA

// ACMEOptions configures [NewACME].
type ACMEOptions struct {
	// Domains are the names to have certificates for.
	Domains []string
	// Email is where the authority may write to.
	Email string
	// Directory is the authority's ACME directory; empty for [LetsEncrypt].
	Directory string
	// Dir is where account, keys and certificates are kept.
	Dir string
	// RootCA is a PEM file of roots to trust in talking to a private directory.
	RootCA string
	// HTTPPort is the port of the plain listener that serves HTTPHandler; 0 for
	// none. Without one the authority must reach the TLS listener at port 443.
	HTTPPort int
	// Logger is told of certificates that come and do not come; nil for none.
	Logger *slog.Logger
}

// ACME has certificates from an ACME authority (RFC 8555) and renews them. One
// may serve several listeners; the first to serve answers the challenges
// (TLS-ALPN-01, RFC 8737).
type ACME struct {
	domains []string
	cache   *certmagic.Cache
	config  *certmagic.Config
	issuer  *certmagic.ACMEIssuer

	once sync.Once
	ctx  context.Context
	stop context.CancelFunc
	err  error
}

// NewACME prepares certificates; they are asked for when a listener serves.
func NewACME(opts ACMEOptions) (*ACME, error) {
	if len(opts.Domains) == 0 || opts.Dir == "" {
		return nil, errors.New("ACME needs domains, and a folder to keep what it gets")
	}
	roots, err := readRoots(opts.RootCA)
	if err != nil {
		return nil, err
	}
	a := &ACME{domains: opts.Domains}
	a.ctx, a.stop = context.WithCancel(context.Background())
	log := zap.NewNop()
	if opts.Logger != nil {
		log = zap.New(zapCore{opts.Logger})
	}
	a.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return a.config, nil },
		Logger:           log,
	})
	a.config = certmagic.New(a.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: opts.Dir}, Logger: log,
		DefaultServerName: opts.Domains[0], // for clients that name no server
	})
	if opts.Directory == "" {
		opts.Directory = LetsEncrypt
	}
	a.issuer = certmagic.NewACMEIssuer(a.config, certmagic.ACMEIssuer{
		CA: opts.Directory, Email: opts.Email, Agreed: true, TrustedRoots: roots,
		DisableHTTPChallenge: opts.HTTPPort == 0, AltHTTPPort: opts.HTTPPort, Logger: log,
	})
	a.config.Issuers = []certmagic.Issuer{a.issuer}
	return a, nil
}

// readRoots reads a pool; nil for no file.
func readRoots(name string) (*x509.CertPool, error) {
	if name == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("the ACME directory's root: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("the ACME directory's root: no certificate in %s", name)
	}
	return pool, nil
}

// start asks for the certificates, once; on is where challenges will arrive.
func (a *ACME) start(on net.Addr) error {
	a.once.Do(func() {
		if tcp, ok := on.(*net.TCPAddr); ok {
			a.issuer.AltTLSALPNPort = tcp.Port
		}
		if a.err = a.config.ManageAsync(a.ctx, a.domains); a.err != nil {
			a.err = fmt.Errorf("ACME: %w", a.err)
		}
	})
	return a.err
}

// certificate is a tls.Config's GetCertificate; it also answers challenges.
func (a *ACME) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return a.config.GetCertificate(hello)
}

// HTTPHandler answers the authority's HTTP-01 challenges and passes everything
// else on.
func (a *ACME) HTTPHandler(next http.Handler) http.Handler {
	return a.issuer.HTTPChallengeHandler(next)
}

// Close ends renewals, after the listeners.
func (a *ACME) Close() {
	a.stop()
	a.cache.Stop()
}
