package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events/sqlite"
	"github.com/pillion-dev/pillion/replayui"
)

// journalFile is the list of what was sealed, in a gateway's folder.
const journalFile = "sealed.log"

type verifyCommand struct {
	Recording string `arg:"" optional:"" help:"The session's identifier, or an exported file (FILE.html, FILE.wacz); without it, every recording that was ever sealed here."`
	Data      string `help:"The gateway's folder: with an exported file, the key has to be that of this gateway." default:"pillion-data"`
	Key       string `help:"File with the public keys that may have signed, as \"pillion key list\" prints them, in place of the folder's own." type:"existingfile" placeholder:"FILE"`
	All       bool   `help:"Tell all that is wrong, and not only the first thing."`
	JSON      bool   `help:"Tell it in JSON, a line each." name:"json"`
	// The authority's certificates, of the gateway's own flag.
	TimestampCA string `name:"timestamp-ca" env:"PILLION_TIMESTAMP_CA" help:"The certificates that a time-stamping authority's has to lead to, a PEM file." placeholder:"FILE" type:"path"`
	storeFlags
}

// found is what is wrong with a recording.
type found struct {
	Recording string            `json:"recording"`
	OK        bool              `json:"ok"`
	Stamp     *archive.Stamp    `json:"stamp,omitempty"`
	Problems  []archive.Problem `json:"problems,omitempty"`
	Deleted   *time.Time        `json:"deleted,omitempty"`
}

// Run checks recordings and says what is wrong with them.
func (c *verifyCommand) Run(p *program) error {
	v, err := c.verifying(p)
	if err != nil {
		return err
	}
	if f := c.webArchive(); f != nil {
		defer func() { _ = f.Close() }() // nothing was written
		return c.verifyWeb(p, v, f)
	}
	all := []string{c.Recording}
	closing, err := c.open(p, &v, all)
	if err != nil {
		return err
	}
	defer closing()
	if c.Recording == "" {
		if v.Journal == nil {
			return fmt.Errorf("no recording was sealed in %s yet", c.Data)
		}
		all = v.Journal.Sessions()
	}
	wrong := 0
	for _, session := range all {
		f, err := c.look(p, v, session)
		if err != nil {
			return err
		}
		if !f.OK {
			wrong++
		}
		c.say(p, f)
	}
	if c.Recording == "" && !c.JSON {
		_, _ = fmt.Fprintf(p.out, "%d recordings, %d of them not as they were sealed.\n", len(all), wrong)
	}
	if wrong > 0 {
		return errQuiet
	}
	return nil
}

// open opens what is checked, the archive or an exported page, and returns what
// ends its use.
func (c *verifyCommand) open(p *program, v *archive.Verifying, all []string) (closing func(), err error) {
	f, err := os.Open(c.Recording)
	if err != nil {
		return c.archived(p, v) // a session's identifier
	}
	closing = func() { _ = f.Close() } // nothing was written
	if err := c.exported(p, v, all, f); err != nil {
		closing()
		return nil, fmt.Errorf("%s: %w", c.Recording, err)
	}
	return closing, nil
}

// exported checks an exported page in place of a recording in the archive.
func (c *verifyCommand) exported(p *program, v *archive.Verifying, all []string, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	e, err := replayui.OpenExportFile(f, info.Size())
	if err != nil {
		return err
	}
	if !e.Player {
		_, _ = fmt.Fprintln(p.err, "The player in the file is not this program's: do not rely on what the page says of itself.")
	}
	v.Store, v.Bare, all[0] = e, true, e.Session
	if _, listed := v.Journal.Last(e.Session); !listed {
		v.Journal = nil // the file is of another archive, or older than the journal
	}
	return nil
}

