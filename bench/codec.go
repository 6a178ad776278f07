package main

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"

	"github.com/pillion-dev/pillion/events"
)

// measureCodec compares the page format with JSON of the same tree.
func measureCodec(_ context.Context, _ settings, rep *report) error {
	state := &events.PageState{Title: "Rates", Width: 1280, Height: 720, Document: tree(20_000)}
	binary := state.Append(nil)
	text, err := json.Marshal(state)
	if err != nil {
		return err
	}
	t := rep.table("Page format", fmt.Sprintf("A page state of 20,000 nodes: %d bytes, %.2f times its JSON (%d).",
		len(binary), float64(len(binary))/float64(len(text)), len(text)), pairHead()...)
	t.pair(pair{"decode a page state", "encoding/json (peer)", decodeBinary(binary), decodeJSON(text)})
	t.pair(pair{"encode a page state", "encoding/json (peer)", encodeBinary(state, len(binary)), encodeJSON(state)})
	t.print()
	return nil
}

func decodeBinary(binary []byte) testing.BenchmarkResult {
	return testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, err := events.DecodeState(binary); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func decodeJSON(text []byte) testing.BenchmarkResult {
	return testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			var s events.PageState
			if err := json.Unmarshal(text, &s); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func encodeBinary(state *events.PageState, size int) testing.BenchmarkResult {
	return testing.Benchmark(func(b *testing.B) {
		buf := make([]byte, 0, size)
		for b.Loop() {
			buf = state.Append(buf[:0])
		}
	})
}

func encodeJSON(state *events.PageState) testing.BenchmarkResult {
	return testing.Benchmark(func(b *testing.B) {
		for b.Loop() {
			if _, err := json.Marshal(state); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// tree is a table of three cells a row.
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
