package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestASamplePageHasJustTheBytesAskedFor(t *testing.T) {
	for _, size := range []int{2 << 10, 40 << 10, 400 << 10} {
		page := samplePage(size)
		if len(page) != size {
			t.Errorf("%d bytes asked for: %d", size, len(page))
		}
		if bytes.Count(page, []byte("<tr")) != bytes.Count(page, []byte("</tr>")) || !bytes.Contains(page, []byte(legacyOrigin)) {
			t.Errorf("%d bytes: a row is cut, or no link names the site", size)
		}
	}
}

// serveOnce answers on a connection of its own; the client's address comes back.
func serveOnce(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestAClientReadsAnswersWithALengthAndInChunksOverOneConnection(t *testing.T) {
	var seen sync.Map
	addr := serveOnce(t, func(w http.ResponseWriter, r *http.Request) {
		seen.Store(r.RemoteAddr, true)
		if r.URL.Path == "/chunks" {
			_, _ = w.Write(bytes.Repeat([]byte("a"), 3000))
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = io.WriteString(w, "end")
	})
	c := newClient(addr)
	defer c.close()
	for _, want := range []struct {
		path    string
		length  int64
		chunked bool
	}{{"/chunks", 3003, true}, {"/length", 3, false}, {"/chunks", 3003, true}} {
		var body bytes.Buffer
		a, err := c.fetch(context.Background(), request{want.path, "document", "identity"}.bytes(addr), &body)
		if err != nil {
			t.Fatal(err)
		}
		if a.length != want.length || a.chunked != want.chunked || int64(body.Len()) != want.length || !strings.HasSuffix(body.String(), "end") {
			t.Errorf("%s: %+v, %d bytes", want.path, a, body.Len())
		}
		if a.first <= 0 || a.whole < a.first {
			t.Errorf("%s: first byte after %v, last after %v", want.path, a.first, a.whole)
		}
	}
	connections := 0
	seen.Range(func(any, any) bool { connections++; return true })
	if connections != 1 {
		t.Errorf("%d connections", connections)
	}
}

func TestAClientFailsOnAnErrorPage(t *testing.T) {
	addr := serveOnce(t, func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) })
	f := newFleet(addr, 2, pageRequest(2048, "identity"))
	defer f.close()
	if _, err := f.exactly(context.Background(), 1); err == nil || !strings.Contains(err.Error(), "502") {
		t.Errorf("error %v", err)
	}
}

func TestAClientSeesAPartOfAPageBeforeItsEnd(t *testing.T) {
	release := make(chan struct{})
	addr := serveOnce(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "<head>"+tag)
		_ = http.NewResponseController(w).Flush()
		<-release
	})
	defer close(release)
	c := newClient(addr)
	defer c.close()
	if took, err := c.until(context.Background(), pageRequest(2048, "identity").bytes(addr), []byte(scriptPath)); err != nil || took <= 0 {
		t.Errorf("after %v: %v", took, err)
	}
}

func TestAFleetAsksForEachRequestInTurn(t *testing.T) {
	paths := make(chan string, 16)
	addr := serveOnce(t, func(_ http.ResponseWriter, r *http.Request) { paths <- r.URL.Path })
	f := newFleet(addr, 1, request{"/a", "image", "identity"}, request{"/b", "image", "identity"})
	defer f.close()
	l, err := f.exactly(context.Background(), 3)
	if err != nil || l.requests != 3 || len(l.wholes) != 3 {
		t.Fatalf("%+v: %v", l, err)
	}
	if got := <-paths + <-paths + <-paths; got != "/a/b/a" {
		t.Error(got)
	}
}

