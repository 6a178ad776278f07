package replayui

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"regexp"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
	"github.com/pillion-dev/pillion/events"
)

func TestARecordingIsExportedByThoseWhoMay(t *testing.T) {
	s := newStage(t)
	s.everyone(t)
	id := s.record(t)
	var log bytes.Buffer
	s.Server.log = slog.New(slog.NewJSONHandler(&log, nil))
	path := "/api/sessions/" + string(id) + "/export"
	for who, want := range map[string]int{
		"": http.StatusUnauthorized, "ann": http.StatusForbidden, "bob": http.StatusForbidden, "eve": http.StatusNotFound, "otto": http.StatusOK,
	} {
		for _, format := range []string{"?format=html", "?format=wacz"} {
			if status, body := s.call(t, who, "GET", path+format, ""); status != want {
				t.Errorf("%q: %d %.200s", who, status, body)
			}
		}
		if who != "otto" && log.Len() > 0 && !strings.Contains(log.String(), `"by":"otto"`) {
			t.Errorf("%q is in the audit log: %s", who, log.String())
		}
	}
	for _, part := range []string{`"msg":"audit"`, `"what":"exported"`, `"by":"otto"`, `"role":"auditor"`, `"session":"` + string(id), `"format":"wacz"`} {
		if !strings.Contains(log.String(), part) {
			t.Errorf("no %s in the audit log: %s", part, log.String())
		}
	}
	if status, _ := s.call(t, "otto", "GET", path+"?format=exe", ""); status != http.StatusBadRequest {
		t.Errorf("an unknown format: %d", status)
	}
	if status, body := s.call(t, "otto", "GET", path+"/progress?of=1", ""); status != http.StatusOK || !strings.Contains(body, `"under":false`) {
		t.Errorf("progress: %d %s", status, body)
	}
}

func TestAnExportIsNoPageOfTheConsoles(t *testing.T) {
	s := newStage(t)
	id := s.record(t)
	_, h, page := s.whole(t, "otto", http.MethodGet, "/api/sessions/"+string(id)+"/export", "")
	if h.Get("Content-Type") != "application/octet-stream" || !strings.HasPrefix(h.Get("Content-Disposition"), "attachment;") ||
		!strings.HasPrefix(h.Get("Content-Security-Policy"), "sandbox") || h.Get("X-Content-Type-Options") != "nosniff" {
		t.Errorf("header %v", h)
	}
	if !strings.Contains(page, `content="default-src 'none'; script-src 'sha256-`) || strings.Contains(page, "http-equiv=\"refresh\"") {
		t.Errorf("no policy in %.600s", page)
	}
	for _, part := range []string{"top", "events-0000.zst", "segment-0000.zst", "index.zst", "manifest.zst", "assets/sha256-"} {
		if !strings.Contains(page, `data-part="`+part) {
			t.Errorf("no %s", part)
		}
	}
	// Of scripts there is the player, whose hash the policy has.
	if n := len(regexp.MustCompile(`(?i)<script type="module"`).FindAllString(page, -1)); n != 1 {
		t.Errorf("%d scripts that run", n)
	}
	css := base64.StdEncoding.EncodeToString([]byte("body{background:url(/bg.png)}"))
	if !strings.Contains(page, css) {
		t.Error("the sheet's own bytes are not in it")
	}
}

