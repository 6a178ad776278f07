package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/replayui"
)

// webArchive opens what is to be verified where that is a file of the zip kind; nil
// where it is not.
func (c *verifyCommand) webArchive() *os.File {
	f, err := os.Open(c.Recording)
	if err != nil {
		return nil // a session's identifier
	}
	head := make([]byte, 4)
	if _, err := io.ReadFull(f, head); err == nil && string(head) == "PK\x03\x04" {
		return f
	}
	_ = f.Close() // nothing was written
	return nil
}

// foundInWeb is what is wrong with a web archive, and what of it was checked.
type foundInWeb struct {
	found
	Responses int `json:"responses"` // as they were sealed
	Pages     int `json:"pages"`     // renderings, which nothing attests
}

// verifyWeb checks a WACZ that was exported.
func (c *verifyCommand) verifyWeb(p *program, v archive.Verifying, file *os.File) error {
	info, err := file.Stat()
	if err != nil {
		return err
	}
	a, err := replayui.OpenWebArchive(file, info.Size())
	if err != nil {
		return fmt.Errorf("%s: %w", c.Recording, err)
	}
	if _, listed := v.Journal.Last(a.Session); !listed {
		v.Journal = nil // the file is of another archive, or older than the journal
	}
	f := foundInWeb{found: found{Recording: a.Session}}
	if f.Problems, err = a.Verify(p.ctx, v); err != nil {
		return fmt.Errorf("%s: %w", c.Recording, err)
	}
	f.OK, f.Responses, f.Pages = len(f.Problems) == 0, a.Responses, a.Pages
	if stamp, err := a.Stamp(p.ctx, v.Authorities); err == nil {
		f.Stamp = &stamp
	}
	switch {
	case c.JSON:
		_ = json.NewEncoder(p.out).Encode(f) // to standard output
	case f.OK:
		_, _ = fmt.Fprintf(p.out, "The %d responses in the file are those of recording %s, as it was sealed.\n", f.Responses, f.Recording)
		sayStamp(p, f.Stamp)
		_, _ = fmt.Fprintf(p.out, "The %d pages in it were drawn from the recording: of them the signature says nothing. Check the recording itself, or its export as HTML.\n", f.Pages)
	default:
		sayProblems(p, f.found)
	}
	if !f.OK {
		return errQuiet
	}
	return nil
}
