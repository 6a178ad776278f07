package s3

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/pillion-dev/pillion/archive"
)

// Kinds of encryption by the server.
const (
	EncryptionS3  = "s3"  // under a key of the store's
	EncryptionKMS = "kms" // under a named key of a key management service
)

// Modes of object lock.
const (
	LockGovernance = "governance" // those with a permission of their own can lift it
	LockCompliance = "compliance" // nobody can
)

// lockedPrefix is what is locked as it is stored; other objects of a recording
// are locked when it is sealed ([archive.LockRecording]).
const lockedPrefix = "recordings/"

// Options say where a bucket is and how it is used.
type Options struct {
	Endpoint string // HOST:PORT
	Plain    bool   // http, for a store on the same machine or network
	RootCAs  *x509.CertPool
	Key      string
	Secret   string
	Token    string // of temporary credentials; empty for none
	Region   string // asked of the server where empty

	Bucket     string
	Prefix     string // of all keys; empty for none
	MakeBucket bool   // when it is missing

	Encryption string // EncryptionS3, EncryptionKMS or none
	KMSKey     string // identifier of the key, for EncryptionKMS

	Lock    string // LockGovernance, LockCompliance or none
	LockFor time.Duration

	// A request may take Timeout, and a second more for each MinRate bytes that
	// it moves; 30 s and 64 KB where not given.
	Timeout time.Duration
	MinRate int64
}

// ParseURL reads s3://KEY:SECRET@HOST:PORT/BUCKET/PREFIX?tls=0&region=R. Key,
// secret and prefix may be missing. Its errors do not show the secret.
func ParseURL(text string) (Options, error) {
	const form = "s3://KEY:SECRET@HOST:PORT/BUCKET?tls=0"
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.Fragment != "" {
		return Options{}, errors.New("the store's URL has the form " + form + "; what is special in key or secret is written as %2F and the like")
	}
	bucket, prefix, _ := strings.Cut(strings.Trim(u.Path, "/"), "/")
	o := Options{Endpoint: u.Host, Bucket: bucket, Prefix: prefix, Key: u.User.Username()}
	o.Secret, _ = u.User.Password()
	for name, values := range u.Query() {
		switch value := values[0]; {
		case name == "tls" && (value == "0" || value == "1"):
			o.Plain = value == "0"
		case name == "region":
			o.Region = value
		default:
			return o, fmt.Errorf("the store's URL: %s=%s means nothing there; it has the form %s, and region", name, value, form)
		}
	}
	return o, nil
}

// complete checks options and fills in what was not given.
func (o *Options) complete() error {
	if o.Timeout <= 0 {
		o.Timeout = 30 * time.Second
	}
	if o.MinRate <= 0 {
		o.MinRate = 64 << 10
	}
	if host, _, err := net.SplitHostPort(o.Endpoint); err == nil && host == "" {
		return fmt.Errorf("the store at %q: the host is missing", o.Endpoint)
	}
	switch {
	case o.Bucket == "":
		return fmt.Errorf("the store at %s: the bucket is missing", o.Endpoint)
	case o.Key == "" || o.Secret == "":
		return fmt.Errorf("the store at %s: its key or secret is missing", o.Endpoint)
	case o.Encryption != "" && o.Encryption != EncryptionS3 && o.Encryption != EncryptionKMS:
		return fmt.Errorf("encryption %q: s3 or kms", o.Encryption)
	case o.Encryption == EncryptionKMS && o.KMSKey == "":
		return errors.New("encryption by kms: which key is missing")
	case o.Encryption != EncryptionKMS && o.KMSKey != "":
		return errors.New("a key for kms is given, and encryption by kms is not")
	case o.Lock != "" && o.Lock != LockGovernance && o.Lock != LockCompliance:
		return fmt.Errorf("lock %q: governance or compliance", o.Lock)
	case o.Lock != "" && o.LockFor <= 0:
		return errors.New("object lock: for how many days is missing")
	case o.Lock == "" && o.LockFor != 0:
		return errors.New("object lock: days are given, and the mode is not: governance or compliance")
	}
	if o.Prefix = strings.Trim(o.Prefix, "/"); o.Prefix != "" {
		if !archive.ValidName(o.Prefix) {
			return fmt.Errorf("prefix %q: letters, digits, and - _ . / alone", o.Prefix)
		}
		o.Prefix += "/"
	}
	return nil
}

func (o *Options) mode() minio.RetentionMode {
	if o.Lock == LockCompliance {
		return minio.Compliance
	}
	return minio.Governance
}

// String tells where the store is, without its secrets.
func (o *Options) String() string {
	scheme := "https"
	if o.Plain {
		scheme = "http"
	}
	return fmt.Sprintf("%s://%s/%s/%s", scheme, o.Endpoint, o.Bucket, o.Prefix)
}
