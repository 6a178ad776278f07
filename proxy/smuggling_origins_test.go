package proxy_test

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// origin is a server that nobody here wrote, as lenient as it can be set. It
// answers each request with X-Echo, "METHOD target", and notes it in its log
// with the header that no request may bear.
type origin struct {
	url string
	log string // file

	program *exec.Cmd
	said    *bytes.Buffer
}

var origins = map[string]func(t *testing.T, dir, addr string) *exec.Cmd{
	"nginx":   nginx,
	"Apache":  apache,
	"Node.js": node,
}

func nginx(t *testing.T, dir, addr string) *exec.Cmd {
	write(t, filepath.Join(dir, "conf"), fmt.Sprintf(`
daemon off; worker_processes 1; pid %[1]s/pid; error_log %[1]s/errors;
events { worker_connections 256; }
http {
  log_format line '$request|$http_x_smuggled';
  access_log %[1]s/log line;
  client_body_temp_path %[1]s/body; proxy_temp_path %[1]s/p; fastcgi_temp_path %[1]s/f; uwsgi_temp_path %[1]s/u; scgi_temp_path %[1]s/s;
  underscores_in_headers on; ignore_invalid_headers off;
  server {
    listen %[2]s;
    add_header X-Echo "$request_method $request_uri" always;
    location / { return 200 "hello"; }
  }
}`, dir, addr))
	return exec.Command(found(t, "nginx"), "-e", filepath.Join(dir, "errors"), "-c", filepath.Join(dir, "conf"))
}

func apache(t *testing.T, dir, addr string) *exec.Cmd {
	var modules strings.Builder
	for _, m := range []string{"mpm_event", "authz_core", "headers", "rewrite", "http2"} {
		_, _ = fmt.Fprintf(&modules, "LoadModule %s_module /usr/lib/apache2/modules/mod_%s.so\n", m, m)
	}
	write(t, filepath.Join(dir, "conf"), fmt.Sprintf(`
ServerRoot %[1]s
ServerName h
Listen %[2]s
PidFile %[1]s/pid
Mutex file:%[1]s
ErrorLog %[1]s/errors
User www-data
Group www-data
%[3]s
Protocols h2c http/1.1
HttpProtocolOptions Unsafe LenientMethods Allow0.9
MergeSlashes Off
AllowEncodedSlashes NoDecode
LogFormat "%%r|%%{X-Smuggled}i" line
CustomLog %[1]s/log line
RewriteEngine On
RewriteRule .* - [R=200]
Header always set X-Echo "expr=%%{THE_REQUEST}"
Header always edit X-Echo " HTTP/[0-9.]*$" ""
`, dir, addr, modules.String()))
	return exec.Command(found(t, "apache2"), "-DFOREGROUND", "-f", filepath.Join(dir, "conf"))
}

func node(t *testing.T, dir, addr string) *exec.Cmd {
	host, port, _ := net.SplitHostPort(addr)
	write(t, filepath.Join(dir, "server.cjs"), fmt.Sprintf(`
const { appendFileSync } = require("node:fs");
const note = (line) => appendFileSync(%q, line + "\n");
const server = require("node:http").createServer({ insecureHTTPParser: true, keepAliveTimeout: 60000 }, (req, res) => {
  note(req.method + " " + req.url + " HTTP/" + req.httpVersion + "|" + (req.headers["x-smuggled"] ?? "-"));
  req.resume();
  req.on("end", () => res.setHeader("X-Echo", req.method + " " + req.url).end("hello"));
});
server.on("clientError", (e, socket) => {
  if (/^HPE_/.test(e.code) && e.code !== "HPE_INVALID_EOF_STATE") note(e.code + " " + JSON.stringify(e.rawPacket?.toString("latin1")) + "|");
  socket.destroy();
});
server.listen(%s, %q);
process.on("SIGTERM", () => process.exit(0));
`, filepath.Join(dir, "log"), port, host))
	return exec.Command(found(t, "node"), filepath.Join(dir, "server.cjs"))
}

// found looks a program up. It is a failure when it is missing: what is not
// tried proves nothing.
func found(t *testing.T, name string) string {
	t.Helper()
	for _, at := range []string{name, "/usr/sbin/" + name} {
		if path, err := exec.LookPath(at); err == nil {
			return path
		}
	}
	t.Fatalf("%s is not there: run make packages", name)
	return ""
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// startOrigin starts one and waits until it answers.
func startOrigin(t *testing.T, command func(t *testing.T, dir, addr string) *exec.Cmd) *origin {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := l.Addr().String()
	_ = l.Close() // the program takes its place
	dir := t.TempDir()
	o := &origin{url: "http://" + addr, log: filepath.Join(dir, "log"), program: command(t, dir, addr), said: &bytes.Buffer{}}
	o.program.Stdout, o.program.Stderr = o.said, o.said
	if err := o.program.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { o.end(t) })
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.url+"/ready", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultTransport.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close() // its header is enough
			if got := resp.Header.Get("X-Echo"); got != "GET /ready" || resp.StatusCode != http.StatusOK {
				t.Fatalf("the origin answers %s, echo %q", resp.Status, got)
			}
			return o
		}
		if ctx.Err() != nil {
			o.end(t)
			errors, _ := os.ReadFile(filepath.Join(dir, "errors")) // there may be none
			t.Fatalf("the origin does not answer: %v\n%s%s", err, o.said, errors)
		}
		time.Sleep(20 * time.Millisecond)
	}
}

// end ends the program, so that its log is complete.
func (o *origin) end(t *testing.T) {
	t.Helper()
	if o.program.ProcessState != nil {
		return
	}
	_ = o.program.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	_ = o.program.Wait()                          // its status says nothing: some end by the signal
}

// asked is what the origin took for requests, and what was wrong with them.
func (o *origin) asked(t *testing.T) (requests []string, wrong []string) {
	t.Helper()
	text, err := os.ReadFile(o.log)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		request, mark, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "|")
		if i := strings.LastIndex(request, " HTTP/1.1"); i >= 0 && mark == "-" {
			request = request[:i]
		} else {
			wrong = append(wrong, line)
		}
		requests = append(requests, request)
	}
	return requests, wrong
}
