package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/replayui"
)

type exportCommand struct {
	Recording string `arg:"" help:"The session's identifier."`
	Output    string `help:"The file to write; - for standard output." short:"o" required:"" placeholder:"FILE"`
	Format    string `help:"html: one page that opens offline, with the player and a check of the signature. wacz: the archived responses, for web archive players." enum:"html,wacz" default:"html"`
	Data      string `help:"The gateway's folder." default:"pillion-data" type:"existingdir"`
	storeFlags
}

// Run writes a recording to one file.
func (c *exportCommand) Run(p *program) (err error) {
	k, err := openKept(p, c.storeFlags, c.Data)
	defer k.close()
	if err != nil {
		return err
	}
	e, err := replayui.OpenExport(p.ctx, k.store.Store, k.vaults, c.Recording)
	if errors.Is(err, archive.ErrAbsent) {
		return fmt.Errorf("no recording %q in %s", c.Recording, c.Data)
	}
	if err != nil {
		return err
	}
	if c.Output == "-" {
		return c.write(p, p.out, e, func(float64) {})
	}
	return intoFile(c.Output, func(f io.Writer) error { return c.write(p, f, e, percent(p.err)) })
}

func (c *exportCommand) write(p *program, w io.Writer, e *replayui.Exported, progress func(float64)) error {
	if c.Format == "wacz" {
		return replayui.ExportWACZ(p.ctx, w, e, progress)
	}
	return replayui.ExportHTML(p.ctx, w, e, progress)
}

// intoFile writes a file beside its place and puts it there when it is whole, so
// that a half one is never taken for a recording.
func intoFile(name string, write func(io.Writer) error) (err error) {
	f, err := os.CreateTemp(filepath.Dir(name), ".pillion-export-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.Remove(f.Name()))
		}
	}()
	if err := errors.Join(write(f), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), name)
}

// percent says how far it is, each time that it is a hundredth further.
func percent(w io.Writer) func(float64) {
	last := -1
	return func(share float64) {
		if now := int(share * 100); now != last {
			last = now
			_, _ = fmt.Fprintf(w, "\r%3d %%", now)
			if now >= 100 {
				_, _ = fmt.Fprintln(w)
			}
		}
	}
}
