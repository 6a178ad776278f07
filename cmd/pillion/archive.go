package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/events/jetstream"
	"github.com/pillion-dev/pillion/events/sqlite"
	"github.com/pillion-dev/pillion/replayui"
)

type archiveCommand struct {
	Check  archiveCheck  `cmd:"" help:"Look for what is missing, damaged or left over, and mend it."`
	Report archiveReport `cmd:"" help:"What the recordings of each organisation take."`
	Delete archiveDelete `cmd:"" help:"Delete a recording for good: its key first, then all that nobody else needs."`
	Hold   archiveHold   `cmd:"" help:"Put a recording under a legal hold, or end that."`
}

// kept is an archive without a gateway around it.
type kept struct {
	store     *opened
	vaults    *archive.Vaults
	captures  *disk.Captures
	catalogue *sqlite.Catalogue
}

func openKept(p *program, f storeFlags, data string) (k *kept, err error) {
	k = &kept{}
	defer func() {
		if err != nil {
			k.close()
		}
	}()
	key, err := os.ReadFile(filepath.Join(data, "archive.key"))
	if err != nil {
		return k, fmt.Errorf("no gateway has run on %s: %w", data, err)
	}
	if k.store, err = f.beside(p.ctx, data, p.logger); err != nil {
		return k, err
	}
	if k.vaults, err = archive.NewVaults(k.store.Store, key); err != nil {
		return k, err
	}
	if k.captures, err = disk.NewCaptures(filepath.Join(data, "captures.db")); err != nil {
		return k, err
	}
	k.catalogue, err = sqlite.Open(filepath.Join(data, "catalogue.db"))
	return k, err
}

func (k *kept) close() {
	if k.captures != nil {
		_ = k.captures.Close() // every write was waited for
	}
	if k.catalogue != nil {
		_ = k.catalogue.Close() // every write was waited for
	}
	if k.store != nil {
		k.store.close()
	}
}

// custodian is one that sweeps nothing by itself.
func (k *kept) custodian(p *program) *replayui.Custodian {
	return replayui.NewCustodian(replayui.CustodianOptions{Catalogue: k.catalogue, Store: k.store.Store, Vaults: k.vaults, Captures: k.captures, Logger: p.logger, Still: true})
}

