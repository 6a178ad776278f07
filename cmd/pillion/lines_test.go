package main

import (
	"bytes"
	"strings"
	"sync"
	"testing"
	"time"
)

// lines is output that another goroutine writes.
type lines struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// wait returns what follows a text on its line, once it was written.
func (l *lines) wait(t *testing.T, text string) string {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if _, after, ok := strings.Cut(l.String(), text); ok {
			if line, _, whole := strings.Cut(after, "\n"); whole {
				return line
			}
		}
	}
	t.Fatalf("no %q in:\n%s", text, l.String())
	return ""
}
