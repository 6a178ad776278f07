package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"syscall"
	"time"

	"golang.org/x/net/html"

	"github.com/pillion-dev/pillion/rewrite"
)

const (
	rewriterPage = 400 << 10 // bytes
	rewriterPart = 32 << 10  // bytes that a connection hands over at once
)

// rewriteOnce takes one page through a document, which is used again for the
// next one as in the gateway.
func rewriteOnce(d *rewrite.Document, o rewrite.DocumentOptions, page []byte) error {
	d.Reset(io.Discard, o)
	for at := 0; at < len(page); at += rewriterPart {
		if _, err := d.Write(page[at:min(len(page), at+rewriterPart)]); err != nil {
			return err
		}
	}
	return d.Close()
}

// tokenizeOnce reads one page with the peer.
func tokenizeOnce(page []byte) {
	z := html.NewTokenizer(bytes.NewReader(page))
	for z.Next() != html.ErrorToken {
		_, _ = io.Discard.Write(z.Raw()) // never fails
	}
}

// legacyMapper leads the site's own origin to the gateway's.
func legacyMapper() (rewrite.Mapper, error) {
	const own = "http://gw.example.com"
	origins, err := rewrite.NewOrigins(rewrite.OriginsOptions{Own: own, Site: "http://10.0.0.7:8080",
		Hosts: []rewrite.OriginPair{{From: legacyOrigin, To: own}}})
	if err != nil {
		return nil, err
	}
	return origins.At(own + "/page"), nil
}

// measureRewriter compares the rewriter alone with x/net's tokenizer, its peer,
// and with a copy of the page, the floor.
func measureRewriter(ctx context.Context, set settings, rep *report) error {
	page := samplePage(rewriterPage)
	mapper, err := legacyMapper()
	if err != nil {
		return err
	}
	o := rewrite.DocumentOptions{Tag: tag, Map: mapper}
	d := rewrite.NewDocument(io.Discard, o)
	out := make([]byte, 0, len(page))
	const ours, peer = "ours, tag and URLs", "x/net Tokenizer.Raw (peer)"
	works := []work{
		{name: ours, once: func() error { return rewriteOnce(d, o, page) }},
		{name: peer, once: func() error { tokenizeOnce(page); return nil }},
		{name: "memory copy (floor)", once: func() error { out = append(out[:0], page...); return nil }},
	}
	t := rep.table("Rewriter alone", fmt.Sprintf("A legacy page of 400 KB, in parts of 32 KB; the tokenizer is asked for Raw alone. "+
		"MB a second of CPU time, collecting garbage included, in %d rounds.", set.rounds),
		"", "MB/s", "× the peer (lowest–highest)", "allocations a page")
	if err := takeTurns(ctx, set, works); err != nil {
		return err
	}
	for _, w := range works {
		t.row(w.name, fmt.Sprintf("%.0f", median(w.speeds(len(page)))), spread(w.over(works[1])), fmt.Sprintf("%.0f", w.allocations))
	}
	t.print()
	rep.atLeast("rewriter alone: speed against x/net Tokenizer.Raw", 6, median(works[0].over(works[1])))
	rep.atMost("rewriter alone: allocations a page", 5, works[0].allocations)
	return nil
}

// work is what is done over and over in this process, in turn with others.
type work struct {
	name        string
	once        func() error
	cpu         []time.Duration // for each, by round
	allocations float64         // for each, in the last round
}

func (w work) speeds(bytes int) (all []float64) {
	for _, c := range w.cpu {
		all = append(all, float64(bytes)/1e6/c.Seconds())
	}
	return all
}

// over is how many times another's speed it has, by round, sorted.
func (w work) over(other work) (all []float64) {
	for i := range min(len(w.cpu), len(other.cpu)) {
		all = append(all, float64(other.cpu[i])/float64(w.cpu[i]))
	}
	slices.Sort(all)
	return all
}

// takeTurns measures in rounds: what disturbs the machine for a while disturbs all.
func takeTurns(ctx context.Context, set settings, works []work) error {
	for range set.rounds {
		for i := range works {
			if err := ctx.Err(); err != nil {
				return err
			}
			if err := works[i].turn(set.window); err != nil {
				return fmt.Errorf("%s: %w", works[i].name, err)
			}
		}
	}
	return nil
}

func (w *work) turn(window time.Duration) error {
	runtime.GC()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	start, spent, n := time.Now(), ownCPU(), 0
	for n == 0 || time.Since(start) < window {
		if err := w.once(); err != nil {
			return err
		}
		n++
	}
	spent = ownCPU() - spent
	runtime.ReadMemStats(&after)
	w.cpu = append(w.cpu, max(spent/time.Duration(n), 1))
	w.allocations = float64(after.Mallocs-before.Mallocs) / float64(n)
	return nil
}

// ownCPU is the time that this process has spent on processors, with its
// collector's: the clock goes on while others have them.
func ownCPU() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err) // it cannot fail for the process itself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