// listed are the recordings of the catalogue.
func (k *kept) listed(ctx context.Context) (map[string]bool, error) {
	all := map[string]bool{}
	query := events.Query{Limit: 500}
	for {
		found, next, err := k.catalogue.Find(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, info := range found {
			all[info.Recording] = true
		}
		if query.Cursor = next; next == "" {
			return all, nil
		}
	}
}

type archiveCheck struct {
	Data     string        `help:"The gateway's folder." default:"pillion-data" type:"existingdir"`
	Contents bool          `help:"Read every blob and compare its content with its name."`
	Mend     bool          `help:"Repair what can be repaired, and remove what is left over."`
	From     string        `help:"Folder of another copy of the archive, for what is missing or damaged here." type:"existingdir" placeholder:"DIR"`
	Grace    time.Duration `help:"Leave alone what is younger: it may be in use." default:"24h"`
	storeFlags
}

// Run checks an archive. Where a gateway runs on the folder, what it may be
// about to finish is told, and not mended.
func (c *archiveCheck) Run(p *program) error {
	k, err := openKept(p, c.storeFlags, c.Data)
	if err != nil {
		return err
	}
	defer k.close()
	open, err := c.open(p, k.store.own)
	if err != nil {
		return err
	}
	listed, err := k.listed(p.ctx)
	if err != nil {
		return err
	}
	check := archive.Check{
		Store: k.store.Store, Vaults: k.vaults, Captures: k.captures, Listed: listed, Open: open,
		Contents: c.Contents, Mend: c.Mend, Grace: c.Grace, Now: time.Now(), Sealed: c.sealed(p), Alone: k.store.own,
		Enter: func(ctx context.Context, session string) error {
			return replayui.List(ctx, k.catalogue, k.store.Store, k.vaults, session)
		},
	}
	if c.From != "" {
		backup, err := disk.NewStore(c.From)
		if err != nil {
			return err
		}
		check.Backup = backup
	}
	faults, left, mendable := 0, 0, 0
	check.Found = func(f archive.Fault) {
		faults++
		end := ""
		switch {
		case f.Mended:
			end = ": mended"
		case f.Mendable:
			left, mendable = left+1, mendable+1
		default:
			left++
		}
		if f.Detail != "" {
			f.Detail = " (" + f.Detail + ")"
		}
		_, _ = fmt.Fprintf(p.out, "%s %s%s%s\n", f.Kind, f.Name, f.Detail, end)
	}
	if err := check.Run(p.ctx); err != nil {
		return err
	}
	if faults == 0 {
		_, err = fmt.Fprintf(p.out, "The archive of %d recordings is in order.\n", len(listed))
		return err
	}
	_, _ = fmt.Fprintf(p.out, "%d faults, %d of them left", faults, left)
	if mendable > 0 && !c.Mend {
		_, _ = fmt.Fprintf(p.out, "; --mend mends %d", mendable)
	}
	_, _ = fmt.Fprintln(p.out, ".")
	if left > 0 {
		return errQuiet
	}
	return nil
}

// sealed tells which tops are the last ones, as the journal of recordings has it; nil
// where there is none that can be relied on.
func (c *archiveCheck) sealed(p *program) func(session string, top archive.Ref) bool {
	list, err := installed(c.Data)
	var journal *archive.Journal
	if err == nil {
		journal, err = archive.ReadJournal(filepath.Join(c.Data, journalFile), keysOf(list))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil // nothing was sealed yet
	}
	if err != nil {
		_, _ = fmt.Fprintln(p.err, "What is left over in recordings is told, and not removed: the journal of recordings cannot be read:", err)
		return nil
	}
	return func(session string, top archive.Ref) bool {
		last, ok := journal.Last(session)
		return ok && last.Top == top
	}
}

// open tells which sessions are not sealed yet. Only their log knows: where a
// gateway has it, any session may be.
func (c *archiveCheck) open(p *program, own bool) (func(string) bool, error) {
	if !own {
		_, _ = fmt.Fprintln(p.err, "A gateway runs on this folder: recordings that are not in the catalogue are left alone.")
		return func(string) bool { return true }, nil
	}
	server, err := jetstream.Embed(filepath.Join(c.Data, "log"))
	if err != nil {
		return nil, err
	}
	defer server.Close()
	directory, err := jetstream.NewDirectory(p.ctx, server.Conn, 1)
	if err != nil {
		return nil, err
	}
	list, err := directory.List(p.ctx)
	if err != nil {
		return nil, err
	}
	unsealed := map[string]bool{}
	for _, info := range list {
		unsealed[string(info.ID)] = true
	}
	return func(session string) bool { return unsealed[session] }, nil
}

type archiveReport struct {
	Data string `help:"The gateway's folder." default:"pillion-data" type:"existingdir"`
	Org  string `help:"One organisation alone." placeholder:"ORG"`
	storeFlags
}

// Run prints a table.
func (c *archiveReport) Run(p *program) error {
	k, err := openKept(p, c.storeFlags, c.Data)
	if err != nil {
		return err
	}
	defer k.close()
	list, err := replayui.UsageOf(p.ctx, k.catalogue, k.captures, events.OrgID(c.Org))
	if err != nil {
		return err
	}
	w := tabwriter.NewWriter(p.out, 0, 0, 2, ' ', tabwriter.AlignRight)
	_, _ = fmt.Fprintln(w, "organisation\trecordings\theld\thours\tof their own\tassets, each time\tassets, once\ttogether\t")
	for _, u := range list {
		_, _ = fmt.Fprintf(w, "%s\t%d\t%d\t%.1f\t%s\t%s\t%s\t%s\t\n", u.Org, u.Recordings, u.Held, u.Length/3600, mega(u.Own), mega(u.Named), mega(u.Shared), mega(u.Own+u.Shared))
	}
	return w.Flush()
}

// mega writes a number of bytes in MB.
func mega(n int64) string { return fmt.Sprintf("%.2f MB", float64(n)/1e6) }

// oneRecording are the flags of what is done to one recording.
type oneRecording struct {
	Recording string `arg:"" help:"The session's identifier."`
	Data      string `help:"The gateway's folder." default:"pillion-data" type:"existingdir"`
	storeFlags
}

// do has a custodian do something to the recording, and says what came of it.
func (c *oneRecording) do(p *program, act func(*replayui.Custodian, events.SessionID) (said string, err error)) error {
	k, err := openKept(p, c.storeFlags, c.Data)
	if err != nil {
		return err
	}
	defer k.close()
	custodian := k.custodian(p)
	defer custodian.Close()
	said, err := act(custodian, events.SessionID(c.Recording))
	if errors.Is(err, events.ErrNoSession) {
		return fmt.Errorf("no recording %q in %s", c.Recording, c.Data)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(p.out, "Recording %s %s.\n", c.Recording, said)
	return err
}

type archiveDelete struct {
	oneRecording
	Reason string `help:"Why: it stays in the list of deletions." required:""`
}

// Run deletes a recording.
func (c *archiveDelete) Run(p *program) error {
	return c.do(p, func(custodian *replayui.Custodian, id events.SessionID) (string, error) {
		return "is deleted", custodian.Delete(p.ctx, id, "operator", c.Reason)
	})
}

type archiveHold struct {
	oneRecording
	Reason string `help:"Why, for example a case's number."`
	End    bool   `help:"End the hold."`
}

// Run holds a recording, or lets it go.
func (c *archiveHold) Run(p *program) error {
	hold := &events.Hold{By: "operator", Reason: c.Reason, Since: time.Now().UTC()}
	said := "is under a legal hold"
	if c.End {
		hold, said = nil, "is no longer under a legal hold"
	}
	return c.do(p, func(custodian *replayui.Custodian, id events.SessionID) (string, error) {
		_, err := custodian.Hold(p.ctx, id, hold)
		return said, err
	})
}
