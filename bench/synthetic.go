package main

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/events/sqlite"
	"github.com/pillion-dev/pillion/replayui"
)

// synthetic is a page's life as a recorder told it, at times of its own: a
// session of ten minutes is not worth ten minutes of waiting.
type synthetic struct {
	Repeat  int // how many pages follow each other, all with the same life
	Records []struct {
		T       int64 // ms since the page began
		Kind    events.Kind
		Payload []byte
	}
}

// noDirectory stands for the directory of live sessions, where this one never was.
type noDirectory struct{ events.Directory }

// Delete implements events.Directory.
func (noDirectory) Delete(context.Context, events.SessionID) error { return nil }

// sealSynthetic puts such a session into the data folder of a gateway that has
// run and does not run now, as it would have sealed it, and prints its id.
// Its arguments are the folder and the file with the session.
func sealSynthetic(ctx context.Context, args []string, out io.Writer) error {
	if len(args) != 2 {
		return errors.New("seal: give a gateway's folder and a file")
	}
	text, err := os.ReadFile(args[1])
	if err != nil {
		return err
	}
	var s synthetic
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("%s: %w", args[1], err)
	}
	info, log, err := s.log()
	if err != nil {
		return err
	}
	if err := sealInto(ctx, args[0], info, log); err != nil {
		return fmt.Errorf("seal: %w", err)
	}
	_, err = fmt.Fprintln(out, info.ID)
	return err
}

// log writes the session down.
func (s *synthetic) log() (events.SessionInfo, events.Log, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return events.SessionInfo{}, nil, err
	}
	at := time.Now().UTC().Add(-24 * time.Hour)
	info := events.SessionInfo{ID: events.SessionID(id.String()), Org: "main", State: events.StateEnded, Agents: []string{"Ann"}, URL: "http://127.0.0.1/work", Started: at}
	started, err := json.Marshal(events.Lifecycle{Type: "started", URL: info.URL})
	if err != nil {
		return info, nil, err
	}
	list := []events.Record{{Offset: 1, Time: at, From: 1, Kind: events.KindLifecycle, Payload: started}}
	for page := range max(1, s.Repeat) {
		for i, r := range s.Records {
			list = append(list, events.Record{
				Offset: events.Offset(len(list) + 1), Time: at.Add(time.Duration(r.T) * time.Millisecond), From: 1,
				Page: events.PageID(page + 1), Seq: uint64(i + 1), Kind: r.Kind, Payload: r.Payload,
			})
		}
		at = list[len(list)-1].Time
	}
	info.Ended, info.Last = at, events.Offset(len(list))
	log := events.NewMemLog()
	done := make(chan error, 1)
	log.Append(info.ID, list, func(err error) { done <- err })
	return info, log, <-done
}

func sealInto(ctx context.Context, data string, info events.SessionInfo, log events.Log) error {
	seed, err := os.ReadFile(filepath.Join(data, "signing.key"))
	if err != nil {
		return err
	}
	store, err := disk.NewStore(filepath.Join(data, "archive"))
	if err != nil {
		return err
	}
	captures, err := disk.NewCaptures(filepath.Join(data, "captures.db"))
	if err != nil {
		return err
	}
	defer func() { _ = captures.Close() }()
	master, err := os.ReadFile(filepath.Join(data, "archive.key"))
	if err != nil {
		return err
	}
	vaults, err := archive.NewVaults(store, master)
	if err != nil {
		return err
	}
	catalogue, err := sqlite.Open(filepath.Join(data, "catalogue.db"))
	if err != nil {
		return err
	}
	defer func() { _ = catalogue.Close() }()
	journal, err := archive.OpenJournal(filepath.Join(data, "sealed.log"))
	if err != nil {
		return err
	}
	defer func() { _ = journal.Close() }()
	sealer := replayui.NewSealer(replayui.SealerOptions{
		Log: log, Directory: noDirectory{}, Catalogue: catalogue, Store: store,
		Vaults: vaults, Captures: captures, Key: ed25519.NewKeyFromSeed(seed), Journal: journal, Logger: slog.New(slog.DiscardHandler),
	})
	defer sealer.Close()
	return sealer.Seal(ctx, info)
}