// large seals a recording of chat and of files that nothing makes smaller.
func large(t *testing.T, store archive.Store, vaults *archive.Vaults, id string, megabytes int) {
	t.Helper()
	random := rand.NewChaCha8([32]byte{1})
	w, err := archive.NewRecordingWriter(t.Context(), store, vaults, id)
	if err != nil {
		t.Fatal(err)
	}
	blobs := archive.BlobsIn(store)
	var c archive.Contents
	start := time.Date(2026, 1, 31, 9, 0, 0, 0, time.UTC)
	for i := range megabytes {
		b := make([]byte, 1<<20)
		_, _ = random.Read(b)                                                                                                                       // never fails
		r := events.Record{Offset: events.Offset(i + 1), Time: start.Add(time.Duration(i) * time.Second), Kind: events.KindChannelData, Payload: b} //nolint:gosec // small
		if err := w.Append(t.Context(), uint64(r.Offset), r.Time, events.AppendRecord(nil, &r)); err != nil {
			t.Fatal(err)
		}
		b[0]++
		ref, err := blobs.Put(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		c.Captures = append(c.Captures, archive.PageCapture{Page: 1, URL: "http://site/" + string(ref), Ref: ref, Type: "image/png", Size: int64(len(b))})
	}
	c.Session, c.Pages = events.SessionInfo{ID: events.SessionID(id)}, []PageMark{}
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Seal(t.Context(), c, key); err != nil {
		t.Fatal(err)
	}
}

// weighed counts what is written and how much of it is alive at the same time.
type weighed struct {
	n    int64
	peak uint64
	next int64
}

// Write implements io.Writer.
func (w *weighed) Write(p []byte) (int, error) {
	w.n += int64(len(p))
	if w.n >= w.next {
		w.next = w.n + 4<<20
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		w.peak = max(w.peak, m.HeapAlloc)
	}
	return len(p), nil
}

func TestExportingHoldsOnePartInMemory(t *testing.T) {
	store, err := disk.NewStore(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	vaults, err := archive.NewVaults(store, bytes.Repeat([]byte{5}, archive.KeySize))
	if err != nil {
		t.Fatal(err)
	}
	large(t, store, vaults, "small", 4)
	large(t, store, vaults, "large", 32)
	for name, write := range map[string]func(context.Context, io.Writer, *Exported, func(float64)) error{"html": ExportHTML, "wacz": ExportWACZ} {
		weigh := func(id string) *weighed {
			e, err := OpenExport(t.Context(), store, vaults, id)
			if err != nil {
				t.Fatal(err)
			}
			w := &weighed{}
			told := 0.0
			err = write(t.Context(), w, e, func(share float64) {
				if share < told || share > 1 {
					t.Errorf("%s: progress goes from %v to %v", name, told, share)
				}
				told = share
			})
			if err != nil || told != 1 {
				t.Fatalf("%s: %v, told %v", name, err, told)
			}
			return w
		}
		small, big := weigh("small"), weigh("large")
		t.Logf("%s: %d MB with %.1f MB alive, %d MB with %.1f MB", name, small.n>>20, float64(small.peak)/(1<<20), big.n>>20, float64(big.peak)/(1<<20))
		if big.n < 5*small.n {
			t.Errorf("%s: the large one has %d bytes, the small one %d", name, big.n, small.n)
		}
		if big.peak > small.peak+4<<20 {
			t.Errorf("%s: %d bytes are alive for %d, %d for %d", name, big.peak, big.n, small.peak, small.n)
		}
	}
}

func TestAPageInAWebArchiveHoldsNoScriptAndWhatWasTyped(t *testing.T) {
	el := func(id events.NodeID, name string, attrs []events.Attr, children ...*events.Node) *events.Node {
		return &events.Node{ID: id, Kind: events.ElementNode, Name: name, Attrs: attrs, Children: children}
	}
	text := func(id events.NodeID, s string) *events.Node {
		return &events.Node{ID: id, Kind: events.TextNode, Text: s}
	}
	attr := func(pairs ...string) (list []events.Attr) {
		for i := 0; i < len(pairs); i += 2 {
			list = append(list, events.Attr{Name: pairs[i], Value: pairs[i+1]})
		}
		return list
	}
	inner := &events.Node{ID: 40, Kind: events.DocumentNode, Text: "about:blank", Base: "about:blank", Children: []*events.Node{el(41, "p", nil, text(42, `in the "frame"`))}}
	frame := el(39, "iframe", attr("srcdoc", "<script>evil()</script>"))
	frame.Frame = inner
	host := el(50, "x-host", nil)
	host.Shadow = &events.Node{ID: 51, Kind: events.ShadowNode, Children: []*events.Node{el(52, "b", nil, text(53, "shadow"))}}
	s := &events.PageState{Title: "T", Width: 9, Height: 9, Document: &events.Node{ID: 1, Kind: events.DocumentNode, Text: "http://site/", Base: "http://site/base/", Children: []*events.Node{
		{ID: 2, Kind: events.DoctypeNode, Name: "html"},
		el(3, "html", nil,
			el(4, "head", nil, el(5, "script", nil, text(6, "evil()")), el(7, "style", nil, text(8, "p{}</style><script>evil()</script>"))),
			el(10, "body", attr("onload", "evil()", "x<y", "1"),
				el(11, "input", attr("value", "before", "name", "n")), el(12, "input", attr("type", "checkbox", "checked", "")),
				el(13, "textarea", nil, text(14, "old")), el(15, "select", nil, el(16, "option", attr("selected", ""), text(17, "a")), el(18, "option", nil, text(19, "b"))),
				el(20, "a", attr("href", "javascript:evil()"), text(21, "<b>&amp;")), el(22, "noscript", nil, text(23, "<script>evil()</script>")),
				el(24, "img onerror=evil()", nil), el(25, "xmp", nil, text(26, "</xmp><script>evil()</script>")), frame, host)),
	}}, Events: []events.PageEvent{
		{Op: events.OpValue, ID: 11, Text: `after "quotes"`}, {Op: events.OpChecked, ID: 12, N: [4]int64{0}},
		{Op: events.OpValue, ID: 13, Text: "new\n</textarea><script>evil()</script>"}, {Op: events.OpSelected, ID: 15, Nums: []uint64{1}},
	}}
	got := markupOf(s)
	want := `<!DOCTYPE html><html><head><base href="http://site/base/"><style>p{}<\/style><script>evil()<\/script></style></head><body>` +
		`<input name="n" value="after &quot;quotes&quot;"><input type="checkbox"><textarea>` + "\nnew\n&lt;/textarea&gt;&lt;script&gt;evil()&lt;/script&gt;</textarea>" +
		`<select><option>a</option><option selected="">b</option></select><a>&lt;b&gt;&amp;amp;</a>` +
		`<iframe srcdoc="<p>in the &quot;frame&quot;</p>"></iframe><x-host><template shadowrootmode="open"><b>shadow</b></template></x-host></body></html>`
	if got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
}

func TestAWebArchiveLeadsToThePagesAsTheyWere(t *testing.T) {
	s := newStage(t)
	id := s.record(t)
	e, err := OpenExport(t.Context(), s.store, s.vaults, string(id))
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := ExportWACZ(t.Context(), &b, e, func(float64) {}); err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(b.Bytes()), int64(b.Len()))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open("pages/pages.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	pages, err := io.ReadAll(f)
	if err != nil || !strings.Contains(string(pages), `"url":"http://site/"`) {
		t.Errorf("pages: %s, %v", pages, err)
	}
}