// verifying opens what recordings are checked with.
func (c *verifyCommand) verifying(p *program) (v archive.Verifying, err error) {
	v.All = c.All
	if v.Authorities, err = (stampFlags{TimestampCA: c.TimestampCA}).roots(); err != nil {
		return v, err
	}
	if c.Key != "" {
		list, err := publicKeys(c.Key)
		if err != nil {
			return v, err
		}
		v.Keys = keysOf(list)
	} else if list, err := installed(c.Data); err != nil {
		return v, err
	} else {
		v.Keys = keysOf(list)
	}
	if len(v.Keys) == 0 {
		_, _ = fmt.Fprintln(p.err, "No signing key is here: signatures are checked against the keys in the recordings.")
	}
	v.Journal, err = archive.ReadJournal(filepath.Join(c.Data, journalFile), v.Keys)
	if errors.Is(err, fs.ErrNotExist) {
		return v, nil
	}
	if err != nil {
		return v, fmt.Errorf("the journal of recordings: %w", err)
	}
	return v, nil
}

// archived opens the gateway's archive, and its key where that is here.
func (c *verifyCommand) archived(p *program, v *archive.Verifying) (closing func(), err error) {
	kept, err := c.beside(p.ctx, c.Data, p.logger)
	if err != nil {
		return nil, err
	}
	v.Store = kept.Store
	master, err := os.ReadFile(filepath.Join(c.Data, "archive.key"))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		_, _ = fmt.Fprintln(p.err, "The archive's key is not here: objects are checked as they are stored, and not what is in them.")
		return kept.close, nil
	case err == nil:
		v.Vaults, err = archive.NewVaults(kept.Store, master)
	}
	if err != nil {
		kept.close()
		return nil, err
	}
	return kept.close, nil
}

func (c *verifyCommand) look(p *program, v archive.Verifying, session string) (found, error) {
	v.Session = session
	problems, err := archive.Verify(p.ctx, v)
	f := found{Recording: session, OK: err == nil && len(problems) == 0, Problems: problems}
	if stamp, err := archive.ReadStamp(p.ctx, v.Store, session, v.Authorities); err == nil {
		f.Stamp = &stamp
	}
	_, listed := v.Journal.Last(session)
	if err == nil || !errors.Is(err, archive.ErrAbsent) {
		return f, err
	}
	if !listed {
		return f, fmt.Errorf("no recording %q in %s", session, c.Data)
	}
	if f.Deleted, err = c.deleted(p, session); err != nil {
		return f, err
	}
	if f.OK = f.Deleted != nil; !f.OK {
		f.Problems = []archive.Problem{{Object: "top", What: "it is not there: the recording was removed, and nobody deleted it here"}}
	}
	return f, nil
}

// deleted is when a recording was deleted as recordings are.
func (c *verifyCommand) deleted(p *program, session string) (*time.Time, error) {
	name := filepath.Join(c.Data, "catalogue.db")
	if _, err := os.Stat(name); err != nil {
		return nil, nil //nolint:nilnil // without a catalogue nothing is known of deletions
	}
	catalogue, err := sqlite.Open(name)
	if err != nil {
		return nil, err
	}
	defer func() { _ = catalogue.Close() }() // nothing was written
	d, err := catalogue.Deleted(p.ctx, session)
	if err != nil || d == nil {
		return nil, err
	}
	return &d.At, nil
}

func (c *verifyCommand) say(p *program, f found) {
	if c.JSON {
		_ = json.NewEncoder(p.out).Encode(f) // to standard output
		return
	}
	switch {
	case f.Deleted != nil:
		_, _ = fmt.Fprintf(p.out, "Recording %s was deleted at %s.\n", f.Recording, f.Deleted.Format(time.RFC3339))
	case f.OK:
		_, _ = fmt.Fprintf(p.out, "Recording %s is whole and as it was sealed.\n", f.Recording)
		sayStamp(p, f.Stamp)
	default:
		sayProblems(p, f)
	}
}

func sayStamp(p *program, s *archive.Stamp) {
	if s == nil {
		return
	}
	whose := "whose certificate was not checked: give --timestamp-ca"
	if s.Trusted {
		whose = "whose certificate leads to the roots given"
	}
	_, _ = fmt.Fprintf(p.out, "It was there at %s, as %s attests, %s.\n", s.Time.Format(time.RFC3339), s.By, whose)
}

func sayProblems(p *program, f found) {
	for _, problem := range f.Problems {
		_, _ = fmt.Fprintf(p.out, "Recording %s: %s\n", f.Recording, problem)
	}
}
