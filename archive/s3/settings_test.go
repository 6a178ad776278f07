package s3_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/s3"
	"github.com/pillion-dev/pillion/archive/s3/miniotest"
)

// client asks the server past our store.
func client(t *testing.T) *minio.Client {
	t.Helper()
	c, err := server.Client()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestProbeMakesTheBucketAndLeavesNothing(t *testing.T) {
	o := server.Options()
	s := open(t, o)
	for range 2 {
		if err := s.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if exists, err := client(t).BucketExists(t.Context(), o.Bucket); err != nil || !exists {
		t.Errorf("%t %v", exists, err)
	}
	for o, err := range s.List(t.Context(), "") {
		t.Errorf("%s is left (%v)", o.Name, err)
	}
}

// What is encrypted by the store is not to be found in its files, and what is not
// encrypted is: so the first is no accident.
func TestEncryptionByTheStore(t *testing.T) {
	for name, c := range map[string]struct {
		kind, key, says string
		plain           bool
	}{
		"none":               {plain: true},
		"the store's key":    {kind: s3.EncryptionS3, says: "AES256"},
		"a key of a service": {kind: s3.EncryptionKMS, key: miniotest.KMSKey, says: "aws:kms"},
	} {
		t.Run(name, func(t *testing.T) {
			o := server.Options()
			o.Encryption, o.KMSKey = c.kind, c.key
			s := open(t, o)
			if err := s.Probe(t.Context()); err != nil {
				t.Fatal(err)
			}
			secret := "a secret of " + rand.Text()
			for object, size := range map[string]int{"recordings/small": 1, "recordings/large": 1 << 20} { // in line, and in a file of its own
				content := strings.Repeat(secret+"\n", size/len(secret)+1)
				if err := archive.PutBytes(t.Context(), s, object, []byte(content)); err != nil {
					t.Fatal(err)
				}
				if got, err := archive.ReadObject(t.Context(), s, object); err != nil || string(got) != content {
					t.Errorf("%d bytes, %v", len(got), err)
				}
				info, err := client(t).StatObject(t.Context(), o.Bucket, object, minio.StatObjectOptions{})
				if err != nil || info.Metadata.Get("X-Amz-Server-Side-Encryption") != c.says || !strings.HasSuffix(info.Metadata.Get("X-Amz-Server-Side-Encryption-Aws-Kms-Key-Id"), c.key) {
					t.Errorf("%q %v", info.Metadata, err)
				}
			}
			if found, err := server.Holds(secret); err != nil || found != c.plain {
				t.Errorf("the plain text is in the store's files: %t, %v", found, err)
			}
		})
	}
}

func TestAStoreThatDoesNotEncryptIsFoundOut(t *testing.T) {
	l := newLiar(t)
	l.lie.Store(&lie{http.MethodPut, func(l *liar, w http.ResponseWriter, r *http.Request) {
		real := l.answered(r)
		l.pass(w, real, nil)
	}})
	o := l.options()
	s := open(t, o)
	if err := s.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.lie.Store(&lie{http.MethodHead, func(l *liar, w http.ResponseWriter, r *http.Request) {
		real := l.answered(r)
		real.Header().Del("X-Amz-Server-Side-Encryption")
		l.pass(w, real, nil)
	}})
	o.Encryption = s3.EncryptionS3
	if err := open(t, o).Probe(t.Context()); !errors.Is(err, s3.ErrRefused) || !strings.Contains(err.Error(), "does not encrypt") {
		t.Errorf("%v", err)
	}
}

// versions are those of an object, by the server's own list.
func versions(t *testing.T, bucket, key string) (ids []string) {
	t.Helper()
	for o := range client(t).ListObjects(t.Context(), bucket, minio.ListObjectsOptions{Prefix: key, WithVersions: true, Recursive: true}) {
		if o.Err != nil {
			t.Fatal(o.Err)
		}
		ids = append(ids, o.VersionID)
	}
	return ids
}

func TestLockedObjectsStay(t *testing.T) {
	for _, mode := range []string{s3.LockGovernance, s3.LockCompliance} {
		t.Run(mode, func(t *testing.T) {
			o := server.Options()
			o.Lock, o.LockFor = mode, 24*time.Hour
			s := open(t, o)
			ctx := t.Context()
			if err := s.Probe(ctx); err != nil {
				t.Fatal(err)
			}
			for _, name := range []string{"recordings/s/manifest.json", "blobs/ab/cd", "keys/session-s"} {
				for _, content := range []string{"before", "evidence"} {
					if err := archive.PutBytes(ctx, s, name, []byte(content)); err != nil {
						t.Fatal(err)
					}
				}
			}
			// What is of a recording is locked as it is stored, by anybody's word.
			ids := versions(t, o.Bucket, "recordings/s/manifest.json")
			if len(ids) != 2 {
				t.Fatalf("%q", ids)
			}
			for _, id := range ids {
				bypass := mode == s3.LockCompliance // even those with the permission
				err := client(t).RemoveObject(ctx, o.Bucket, "recordings/s/manifest.json", minio.RemoveObjectOptions{VersionID: id, GovernanceBypass: bypass})
				if err == nil {
					t.Errorf("version %s was deleted", id)
				}
			}
			stays(t, s, "recordings/s/manifest.json")
			// A blob is locked when a recording needs it.
			until := time.Now().Add(time.Hour)
			if err := s.Lock(ctx, "blobs/ab/cd", until); err != nil {
				t.Fatal(err)
			}
			stays(t, s, "blobs/ab/cd")
			if err := s.Lock(ctx, "blobs/ab/cd", until.Add(-time.Minute)); err != nil {
				t.Errorf("an earlier time: %v", err)
			}
			_, kept, err := client(t).GetObjectRetention(ctx, o.Bucket, "blobs/ab/cd", "")
			if err != nil || kept.Before(until.Add(-time.Second)) {
				t.Errorf("kept until %v, not %v (%v)", kept, until, err)
			}
			// Keys have to go: all versions of them.
			if err := s.Delete(ctx, "keys/session-s"); err != nil {
				t.Error(err)
			}
			if left := versions(t, o.Bucket, "keys/session-s"); len(left) > 0 {
				t.Errorf("versions %q are left", left)
			}
			if err := s.Lock(ctx, "blobs/none", until); !errors.Is(err, archive.ErrAbsent) {
				t.Errorf("%v", err)
			}
		})
	}
}

func stays(t *testing.T, s *s3.Store, name string) {
	t.Helper()
	if err := s.Delete(t.Context(), name); !errors.Is(err, archive.ErrLocked) {
		t.Errorf("%s was deleted: %v", name, err)
	}
	if got, err := archive.ReadObject(t.Context(), s, name); err != nil || string(got) != "evidence" {
		t.Errorf("%s: %q %v", name, got, err)
	}
}

func TestHeldObjectsStayUntilTheyAreLetGo(t *testing.T) {
	o := server.Options()
	o.Lock, o.LockFor = s3.LockGovernance, time.Hour
	s := open(t, o)
	ctx := t.Context()
	if err := archive.PutBytes(ctx, s, "blobs/ab/held", []byte("evidence")); err != nil {
		t.Fatal(err)
	}
	if err := s.Hold(ctx, "blobs/ab/held", true); err != nil {
		t.Fatal(err)
	}
	stays(t, s, "blobs/ab/held")
	if err := s.Hold(ctx, "blobs/ab/held", false); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(ctx, "blobs/ab/held"); err != nil {
		t.Error(err)
	}
	if left := versions(t, o.Bucket, "blobs/ab/held"); len(left) > 0 {
		t.Errorf("versions %q are left", left)
	}
	plain := open(t, server.Options())
	if err := plain.Hold(ctx, "blobs/ab/held", true); !errors.Is(err, archive.ErrNoLocks) {
		t.Errorf("%v", err)
	}
}

func TestDeletedObjectsHaveNoVersionsLeft(t *testing.T) {
	o := server.Options()
	if err := client(t).MakeBucket(t.Context(), o.Bucket, minio.MakeBucketOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := client(t).EnableVersioning(t.Context(), o.Bucket); err != nil {
		t.Fatal(err)
	}
	s := open(t, o)
	for range 3 {
		if err := archive.PutBytes(t.Context(), s, "a/one", []byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.PutBytes(t.Context(), s, "a/one-more", []byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := client(t).RemoveObject(t.Context(), o.Bucket, "a/one", minio.RemoveObjectOptions{}); err != nil { // leaves a mark
		t.Fatal(err)
	}
	core := minio.Core{Client: client(t)}
	if _, err := core.NewMultipartUpload(t.Context(), o.Bucket, "a/one", minio.PutObjectOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := s.Delete(t.Context(), "a/one"); err != nil {
		t.Fatal(err)
	}
	if left := versions(t, o.Bucket, "a/one"); len(left) != 1 { // the other object's
		t.Errorf("versions %q are left", left)
	}
	if uploads, err := core.ListMultipartUploads(t.Context(), o.Bucket, "a/one", "", "", "", 10); err != nil || len(uploads.Uploads) > 0 {
		t.Errorf("uploads %v are left (%v)", uploads.Uploads, err)
	}
}

func TestErrorsSayWhatToDo(t *testing.T) {
	made := server.Options()
	if err := open(t, made).Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	skewed := newLiar(t)
	skewed.lie.Store(&lie{"", func(l *liar, w http.ResponseWriter, r *http.Request) {
		r.Header.Set("X-Amz-Date", time.Now().Add(-time.Hour).UTC().Format("20060102T150405Z"))
		l.to.ServeHTTP(w, r)
	}})
	for name, c := range map[string]struct {
		change func(*s3.Options)
		says   string
		waits  bool // it may mend by itself
	}{
		"a key that is not known":      {func(o *s3.Options) { o.Key = "somebody" }, "check the key", false},
		"a wrong secret":               {func(o *s3.Options) { o.Secret = "something" }, "check the secret", false},
		"a bucket that is missing":     {func(o *s3.Options) { o.Bucket, o.MakeBucket = "not-there", false }, "--s3-make-bucket", false},
		"a name that is none":          {func(o *s3.Options) { o.Bucket = "No_Bucket" }, "", false},
		"a clock that is wrong":        {func(o *s3.Options) { o.Endpoint = strings.TrimPrefix(skewed.URL, "http://") }, "clock", false},
		"https to a server without":    {func(o *s3.Options) { o.Plain = false }, "tls=0", false},
		"a key of no service":          {func(o *s3.Options) { o.Encryption, o.KMSKey = s3.EncryptionKMS, "no-such-key" }, "--s3-kms-key", false},
		"a bucket that locks nothing":  {func(o *s3.Options) { o.Lock, o.LockFor = s3.LockGovernance, time.Hour }, "without object lock", false},
		"nobody there":                 {func(o *s3.Options) { o.Endpoint = "127.0.0.1:1" }, "nothing listens there", true},
		"a host that there is none of": {func(o *s3.Options) { o.Endpoint = "no-such-host.invalid:9000" }, "no-such-host.invalid", true},
	} {
		t.Run(name, func(t *testing.T) {
			o := made
			o.Timeout = 5 * time.Second
			c.change(&o)
			s := open(t, o)
			err := s.Probe(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.says) || errors.Is(err, s3.ErrRefused) == c.waits {
				t.Errorf("refused: %t: %v", errors.Is(err, s3.ErrRefused), err)
			}
			if err != nil && strings.Contains(err.Error(), o.Secret) {
				t.Errorf("the secret is in %v", err)
			}
		})
	}
}

func TestOptionsThatMeanNothing(t *testing.T) {
	good := s3.Options{Endpoint: "h:1", Key: "k", Secret: "s", Bucket: "bucket"}
	for name, change := range map[string]func(*s3.Options){
		"no host":                     func(o *s3.Options) { o.Endpoint = ":1" },
		"no bucket":                   func(o *s3.Options) { o.Bucket = "" },
		"no key":                      func(o *s3.Options) { o.Key = "" },
		"no secret":                   func(o *s3.Options) { o.Secret = "" },
		"an encryption of no name":    func(o *s3.Options) { o.Encryption = "aes" },
		"kms without a key":           func(o *s3.Options) { o.Encryption = s3.EncryptionKMS },
		"a key without kms":           func(o *s3.Options) { o.KMSKey = "k" },
		"a lock of no name":           func(o *s3.Options) { o.Lock, o.LockFor = "soft", time.Hour },
		"a lock without days":         func(o *s3.Options) { o.Lock = s3.LockGovernance },
		"days without a lock":         func(o *s3.Options) { o.LockFor = time.Hour },
		"a prefix that leads outside": func(o *s3.Options) { o.Prefix = "a/../b" },
	} {
		o := good
		change(&o)
		if _, err := s3.New(o); err == nil {
			t.Errorf("%s is taken", name)
		}
	}
	for text, want := range map[string]s3.Options{
		"s3://k:s@h:9000/b?tls=0":             {Endpoint: "h:9000", Key: "k", Secret: "s", Bucket: "b", Plain: true},
		"s3://k:s%2F%2B@s3.example.com/b/p/q": {Endpoint: "s3.example.com", Key: "k", Secret: "s/+", Bucket: "b", Prefix: "p/q"},
		"s3://h/b?region=eu-central-1&tls=1":  {Endpoint: "h", Bucket: "b", Region: "eu-central-1"},
	} {
		if got, err := s3.ParseURL(text); err != nil || got != want {
			t.Errorf("%s: %+v %v", text, got, err)
		}
	}
	for _, text := range []string{"", "http://k:s3cret@h/b", "s3://", "s3:///b", "s3://k:s3cret@h/b?tls=yes", "s3://k:s3cret@h/b?what=1", "s3://k:s3cret%@h/b"} {
		if _, err := s3.ParseURL(text); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestTLSWithAPrivateAuthority(t *testing.T) {
	certs := t.TempDir()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	chain := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	for name, b := range map[string][]byte{"public.crt": chain, "private.key": pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8})} {
		if err := os.WriteFile(filepath.Join(certs, name), b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	secure := miniotest.StartTLS(t, certs)
	o := secure.Options()
	if err := open(t, o).Probe(t.Context()); !errors.Is(err, s3.ErrRefused) || !strings.Contains(err.Error(), "--s3-ca") {
		t.Errorf("an authority that nobody knows: %v", err)
	}
	o.RootCAs = x509.NewCertPool()
	o.RootCAs.AppendCertsFromPEM(chain)
	s := open(t, o)
	if err := s.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	content := randomly(20 << 20)
	if err := archive.PutBytes(t.Context(), s, "a/large", content); err != nil {
		t.Fatal(err)
	}
	if got, err := archive.ReadObject(context.Background(), s, "a/large"); err != nil || string(got) != string(content) {
		t.Errorf("%d bytes, %v", len(got), err)
	}
}
