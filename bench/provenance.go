package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"strings"
	"time"
)

// provenance tells with what the figures were made, a line each.
func provenance() []string {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	nginxIs, err := nginxVersion(ctx)
	if err != nil {
		nginxIs = err.Error()
	}
	caddyIs := caddyVersion(ctx)
	return []string{
		"Date: " + time.Now().UTC().Format("2 January 2006, 15:04 UTC"),
		"This tree: " + revision(ctx),
		fmt.Sprintf("Go: %s, GOMAXPROCS %d; golang.org/x/net %s", runtime.Version(), runtime.GOMAXPROCS(0), dependency("golang.org/x/net")),
		"nginx: " + nginxIs,
		"Caddy: " + caddyIs,
		fmt.Sprintf("Machine: %s, %d processors, kernel %s", processor(), runtime.NumCPU(), firstLine("/proc/sys/kernel/osrelease")),
	}
}

func revision(ctx context.Context) string {
	out, err := exec.CommandContext(ctx, "git", "describe", "--always", "--dirty").Output()
	if err != nil {
		return "unknown"
	}
	return strings.TrimSpace(string(out))
}

func dependency(path string) string {
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, d := range info.Deps {
			if d.Path == path {
				return d.Version
			}
		}
	}
	return "unknown"
}

func processor() string {
	b, _ := os.ReadFile("/proc/cpuinfo") // a report without it is better than none
	_, after, _ := strings.Cut(string(b), "model name")
	line, _, _ := strings.Cut(after, "\n")
	return strings.TrimSpace(strings.TrimLeft(line, "\t :"))
}

func firstLine(name string) string {
	b, _ := os.ReadFile(name) // a report without it is better than none
	line, _, _ := strings.Cut(string(b), "\n")
	return line
}

const howMeasured = `
How:

- Site, proxies and browsers are processes of their own on the same processors; nobody is bound to one. The site answers from memory; what it sends is compressed beforehand where the client accepts that.
- Pages are legacy markup: tables, style attributes, handlers, relative links, and in one row of twenty a link with the site's own origin, which ` + "`sub_filter`, Caddy and `ours-full`" + ` map. A page of each contender is looked at before it is measured.
- Browsers send Chromium's headers, the cookie of an earlier visit among them, over HTTP/1.1 with kept connections, the next request as soon as an answer is whole.
- CPU is what the kernel's scheduler counted for all threads of a contender's processes (` + "`/proc/PID/task/*/schedstat`" + `), divided by the requests; those under way at a turn's end are finished first.
- In each round all contenders have their turn, each time in another order. A ratio is the median of the rounds' ratios; CPU, rate and times are medians over rounds.
- nginx runs two workers and keeps connections to the site; its buffers are the ones that were best for it: 8 of 64 KB a request, never a file. Where it or Caddy changes pages, it asks the site for uncompressed ones and compresses with gzip level 1; ReverseProxy and plain nginx pass on what the site has compressed.
- A browser's wait includes its own and the site's work, which share the processors.
`
