package replayui

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
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
	ask := func(path, tag string) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.console.URL+path, http.NoBody)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+s.token("otto", time.Now().Add(time.Hour)))
		req.Header.Set("If-None-Match", tag)
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_ = resp.Body.Close() // the status alone is wanted
		return resp
	}
	tags := map[string]string{}
	for _, path := range []string{base + "/open", base + "/segments/0", base + "/segments/0?v=" + told.Version, "/archive/" + string(id) + "/1/http/site/a.css"} {
		first := ask(path, "")
		control := first.Header.Get("Cache-Control")
		if tags[path] = first.Header.Get("Etag"); first.StatusCode != http.StatusOK || tags[path] == "" || !strings.Contains(control, "private") || !strings.Contains(control, "no-cache") {
			t.Errorf("%s: %d, %q, %q", path, first.StatusCode, control, tags[path])
		}
		if again := ask(path, tags[path]); again.StatusCode != http.StatusNotModified {
			t.Errorf("%s again: %d", path, again.StatusCode)
		}
	}
	if status, body := s.call(t, "adam", "DELETE", base, `{"reason":"asked for"}`); status != http.StatusNoContent {
		t.Fatalf("%d %s", status, body)
	}
	for path, tag := range tags {
		if after := ask(path, tag); after.StatusCode != http.StatusNotFound {
			t.Errorf("%s after the deletion: %d", path, after.StatusCode)
		}
	}
}
