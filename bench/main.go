// Command bench compares what is ours with its floor and its peers, in one run
// on one machine, and prints ratios: only those mean anything on a shared one.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/events/jetstream"
	"github.com/pillion-dev/pillion/proxy"
	"github.com/pillion-dev/pillion/rewrite"
)

// row is one measurement: ours against another's, by time per operation.
type row struct {
	what, against string
	ours, theirs  testing.BenchmarkResult
}

func (r row) print(w io.Writer) {
	ratio := float64(r.ours.NsPerOp()) / float64(max(1, r.theirs.NsPerOp()))
	_, _ = fmt.Fprintf(w, "%-34s %10s   %-30s %10s   × %.2f\n", r.what, perOp(r.ours), r.against, perOp(r.theirs), ratio) // a terminal
}

func perOp(r testing.BenchmarkResult) string {
	return time.Duration(r.NsPerOp()).Round(10 * time.Nanosecond).String()
}

func main() {
	page := samplePage(1 << 20)
	fmt.Println("ours                                  per op   against                            per op   ratio (below 1: ours is faster)")
	for _, measure := range []func([]byte) []row{injection, proxies, codec, durability} {
		for _, r := range measure(page) {
			r.print(os.Stdout)
		}
	}
}

func samplePage(size int) []byte {
	var b bytes.Buffer
	b.WriteString("<!DOCTYPE html><html><head><meta charset=utf-8><title>Rates</title></head><body><table>")
	for i := 0; b.Len() < size; i++ {
		_, _ = fmt.Fprintf(&b, "<tr class=\"row\"><td>%d</td><td><a href=\"/plan?id=%d\">Plan</a></td></tr>\n", i, i) // a Buffer never fails
	}
	b.WriteString("</table></body></html>")
	return b.Bytes()
}

// must ends the program where a benchmark cannot be set up.
func must[T any](v T, err error) T {
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
	return v
}

func injection(page []byte) []row {
	tag := rewrite.ScriptTag("/.pillion/capture.js", "")
	ours := testing.Benchmark(func(b *testing.B) {
		b.SetBytes(int64(len(page)))
		for b.Loop() {
			in := rewrite.Inject(io.Discard, rewrite.Options{Tag: tag})
			_, _ = io.CopyBuffer(struct{ io.Writer }{in}, bytes.NewReader(page), make([]byte, 32<<10)) // io.Discard never fails
			_ = in.Close()
		}
	})
	floor := testing.Benchmark(func(b *testing.B) {
		b.SetBytes(int64(len(page)))
		out := make([]byte, 0, len(page))
		for b.Loop() {
			out = append(out[:0], page...)
		}
	})
	return []row{{"tag into a page of 1 MB", "memory copy (floor)", ours, floor}}
}

func proxies(page []byte) []row {
	body := page[:64<<10]
	site := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/html")
		if strings.HasSuffix(r.URL.Path, ".css") {
			w.Header().Set("Content-Type", "text/css")
		}
		_, _ = w.Write(body) // a benchmark's client
	}))
	defer site.Close()
	upstream := must(url.Parse(site.URL))
	peer := httptest.NewServer(&httputil.ReverseProxy{Rewrite: func(p *httputil.ProxyRequest) { p.SetURL(upstream) }, Transport: &http.Transport{MaxIdleConnsPerHost: 512}})
	defer peer.Close()
	gateway := httptest.NewServer(must(proxy.New(proxy.Options{Upstream: upstream, Script: "/.pillion/capture.js"})))
	defer gateway.Close()
	fetch := func(base, path string) testing.BenchmarkResult {
		client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 512}}
		return testing.Benchmark(func(b *testing.B) {
			for b.Loop() {
				req := must(http.NewRequestWithContext(context.Background(), http.MethodGet, base+path, nil))
				req.Header.Set("Sec-Fetch-Dest", "document")
				resp := must(client.Do(req)) //nolint:bodyclose // closed below
				_ = must(io.Copy(io.Discard, resp.Body))
				_ = resp.Body.Close()
			}
		})
	}
	var rows []row
	for _, path := range []string{"/page", "/style.css"} {
		ours := fetch(gateway.URL, path)
		rows = append(rows, row{"through the gateway " + path, "httputil.ReverseProxy (peer)", ours, fetch(peer.URL, path)},
			row{"", "the site itself (floor)", ours, fetch(site.URL, path)})
	}
	return rows
}

// codec compares the page format with JSON of the same tree.
func codec([]byte) []row {
	state := &events.PageState{Title: "Rates", Width: 1280, Height: 720, Document: tree(20_000)}
	binary := state.Append(nil)
	text := must(json.Marshal(state))
	fmt.Printf("  (a page state of 20,000 nodes: %d bytes; as JSON %d, × %.2f)\n", len(binary), len(text), float64(len(binary))/float64(len(text)))
	decode := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			must(events.DecodeState(binary))
		}
	})
	decodeJSON := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			var s events.PageState
			must(0, json.Unmarshal(text, &s))
		}
	})
	encode := testing.Benchmark(func(b *testing.B) {
		buf := make([]byte, 0, len(binary))
		for b.Loop() {
			buf = state.Append(buf[:0])
		}
	})
	encodeJSON := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			must(json.Marshal(state))
		}
	})
	return []row{{"decode a page state", "encoding/json (peer)", decode, decodeJSON}, {"encode a page state", "encoding/json (peer)", encode, encodeJSON}}
}

func tree(nodes int) *events.Node {
	id := events.NodeID(0)
	next := func() events.NodeID { id++; return id }
	doc := &events.Node{ID: next(), Kind: events.DocumentNode, Text: "http://site/", Base: "http://site/"}
	table := &events.Node{ID: next(), Kind: events.ElementNode, Name: "table"}
	doc.Children = []*events.Node{table}
	for int(id) < nodes {
		tr := &events.Node{ID: next(), Kind: events.ElementNode, Name: "tr", Attrs: []events.Attr{{Name: "class", Value: "row"}}}
		for range 3 {
			td := &events.Node{ID: next(), Kind: events.ElementNode, Name: "td"}
			td.Children = []*events.Node{{ID: next(), Kind: events.TextNode, Text: fmt.Sprint("cell ", id)}}
			tr.Children = append(tr.Children, td)
		}
		table.Children = append(table.Children, tr)
	}
	return doc
}

// durability compares a hundred records made durable with a hundred synced writes.
func durability([]byte) []row {
	const records = 100
	dir := must(os.MkdirTemp("", "pillion-bench-"))
	defer func() { _ = os.RemoveAll(dir) }()
	payload := make([]byte, 400)
	_, _ = rand.Read(payload) // never fails (crypto/rand)
	server := must(jetstream.Embed(dir + "/log"))
	defer server.Close()
	log := must(jetstream.NewLog(context.Background(), server.Conn, 1))
	defer log.Close()
	offset := events.Offset(0)
	ours := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			done := make(chan error, records)
			for range records {
				offset++
				log.Append("bench", []events.Record{{Offset: offset, Time: time.Now(), Kind: events.KindPageEvents, Payload: payload}}, func(err error) { done <- err })
			}
			for range records {
				must(0, <-done)
			}
		}
	})
	file := must(os.Create(dir + "/floor"))
	defer file.Close()
	synced := testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			for range records {
				must(file.Write(payload))
				must(0, file.Sync())
			}
		}
	})
	return []row{{"100 records acknowledged durable", "100 writes, each synced (peer)", ours, synced}}
}
