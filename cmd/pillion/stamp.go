package main

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/replayui"
)

// stampFlags say who attests when recordings were there.
type stampFlags struct {
	TimestampURL string `name:"timestamp-url" env:"PILLION_TIMESTAMP_URL" help:"A time-stamping authority (RFC 3161) that attests each recording: http://timestamp.example.com." placeholder:"URL"`
	TimestampCA  string `name:"timestamp-ca" env:"PILLION_TIMESTAMP_CA" help:"The certificates that the authority's has to lead to, a PEM file." placeholder:"FILE" type:"path"`
}

// roots are those of the authority; nil for any.
func (f stampFlags) roots() (*x509.CertPool, error) {
	if f.TimestampCA == "" {
		return nil, nil //nolint:nilnil // none is any
	}
	b, err := os.ReadFile(f.TimestampCA)
	if err != nil {
		return nil, fmt.Errorf("--timestamp-ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(b) {
		return nil, errUsage{fmt.Errorf("--timestamp-ca: %s has no certificate in PEM", f.TimestampCA)}
	}
	return pool, nil
}

// openStamper opens what asks the authority; nil where there is none.
func (g *gateway) openStamper(f stampFlags, options replayui.StamperOptions) (*replayui.Stamper, error) {
	if f.TimestampURL == "" {
		return nil, nil //nolint:nilnil // its methods take nil
	}
	if u, err := url.Parse(f.TimestampURL); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return nil, errUsage{errors.New("--timestamp-url is an address like http://timestamp.example.com")}
	}
	roots, err := f.roots()
	if err != nil {
		return nil, err
	}
	options.Authority = &archive.Authority{URL: f.TimestampURL, Roots: roots}
	s := replayui.NewStamper(options)
	g.onClose(s.Close)
	return s, nil
}
