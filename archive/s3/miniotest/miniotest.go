// Package miniotest starts a real S3 server for tests: the MinIO server, in a
// process of its own, on a free port. The server is under the AGPL; it is a tool
// that tests run, never linked into Pillion nor shipped with it.
package miniotest

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"github.com/pillion-dev/pillion/archive/s3"
)

// Version is that of the server's module, which `make minio` builds; the Makefile
// reads it here.
const Version = "v0.0.0-20260212201848-7aac2a2c5b7c"

// KMSKey is the identifier of the key that servers encrypt under.
const KMSKey = "pillion-test"

// Server is a running MinIO server.
type Server struct {
	Endpoint    string // 127.0.0.1:PORT
	Key, Secret string
	Dir         string // where its objects are, as files
	TLS         bool

	certs   string // folder of its certificate; empty for http
	process *exec.Cmd
	ended   chan struct{}
	output  *os.File
}

// Binary is where the server's program is; an error says how it comes there.
func Binary() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	file := filepath.Join(cache, "pillion", "minio-"+Version)
	if _, err := os.Stat(file); err != nil {
		return "", fmt.Errorf("the MinIO server that tests run is missing: run `make minio`, which builds it once (%w)", err)
	}
	return file, nil
}

// Start starts a server with nothing in it, for one test. It fails the test when
// there is no server to start: tests of the store are never skipped.
func Start(t testing.TB) *Server { return StartTLS(t, "") }

// StartTLS does so with the certificate in a folder (public.crt and private.key).
func StartTLS(t testing.TB, certs string) *Server {
	t.Helper()
	s, err := Open(t.TempDir(), certs)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

// Open starts a server on a folder; Stop ends it.
func Open(dir, certs string) (*Server, error) {
	s := &Server{Key: "pillion-key", Secret: "pillion-secret", Dir: filepath.Join(dir, "data"), certs: certs, TLS: certs != ""}
	output, err := os.Create(filepath.Join(dir, "minio.log"))
	if err != nil {
		return nil, err
	}
	s.output = output
	for try := 0; ; try++ {
		if s.Endpoint, err = freePort(); err == nil {
			err = s.Run()
		}
		if err == nil || try == 2 { // another program may have taken the port
			return s, err
		}
	}
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// Run starts the server again, after Stop, on its port and with its objects.
func (s *Server) Run() error {
	binary, err := Binary()
	if err != nil {
		return err
	}
	args := []string{"server", "--quiet", "--address", s.Endpoint, "--console-address", "127.0.0.1:0", s.Dir}
	if s.certs != "" {
		args = append([]string{"--certs-dir", s.certs}, args...)
	}
	cmd := exec.Command(binary, args...)
	cmd.Env = append(os.Environ(), "MINIO_ROOT_USER="+s.Key, "MINIO_ROOT_PASSWORD="+s.Secret, "MINIO_BROWSER=off", "MINIO_UPDATE=off",
		"MINIO_KMS_SECRET_KEY="+KMSKey+":"+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("k", 32))))
	cmd.Stdout, cmd.Stderr = s.output, s.output
	if err := cmd.Start(); err != nil {
		return err
	}
	s.process, s.ended = cmd, make(chan struct{})
	go func() { _ = cmd.Wait(); close(s.ended) }() // ends with the process
	return s.ready()
}

// ready waits until the server answers.
func (s *Server) ready() error {
	ask, err := minio.New(s.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(s.Key, s.Secret, ""), Secure: s.TLS, MaxRetries: 1, Transport: insecure()})
	if err != nil {
		return err
	}
	for deadline := time.Now().Add(2 * time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		_, err = ask.ListBuckets(ctx)
		cancel()
		if err == nil {
			return nil
		}
		select {
		case <-s.ended:
			return fmt.Errorf("the MinIO server ended: %s", s.Output())
		default:
		}
	}
	s.Stop()
	return fmt.Errorf("the MinIO server does not answer (%w): %s", err, s.Output())
}

// Output is what the server printed.
func (s *Server) Output() string {
	b, err := os.ReadFile(s.output.Name())
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// Stop kills the server, as a power cut would, and waits for its end.
func (s *Server) Stop() {
	if s.process == nil {
		return
	}
	_ = s.process.Process.Kill() // it may have ended
	<-s.ended
	s.process = nil
}

var buckets atomic.Int64

// Bucket is a bucket of a test's own that does not exist yet.
func (s *Server) Bucket() string { return fmt.Sprintf("bucket-%d", buckets.Add(1)) }

// Options are those of a store in a bucket of the server; the bucket is made with
// the first object.
func (s *Server) Options() s3.Options {
	return s3.Options{Endpoint: s.Endpoint, Plain: !s.TLS, Key: s.Key, Secret: s.Secret, Bucket: s.Bucket(), MakeBucket: true}
}

// URL is what --s3 is given for a bucket.
func (s *Server) URL(bucket string) string {
	return fmt.Sprintf("s3://%s:%s@%s/%s?tls=0", s.Key, s.Secret, s.Endpoint, bucket)
}

// Holds tells whether any file of the server's has a text in it.
func (s *Server) Holds(text string) (found bool, err error) {
	err = filepath.WalkDir(s.Dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := os.ReadFile(path)
		found = found || strings.Contains(string(b), text)
		return err
	})
	return found, err
}

// Client is a client of the server that knows nothing of ours.
func (s *Server) Client() (*minio.Client, error) {
	return minio.New(s.Endpoint, &minio.Options{Creds: credentials.NewStaticV4(s.Key, s.Secret, ""), Secure: s.TLS, Transport: insecure()})
}

// insecure trusts any certificate: the server is the test's own.
func insecure() http.RoundTripper {
	tr := http.DefaultTransport.(*http.Transport).Clone()
	tr.TLSClientConfig = &tls.Config{InsecureSkipVerify: true}
	tr.DisableKeepAlives = true
	return tr
}
