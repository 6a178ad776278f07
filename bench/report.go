package main

import (
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// report is what was measured: printed as it comes, and written as Markdown.
type report struct {
	out      io.Writer
	tables   []*table
	verdicts []verdict
	notes    []string
	chapters []chapter
}

// chapter is a part of the report with targets of its own.
type chapter struct {
	title, how string
	verdicts   []verdict
	tables     []*table
}

func (c *chapter) markdown(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n%s\n", c.title, c.how)
	targets(c.verdicts).markdown(b, "###")
	for _, t := range c.tables {
		t.markdown(b, "###")
	}
}

func newReport(out io.Writer) *report { return &report{out: out} }

// note says something that the reader of the figures has to know, once.
func (r *report) note(text string) {
	if slices.Contains(r.notes, text) {
		return
	}
	r.notes = append(r.notes, text)
	r.printf("note: %s\n", text)
}

func (r *report) printf(format string, args ...any) {
	_, _ = fmt.Fprintf(r.out, format, args...) // a terminal
}

// verdict is a figure with what is wanted of it.
type verdict struct {
	figure string
	limit  float64
	least  bool // limit is the least, not the most
	got    float64
}

func (v verdict) met() bool {
	if v.least {
		return v.got >= v.limit
	}
	return v.got <= v.limit
}

func (r *report) atMost(figure string, limit, got float64) {
	r.judge(verdict{figure, limit, false, got})
}

func (r *report) atLeast(figure string, limit, got float64) {
	r.judge(verdict{figure, limit, true, got})
}

// judge leaves out what was not measured.
func (r *report) judge(v verdict) {
	if !math.IsNaN(v.got) {
		r.verdicts = append(r.verdicts, v)
	}
}

func (v verdict) row() []string {
	sign, met := "≤", "met"
	if v.least {
		sign = "≥"
	}
	if !v.met() {
		met = "not met"
	}
	return []string{v.figure, fmt.Sprintf("%s %g", sign, v.limit), figure(v.got), met}
}

// figure has three digits that count.
func figure(f float64) string {
	switch a := math.Abs(f); {
	case a >= 100:
		return fmt.Sprintf("%.0f", f)
	case a >= 10:
		return fmt.Sprintf("%.1f", f)
	case a >= 1:
		return fmt.Sprintf("%.2f", f)
	}
	return fmt.Sprintf("%.3f", f)
}

func targets(list []verdict) *table {
	t := &table{title: "Targets", head: []string{"figure", "target", "measured", ""}}
	for _, v := range list {
		t.row(v.row()...)
	}
	return t
}

func (r *report) printVerdicts() {
	if len(r.verdicts) > 0 {
		t := targets(r.verdicts)
		t.rep = r
		t.print()
	}
}

// table is one comparison.
type table struct {
	rep        *report
	title, how string
	head       []string
	rows       [][]string
}

func (r *report) table(title, how string, head ...string) *table {
	t := &table{rep: r, title: title, how: how, head: head}
	r.tables = append(r.tables, t)
	return t
}

func (t *table) row(cells ...string) { t.rows = append(t.rows, cells) }

// print lays the table out for a terminal.
func (t *table) print() {
	t.rep.printf("\n%s\n", t.title)
	if t.how != "" {
		t.rep.printf("%s\n", t.how)
	}
	widths := make([]int, len(t.head))
	lines := append([][]string{t.head}, t.rows...)
	for _, line := range lines {
		for i, c := range line {
			widths[i] = max(widths[i], utf8.RuneCountInString(c))
		}
	}
	for _, line := range lines {
		text := ""
		for i, c := range line {
			space := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(c))
			if i == 0 {
				text += "  " + c + space
			} else {
				text += "  " + space + c
			}
		}
		t.rep.printf("%s\n", strings.TrimRight(text, " "))
	}
}

func (t *table) markdown(b *strings.Builder, heading string) {
	fmt.Fprintf(b, "\n%s %s\n\n", heading, t.title)
	if t.how != "" {
		fmt.Fprintf(b, "%s\n\n", t.how)
	}
	fmt.Fprintf(b, "| %s |\n|%s\n", strings.Join(t.head, " | "), strings.Repeat("---|", len(t.head)))
	for _, row := range t.rows {
		fmt.Fprintf(b, "| %s |\n", strings.Join(row, " | "))
	}
}

// write puts the report into a file.
func (r *report) write(name string) error {
	b := &strings.Builder{}
	b.WriteString("# Benchmarks\n\nWritten by `make bench`; do not edit. All figures are of one run on one machine, contenders in turn: compare them with each other, not with those of another run.\n\n")
	for _, line := range provenance() {
		fmt.Fprintf(b, "- %s\n", line)
	}
	b.WriteString(howMeasured)
	if len(r.notes) > 0 {
		b.WriteString("\nNotes of this run:\n\n")
		for _, n := range r.notes {
			fmt.Fprintf(b, "- %s\n", n)
		}
	}
	targets(r.verdicts).markdown(b, "##")
	for _, t := range r.tables {
		t.markdown(b, "##")
	}
	for _, c := range r.chapters {
		c.markdown(b)
	}
	if err := os.WriteFile(name, []byte(b.String()), 0o644); err != nil { //nolint:gosec // everybody may read it
		return fmt.Errorf("report: %w", err)
	}
	r.printf("\nwritten: %s\n", name)
	return nil
}

// pair is ours against another's, by time per operation.
type pair struct {
	what, against string
	ours, theirs  testing.BenchmarkResult
}

func pairHead() []string { return []string{"ours", "per op", "against", "per op", "ratio"} }

func (t *table) pair(p pair) {
	t.row(p.what, perOp(p.ours), p.against, perOp(p.theirs), ratioText(float64(p.ours.NsPerOp())/float64(max(1, p.theirs.NsPerOp()))))
}

func perOp(r testing.BenchmarkResult) string {
	return time.Duration(r.NsPerOp()).Round(10 * time.Nanosecond).String()
}

// median of figures; NaN where there are none.
func median(all []float64) float64 {
	if len(all) == 0 {
		return math.NaN()
	}
	all = slices.Sorted(slices.Values(all))
	return (all[(len(all)-1)/2] + all[len(all)/2]) / 2
}

func ratioText(f float64) string {
	if math.IsNaN(f) {
		return "–"
	}
	return fmt.Sprintf("%.2f", f)
}

// spread is the median of sorted ratios with the lowest and the highest.
func spread(sorted []float64) string {
	if len(sorted) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f (%.2f–%.2f)", median(sorted), sorted[0], sorted[len(sorted)-1])
}
