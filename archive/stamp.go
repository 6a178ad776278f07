package archive

import (
	"bytes"
	"context"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net/http"
	"slices"
	"time"

	"github.com/digitorus/pkcs7"
	"github.com/digitorus/timestamp"
)

// Authority is a time-stamping authority (RFC 3161): a third party that attests
// that a recording's top was there at a time.
type Authority struct {
	URL string
	// Roots are the certificates that the authority's has to lead to; nil for any.
	Roots *x509.CertPool
	// Client replaces the usual one, which waits for 20 s; nil for that.
	Client *http.Client
}

// Stamp is what an authority attested.
type Stamp struct {
	Time    time.Time `json:"time"`    // UTC, by the authority's clock
	By      string    `json:"by"`      // the authority's name, as its certificate has it
	Trusted bool      `json:"trusted"` // the certificate leads to one of the roots asked for
}

const (
	stampTime = 20 * time.Second
	// maxStamp bounds an authority's answer, in bytes: certificates make most of it.
	maxStamp = 256 << 10
)

// stampName is the object with the token, in DER, beside the top.
func stampName(session string) string { return recordingName(session, "stamp") }

// Stamp has the authority attest a recording's top, and stores what it says,
// unless a valid stamp is there already. ErrAbsent where there is no recording of
// version 2.
func (a *Authority) Stamp(ctx context.Context, store Store, session string) (Stamp, error) {
	top, err := ReadObject(ctx, store, topName(session))
	if err != nil {
		return Stamp{}, err
	}
	if s, err := ReadStamp(ctx, store, session, a.Roots); err == nil {
		return s, nil
	} else if !errors.Is(err, ErrAbsent) && !errors.Is(err, ErrDamaged) {
		return s, err
	}
	token, err := a.ask(ctx, top)
	if err != nil {
		return Stamp{}, fmt.Errorf("time-stamping authority %s: %w", a.URL, err)
	}
	s, err := checkStamp(token, top, a.Roots)
	if err != nil {
		return s, fmt.Errorf("time-stamping authority %s: %w", a.URL, err)
	}
	return s, PutBytes(ctx, store, stampName(session), token)
}

// ask sends a request over HTTP (RFC 3161, 3.4) and returns the token.
func (a *Authority) ask(ctx context.Context, top []byte) ([]byte, error) {
	nonce, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 64))
	if err != nil {
		return nil, err
	}
	query, err := timestamp.CreateRequest(bytes.NewReader(top), &timestamp.RequestOptions{Hash: crypto.SHA256, Certificates: true, Nonce: nonce})
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, stampTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, a.URL, bytes.NewReader(query))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/timestamp-query")
	client := a.Client
	if client == nil {
		client = http.DefaultClient
	}
	resp, err := client.Do(req)
	if err != nil {
		return nil, err
	}
	answer, err := io.ReadAll(io.LimitReader(resp.Body, maxStamp+1))
	err = errors.Join(err, resp.Body.Close())
	switch {
	case err != nil:
		return nil, err
	case resp.StatusCode != http.StatusOK:
		return nil, fmt.Errorf("it answers %s", resp.Status)
	case len(answer) > maxStamp:
		return nil, fmt.Errorf("its answer has more than %d bytes", maxStamp)
	}
	ts, err := timestamp.ParseResponse(answer)
	if err != nil {
		return nil, err
	}
	if ts.Nonce == nil || ts.Nonce.Cmp(nonce) != 0 {
		return nil, errors.New("its answer is to another request")
	}
	return ts.RawToken, nil
}

// ReadStamp returns what an authority attested of a recording. ErrAbsent where
// there is no stamp, ErrDamaged where it is not of this recording's top, or its
// certificate does not lead to the roots; nil for any.
func ReadStamp(ctx context.Context, store Store, session string, roots *x509.CertPool) (Stamp, error) {
	token, err := ReadObject(ctx, store, stampName(session))
	if err != nil {
		return Stamp{}, err
	}
	top, err := ReadObject(ctx, store, topName(session))
	if err != nil {
		return Stamp{}, err
	}
	return checkStamp(token, top, roots)
}

func checkStamp(token, top []byte, roots *x509.CertPool) (s Stamp, err error) {
	bad := func(format string, args ...any) (Stamp, error) {
		return Stamp{}, fmt.Errorf("the time stamp is %w: %s", ErrDamaged, fmt.Sprintf(format, args...))
	}
	ts, err := timestamp.Parse(token)
	if err != nil {
		return bad("%v", err)
	}
	h := crypto.SHA256.New()
	h.Write(top)
	if ts.HashAlgorithm != crypto.SHA256 || !bytes.Equal(ts.HashedMessage, h.Sum(nil)) {
		return bad("it is of another top")
	}
	p7, err := pkcs7.Parse(token)
	if err != nil {
		return bad("%v", err)
	}
	signer := p7.GetOnlySigner()
	if signer == nil {
		return bad("its certificate is not in it")
	}
	if !slices.Contains(signer.ExtKeyUsage, x509.ExtKeyUsageTimeStamping) {
		return bad("the certificate of %s is not for time stamps", signer.Subject)
	}
	if roots != nil {
		between := x509.NewCertPool()
		for _, c := range p7.Certificates {
			between.AddCert(c)
		}
		if _, err := signer.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, CurrentTime: ts.Time, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageTimeStamping}}); err != nil {
			return bad("%v", err)
		}
	}
	return Stamp{Time: ts.Time.UTC(), By: signer.Subject.String(), Trusted: roots != nil}, nil
}
