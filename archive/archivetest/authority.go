package archivetest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Authority starts a time-stamping authority (RFC 3161): OpenSSL's, behind HTTP.
// It returns its address and a file with its root certificate.
func Authority(t *testing.T) (url, root string) {
	t.Helper()
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	run := func(args ...string) {
		t.Helper()
		cmd := exec.Command("openssl", args...)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("openssl %v: %v\n%s", args, err, out)
		}
	}
	config := `[tsa]
default_tsa = one
[one]
serial = serial
signer_cert = tsa.pem
certs = root.pem
signer_key = tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
accuracy = secs:1
ess_cert_id_chain = no
`
	for name, text := range map[string]string{"tsa.cnf": config, "serial": "01\n", "ext": "extendedKeyUsage = critical,timeStamping\n"} {
		if err := os.WriteFile(in(name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	run("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "root.key", "-out", "root.pem", "-subj", "/CN=Test Root", "-days", "30")
	run("req", "-newkey", "rsa:2048", "-nodes", "-keyout", "tsa.key", "-out", "tsa.csr", "-subj", "/CN=Test Authority")
	run("x509", "-req", "-in", "tsa.csr", "-CA", "root.pem", "-CAkey", "root.key", "-CAcreateserial", "-out", "tsa.pem", "-days", "30", "-extfile", "ext")
	n := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Content-Type") != "application/timestamp-query" {
			http.Error(w, "no query", http.StatusBadRequest)
			return
		}
		n++ // one request at a time comes from whoever tests
		asked, answered := in(fmt.Sprint("query", n)), in(fmt.Sprint("answer", n))
		if err := os.WriteFile(asked, query, 0o600); err != nil {
			t.Error(err)
		}
		cmd := exec.Command("openssl", "ts", "-reply", "-config", "tsa.cnf", "-section", "one", "-queryfile", asked, "-out", answered)
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("openssl ts: %v\n%s", err, out)
		}
		answer, err := os.ReadFile(answered)
		if err != nil {
			t.Error(err)
		}
		w.Header().Set("Content-Type", "application/timestamp-reply")
		_, _ = w.Write(answer) // the client is gone, if anything
	}))
	t.Cleanup(server.Close)
	return server.URL, in("root.pem")
}
