package forward

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/elazarl/goproxy"
)

// The times of the authority and of what it signs.
const (
	authorityLife = 2 * 365 * 24 * time.Hour
	warnBefore    = 60 * 24 * time.Hour
	leafLife      = 89 * 24 * time.Hour // below the 90 days that are promised
	backdated     = time.Hour           // clocks of browsers are not exact
)

// authority signs certificates for the listed hosts.
type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

// constraints are what an authority is bound to.
type constraints struct {
	names []string
	ips   []*net.IPNet
}

func (list patterns) constraints() (c constraints) {
	for _, p := range list {
		if !p.ip.IsValid() {
			c.names = append(c.names, p.name)
			continue
		}
		ip := net.IP(p.ip.AsSlice())
		c.ips = append(c.ips, &net.IPNet{IP: ip, Mask: net.CIDRMask(8*len(ip), 8*len(ip))})
	}
	return c
}

// newAuthority makes an authority for hosts.
func newAuthority(hosts patterns, now time.Time) (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	c := hosts.constraints()
	template := &x509.Certificate{
		SerialNumber: serial(),
		Subject:      pkix.Name{CommonName: "Pillion gateway, made " + now.UTC().Format(time.DateOnly)},
		NotBefore:    now.Add(-backdated), NotAfter: now.Add(authorityLife),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true,
		PermittedDNSDomainsCritical: true, PermittedDNSDomains: c.names, PermittedIPRanges: c.ips,
	}
	// A kind of name without a constraint would be free.
	if len(c.names) == 0 {
		template.PermittedDNSDomains = []string{"invalid"} // no host is below it (RFC 6761)
	}
	if len(c.ips) == 0 {
		template.ExcludedIPRanges = []*net.IPNet{
			{IP: net.IPv4zero.To4(), Mask: net.CIDRMask(0, 32)}, {IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)},
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, fmt.Errorf("make a certificate authority: %w", err)
	}
	cert, err := x509.ParseCertificate(der)
	return &authority{cert: cert, key: key}, err
}

// serial is random: 127 bits, positive.
func serial() *big.Int {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails (crypto/rand)
	b[0] = b[0]&0x7f | 0x40
	return new(big.Int).SetBytes(b)
}

// check refuses what is no authority of ours.
func (a *authority) check() error {
	if !a.cert.IsCA || !a.key.PublicKey.Equal(a.cert.PublicKey) {
		return errors.New("the certificate is no authority's, or the key is another's")
	}
	public, err := x509.ParseCertificate(goproxy.GoproxyCa.Certificate[0])
	if err != nil || bytes.Equal(a.cert.RawSubjectPublicKeyInfo, public.RawSubjectPublicKeyInfo) {
		return errors.New("this key is in the source code of goproxy, and everybody has it")
	}
	return nil
}

// covers reports whether the authority's constraints allow all hosts.
func (a *authority) covers(hosts patterns) bool {
	c := hosts.constraints()
	for _, name := range c.names {
		if !slices.ContainsFunc(a.cert.PermittedDNSDomains, func(permitted string) bool {
			return name == permitted || strings.HasSuffix(name, "."+permitted)
		}) {
			return false
		}
	}
	for _, ip := range c.ips {
		if !slices.ContainsFunc(a.cert.PermittedIPRanges, func(permitted *net.IPNet) bool { return permitted.Contains(ip.IP) }) {
			return false
		}
	}
	return true
}

// leaf signs a certificate for one host.
func (a *authority) leaf(host string, now time.Time) (der []byte, key *ecdsa.PrivateKey, err error) {
	key, err = ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	template := &x509.Certificate{
		SerialNumber: serial(), NotBefore: now.Add(-backdated), NotAfter: now.Add(leafLife),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	if template.NotBefore.Before(a.cert.NotBefore) {
		template.NotBefore = a.cert.NotBefore
	}
	if template.NotAfter.After(a.cert.NotAfter) {
		template.NotAfter = a.cert.NotAfter
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		template.IPAddresses = []net.IP{ip.AsSlice()}
	} else {
		template.DNSNames = []string{host}
	}
	der, err = x509.CreateCertificate(rand.Reader, template, a.cert, key.Public(), a.key)
	return der, key, err
}
