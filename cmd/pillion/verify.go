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
)

type verifyCommand struct {
	Recording string `arg:"" help:"The session's identifier."`
	Data      string `help:"The gateway's folder." default:"pillion-data" type:"existingdir"`
}

// Run checks a recording and says what is wrong with it.
func (c *verifyCommand) Run(p *program) error {
	store, err := disk.NewStore(filepath.Join(c.Data, "archive"))
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
	problems, err := archive.Verify(p.ctx, store, c.Recording, key)
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
