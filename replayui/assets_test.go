package replayui

import (
	"net/http"
	"strings"
	"testing"
)

// What a file of the archive is to a browser that opens it by itself: nothing that
// could run in the console's origin.
func TestAFileOfTheArchiveIsNothingThatRuns(t *testing.T) {
	for kind, want := range map[string]struct{ kind, disposition string }{
		"text/html": {"text/plain; charset=utf-8", ""}, "text/html; charset=utf-16": {"text/plain; charset=utf-8", ""},
		"application/xhtml+xml": {"text/plain; charset=utf-8", ""}, "text/xml": {"text/plain; charset=utf-8", ""}, "application/xml": {"text/plain; charset=utf-8", ""},
		"application/pdf": {"application/pdf", "attachment; filename=document.pdf"}, "application/x-pdf": {"application/x-pdf", "attachment; filename=document.pdf"},
		"image/svg+xml": {"image/svg+xml", ""}, "image/png": {"image/png", ""}, "text/css": {"text/css", ""}, "text/plain": {"text/plain", ""},
	} {
		for _, dest := range []string{"", "document", "iframe", "embed", "object"} {
			h := http.Header{}
			serveKind(h, kind, dest)
			if h.Get("Content-Type") != want.kind || h.Get("Content-Disposition") != want.disposition || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s as %q: %v", kind, dest, h)
			}
		}
	}
	s := newStage(t)
	id := s.record(t)
	status, h, _ := s.whole(t, "otto", http.MethodGet, "/archive/"+string(id)+"/1/http/site/a.css", "")
	policy := h.Get("Content-Security-Policy")
	if status != http.StatusOK || !strings.Contains(policy, "default-src 'none'") || !strings.HasSuffix(policy, "; sandbox") {
		t.Errorf("%d, policy %q", status, policy)
	}
}
