package main

import (
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"
)

// libraries whose goroutines the program starts.
var libraries = []string{
	"github.com/pillion-dev/pillion", "github.com/nats-io/", "github.com/quic-go/", "github.com/caddyserver/", "github.com/elazarl/", "github.com/coder/",
}

// nothingIsLeft waits until no goroutine of the program runs; the test's own
// clients end as well.
func nothingIsLeft(t *testing.T) {
	t.Helper()
	http.DefaultClient.CloseIdleConnections()
	var left []string
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if left = running(); len(left) == 0 {
			return
		}
	}
	t.Errorf("%d goroutines are left:\n%s", len(left), strings.Join(left, "\n\n"))
}

// running are the stacks of the program's goroutines.
func running() (left []string) {
	stacks := make([]byte, 4<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	for stack := range strings.SplitSeq(string(stacks), "\n\n") {
		if strings.Contains(stack, "testing.tRunner") {
			continue
		}
		for _, library := range libraries {
			if strings.Contains(stack, library) {
				left = append(left, stack)
				break
			}
		}
	}
	return left
}
