package main

import (
	"bytes"
	"context"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestRunSaysWhatToDo(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		args   []string
		in     string
		status int
		says   string
	}{
		"nothing":                                {nil, "", 0, "serve"},
		"version":                                {[]string{"version"}, "", 0, "pillion dev"},
		"unknown command":                        {[]string{"fly"}, "", 2, "--help"},
		"no upstream":                            {[]string{"serve"}, "", 2, "--upstream"},
		"upstream with path":                     {[]string{"serve", "--upstream", "http://h/path", "--data", dir}, "", 2, "without path"},
		"unknown role":                           {[]string{"account", "add", "x", "--role", "king", "--data", dir}, "pass-word\n", 2, "agent"},
		"no password":                            {[]string{"account", "add", "x", "--role", "agent", "--data", dir}, "", 2, "standard input"},
		"short password":                         {[]string{"account", "add", "x", "--role", "agent", "--data", dir}, "short\n", 2, "8 characters"},
		"account":                                {[]string{"account", "add", "x", "--role", "agent", "--data", dir}, "pass-word\n", 0, "can sign in"},
		"no such recording":                      {[]string{"verify", "nothing", "--data", dir}, "", 1, "no recording"},
		"no such rewriting":                      {[]string{"serve", "--upstream", "http://h", "--rewrite", "most", "--data", dir}, "", 2, "full"},
		"a setting of a site that means nothing": {[]string{"serve", "--config", file(t, "sites:\n- upstream: [http://h]\n  alliases: [x]\n"), "--data", dir}, "", 2, "alliases"},
		"sites that contradict":                  {[]string{"serve", "--config", file(t, "sites:\n- upstream: [http://h]\n- upstream: [http://i]\n"), "--data", dir}, "", 2, "without hosts"},
		"unreadable settings":                    {[]string{"serve", "--config", filepath.Join(dir, "none.yaml")}, "", 2, "none.yaml"},
	} {
		t.Run(name, func(t *testing.T) {
			var out, errOut bytes.Buffer
			status := run(t.Context(), c.args, strings.NewReader(c.in), &out, &errOut)
			if said := out.String() + errOut.String(); status != c.status || !strings.Contains(said, c.says) {
				t.Errorf("status %d, want %d:\n%s", status, c.status, said)
			}
		})
	}
}

func file(t *testing.T, text string) string {
	t.Helper()
	name := filepath.Join(t.TempDir(), "pillion.yaml")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

func TestServeTakesAFileAndEndsCleanly(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "pillion.yaml")
	settings := "upstream: http://127.0.0.1:9\nlisten: 127.0.0.1:0\nconsole: 127.0.0.1:0\nadmin: 127.0.0.1:0\ndata: " + filepath.Join(dir, "data") + "\n"
	if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var out lines
	status := make(chan int, 1)
	go func() { status <- run(ctx, []string{"serve", "--config", file}, strings.NewReader(""), &out, &out) }()
	admin := out.wait(t, "admin    ")
	if !strings.Contains(out.String(), "Nobody can sign in yet") {
		out.wait(t, "Nobody can sign in yet")
	}
	resp, err := http.Get(strings.TrimSpace(admin) + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("metrics: %s", resp.Status)
	}
	stop()
	select {
	case got := <-status:
		if got != 0 {
			t.Errorf("status %d: %s", got, out.String())
		}
	case <-time.After(30 * time.Second):
		t.Fatal("it did not end")
	}
}
