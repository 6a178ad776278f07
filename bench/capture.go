package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// measureCapture has the browser's part measured, by replayui/web/bench, and
// takes its figures over as a chapter of the report.
func measureCapture(ctx context.Context, set settings, rep *report) error {
	dir, err := os.MkdirTemp("", "pillion-bench-")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "capture.json")
	args := []string{"bench/run.mjs", "--json=" + file}
	if set.quick {
		args = append(args, "--quick")
	}
	cmd := exec.CommandContext(ctx, "node", args...) //nolint:gosec // arguments of our own
	cmd.Dir = filepath.Join("replayui", "web")
	cmd.Stdout, cmd.Stderr = rep.out, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("node %s: %w", strings.Join(args, " "), err)
	}
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	c, err := readChapter(f)
	if err != nil {
		return fmt.Errorf("%s: %w", file, err)
	}
	rep.chapters = append(rep.chapters, c)
	return nil
}

// readChapter reads what bench/run.mjs wrote.
func readChapter(r io.Reader) (chapter, error) {
	var in struct {
		How      string
		Versions []string
		Tables   []struct {
			Title, How string
			Head       []string
			Rows       [][]string
		}
		Verdicts []struct {
			Figure string
			Limit  float64
			Least  bool
			Got    *float64 // null: it never came
		}
	}
	if err := json.NewDecoder(r).Decode(&in); err != nil {
		return chapter{}, err
	}
	c := chapter{title: "Capture and mirror", how: in.How + "\n\nWith: " + strings.Join(in.Versions, ", ") + "."}
	for _, v := range in.Verdicts {
		got := math.Inf(1)
		if v.Got != nil {
			got = *v.Got
		}
		c.verdicts = append(c.verdicts, verdict{v.Figure, v.Limit, v.Least, got})
	}
	for _, t := range in.Tables {
		c.tables = append(c.tables, &table{title: t.Title, how: t.How, head: t.Head, rows: t.Rows})
	}
	return c, nil
}
