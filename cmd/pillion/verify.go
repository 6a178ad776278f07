package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
	"github.com/pillion-dev/pillion/replayui"
)

type verifyCommand struct {
	Recording string `arg:"" help:"The session's identifier, or an exported page (FILE.html)."`
	Data      string `help:"The gateway's folder: with an exported page, the key has to be that of this gateway." default:"pillion-data"`
}

// Run checks a recording and says what is wrong with it.
func (c *verifyCommand) Run(p *program) error {
	store, session, err := c.open(p)
	if err != nil {
		return err
	}
	var key ed25519.PublicKey
	seed, err := os.ReadFile(filepath.Join(c.Data, "signing.key"))
	switch {
	case err == nil && len(seed) == ed25519.SeedSize:
		key = ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	case errors.Is(err, fs.ErrNotExist):
		_, _ = fmt.Fprintln(p.err, "The signing key is not here: the signature is checked against the key in the recording.")
	case err != nil:
		return err
	}
	problems, err := archive.Verify(p.ctx, store, session, key)
	if errors.Is(err, archive.ErrAbsent) {
		return fmt.Errorf("no recording %q in %s", c.Recording, c.Data)
	}
	if err != nil {
		return err
	}
	for _, problem := range problems {
		_, _ = fmt.Fprintln(p.out, problem)
	}
	if len(problems) > 0 {
		return errQuiet
	}
	_, err = fmt.Fprintf(p.out, "Recording %s is whole and as it was sealed.\n", c.Recording)
	return err
}

// open returns the store that the recording is in, and its session: the
// gateway's archive, or an exported page.
func (c *verifyCommand) open(p *program) (archive.Store, string, error) {
	f, err := os.Open(c.Recording)
	if err != nil {
		store, err := disk.NewStore(filepath.Join(c.Data, "archive"))
		return store, c.Recording, err
	}
	info, err := f.Stat() // it is open until the program ends, for what reads it
	if err != nil {
		return nil, "", err
	}
	e, err := replayui.OpenExportFile(f, info.Size())
	if err != nil {
		return nil, "", fmt.Errorf("%s: %w", c.Recording, err)
	}
	if !e.Player {
		_, _ = fmt.Fprintln(p.err, "The player in the file is not this program's: do not rely on what the page says of itself.")
	}
	return e, e.Session, nil
}
