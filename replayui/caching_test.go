package replayui

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// What an auditor's browser keeps of a recording it asks about before it shows it
// again: once the recording is deleted, the answer is no longer that it may.
func TestABrowserShowsNothingOfADeletedRecordingAgain(t *testing.T) {
	s := newStage(t)
	id := s.record(t)
	base := "/api/sessions/" + string(id)
	var told struct{ Version string }
	if _, body := s.call(t, "otto", "GET", base+"/recording", ""); json.Unmarshal([]byte(body), &told) != nil || told.Version == "" {
		t.Fatalf("no version: %s", body)
	}
	ask := func(path, tag string) (int, http.Header) {
		t.Helper()
		status, h, _ := s.whole(t, "otto", http.MethodGet, path, "", "If-None-Match", tag)
		return status, h
	}
	tags := map[string]string{}
	for _, path := range []string{base + "/open", base + "/segments/0", base + "/segments/0?v=" + told.Version, "/archive/" + string(id) + "/1/http/site/a.css"} {
		first, h := ask(path, "")
		control := h.Get("Cache-Control")
		if tags[path] = h.Get("Etag"); first != http.StatusOK || tags[path] == "" || !strings.Contains(control, "private") || !strings.Contains(control, "no-cache") {
			t.Errorf("%s: %d, %q, %q", path, first, control, tags[path])
		}
		if again, _ := ask(path, tags[path]); again != http.StatusNotModified {
			t.Errorf("%s again: %d", path, again)
		}
	}
	if status, body := s.call(t, "adam", "DELETE", base, `{"reason":"asked for"}`); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, body)
	}
	for path, tag := range tags {
		if after, _ := ask(path, tag); after != http.StatusNotFound {
			t.Errorf("%s after the deletion: %d", path, after)
		}
	}
}
