package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	caddySource = "bench/caddy" // a module of its own, seen from the repository's root
	// caddyConf replaces while it streams: its other way holds whole pages.
	caddyConf = `{
	admin off
	auto_https off
	persist_config off
	order replace after encode
	log {
		level ERROR
	}
}
http://%[1]s {
	encode {
		gzip 1
	}
	replace stream {
		"<head>" %[3]q
		%[4]q "http://gw"
	}
	reverse_proxy %[2]s {
		header_up Accept-Encoding identity
		transport http {
			keepalive_idle_conns_per_host 512
			compression off
		}
	}
}
`
)

// startCaddy starts Caddy, and builds it the first time.
func startCaddy(ctx context.Context, name string, env environment) (*process, error) {
	program, err := caddyProgram(ctx)
	if err != nil {
		return nil, err
	}
	addr, err := freeAddr()
	if err != nil {
		return nil, err
	}
	dir := env.folder(name)
	conf, err := writeConf(dir, "Caddyfile", fmt.Sprintf(caddyConf, addr, env.site.addr, "<head>"+tag, legacyOrigin))
	if err != nil {
		return nil, err
	}
	// Caddy keeps its state below the home folder: not in the user's.
	return startOther(ctx, name, addr, "/usr/bin/env", "HOME="+dir, "XDG_DATA_HOME="+dir, "XDG_CONFIG_HOME="+dir,
		program, "run", "--config", conf, "--adapter", "caddyfile")
}

// caddyProgram is Caddy with what the benchmarks need, built by go build, which
// does nothing where nothing changed.
func caddyProgram(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", err
	}
	program := filepath.Join(cache, "pillion", "caddy-bench")
	if _, err := os.Stat(filepath.Join(caddySource, "go.mod")); err != nil {
		return "", fmt.Errorf("%s is not there: run bench from the repository's root", caddySource)
	}
	build := exec.CommandContext(ctx, "go", "build", "-C", caddySource, "-o", program, ".")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("caddy was not built (its modules come from the Go module proxy): %w: %s", err, lastLine(out))
	}
	return program, nil
}

// caddyVersion is what was built.
func caddyVersion(ctx context.Context) string {
	program, err := caddyProgram(ctx)
	if err != nil {
		return "none"
	}
	out, err := exec.CommandContext(ctx, "go", "version", "-m", program).Output()
	if err != nil {
		return "unknown"
	}
	var versions []string
	for line := range strings.Lines(string(out)) {
		f := strings.Fields(line)
		if len(f) > 2 && f[0] == "dep" && strings.HasPrefix(f[1], "github.com/caddyserver/") {
			switch filepath.Base(f[1]) {
			case "v2":
				versions = append(versions, "Caddy "+f[2])
			case "replace-response":
				versions = append(versions, "replace-response "+f[2])
			}
		}
	}
	return strings.Join(versions, ", ")
}

func lastLine(out []byte) string {
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	return lines[len(lines)-1]
}
