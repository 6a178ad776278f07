package main

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/replayui"
)

type verifyCommand struct {
	Recording string `arg:"" help:"The session's identifier, or an exported page (FILE.html)."`
	Data      string `help:"The gateway's folder: with an exported page, the key has to be that of this gateway." default:"pillion-data"`
	storeFlags
}

// Run checks a recording and says what is wrong with it.
func (c *verifyCommand) Run(p *program) error {
	store, session, closing, err := c.open(p)
	if err != nil {
		return err
	}
	defer closing()
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

// open returns the store that the recording is in, its session, and what ends
// the use of it: the gateway's archive, or an exported page.
func (c *verifyCommand) open(p *program) (store archive.Store, session string, closing func(), err error) {
	f, err := os.Open(c.Recording)
	if err != nil {
		kept, err := c.beside(p.ctx, c.Data, p.logger)
		if err != nil {
			return nil, "", nil, err
		}
		return kept.Store, c.Recording, kept.close, nil
	}
	closing = func() { _ = f.Close() } // nothing was written
	e, err := openExported(f)
	if err != nil {
		closing()
		return nil, "", nil, fmt.Errorf("%s: %w", c.Recording, err)
	}
	if !e.Player {
		_, _ = fmt.Fprintln(p.err, "The player in the file is not this program's: do not rely on what the page says of itself.")
	}
	return e, e.Session, closing, nil
}

func openExported(f *os.File) (*replayui.ExportFile, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return replayui.OpenExportFile(f, info.Size())
}