func TestRatiosAreOfTheSameRound(t *testing.T) {
	at := func(us ...int) (all []sample) {
		for _, n := range us {
			all = append(all, sample{cpu: time.Duration(n) * time.Microsecond})
		}
		return all
	}
	got := turns{plain: at(100, 400, 200), oursFull: at(150, 400, 400)}
	if r := spread(got.ratios(oursFull, plain, cpuOf)); r != "1.50 (1.00–2.00)" {
		t.Error(r)
	}
	if added := got.added(oursFull, plain, cpuOf); added != 50 {
		t.Error(added)
	}
	if r := spread(got.ratios(oursFull, nginx, cpuOf)); r != "–" {
		t.Error(r)
	}
}

func TestAReportSaysWhatWasMet(t *testing.T) {
	var out bytes.Buffer
	rep := newReport(&out)
	rep.atMost("slow", 1, 1.5)
	rep.atLeast("fast", 6, 6.2)
	rep.atMost("not measured", 1, median(nil))
	rep.table("Times", "How.", "", "ms").row("ours", "1.0")
	rep.note("once")
	rep.note("once")
	name := filepath.Join(t.TempDir(), "REPORT.md")
	if err := rep.write(name); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"| slow | ≤ 1 | 1.50 | not met |", "| fast | ≥ 6 | 6.20 | met |", "| ours | 1.0 |", "Go: go1"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %q in the report", want)
		}
	}
	if strings.Contains(string(text), "not measured") || strings.Count(out.String(), "once") != 1 {
		t.Error("what was not measured is judged, or a note repeated")
	}
}

func TestAChapterOfTheReportHasTargetsOfItsOwn(t *testing.T) {
	c, err := readChapter(strings.NewReader(`{"How": "In a browser.", "Versions": ["rrweb 2"], "Tables": [{"Title": "State", "How": "Once.", "Head": ["", "ours"], "Rows": [["CPU", "1.5"]]}],
		"Verdicts": [{"Figure": "CPU", "Limit": 0.4, "Got": 0.3}, {"Figure": "updates", "Limit": 30, "Least": true, "Got": 2}, {"Figure": "never came", "Limit": 15, "Got": null}]}`))
	if err != nil {
		t.Fatal(err)
	}
	b := &strings.Builder{}
	c.markdown(b)
	for _, line := range []string{
		"## Capture and mirror", "With: rrweb 2.", "### State", "| CPU | 1.5 |",
		"| CPU | ≤ 0.4 | 0.300 | met |", "| updates | ≥ 30 | 2.00 | not met |", "| never came | ≤ 15 | +Inf | not met |",
	} {
		if !strings.Contains(b.String(), line+"\n") {
			t.Errorf("the chapter has no line %q:\n%s", line, b)
		}
	}
}

func TestFlagsThatSayNothingAreRefused(t *testing.T) {
	for _, args := range [][]string{{"-only", "proxies"}, {"-sizes", "0"}, {"-connections", "many"}, {"-codings", "br"}, {"-proxies", "apache"}, {"all"}} {
		if _, err := parse(args); err == nil {
			t.Errorf("%v was taken", args)
		}
	}
	whole, err := parse(nil)
	if err != nil || whole.report != defaultReport || !whole.wants("proxy/load") {
		t.Errorf("%+v: %v", whole, err)
	}
	part, err := parse([]string{"-only", "proxy"})
	if err != nil || part.report != "" || !part.wants("proxy/memory") || part.wants("codec") {
		t.Errorf("%+v: %v", part, err)
	}
}

func TestAServerTellsItsCountersUntilItsInputEnds(t *testing.T) {
	in, asker := io.Pipe()
	var out bytes.Buffer
	done := make(chan error, 1)
	go func() { done <- serve("site", nil, in, &out) }() // ends with its input
	_, err := io.WriteString(asker, askCounters+"\n")
	if err := errors.Join(err, asker.Close(), <-done); err != nil {
		t.Fatal(err)
	}
	if lines := strings.Count(out.String(), "\n"); lines != 2 || !strings.Contains(out.String(), `"Addr":"127.0.0.1:`) {
		t.Errorf("%q", out.String())
	}
}
