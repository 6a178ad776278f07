// Package logtest is the conformance suite of the log and directory backends.
package logtest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/pillion-dev/pillion/events"
)

// Log runs the suite of events.Log. open opens the backend's log; opened again
// after Close it has to hold the same, unless volatile.
func Log(t *testing.T, open func(*testing.T) events.Log, volatile bool) {
	t.Run("records come back in order", func(t *testing.T) { inOrder(t, open(t)) })
	t.Run("a gap is refused", func(t *testing.T) { gap(t, open(t)) })
	t.Run("many sessions at once", func(t *testing.T) { many(t, open(t)) })
	t.Run("a large record", func(t *testing.T) { large(t, open(t)) })
	t.Run("forgotten sessions", func(t *testing.T) { forget(t, open(t)) })
	if !volatile {
		t.Run("opened again", func(t *testing.T) { again(t, open) })
	}
}

func newID(t *testing.T) events.SessionID {
	t.Helper()
	id, err := uuid.NewV7()
	if err != nil {
		t.Fatal(err)
	}
	return events.SessionID(id.String())
}

func record(o events.Offset, payload string) events.Record {
	return events.Record{
		Offset: o, Time: time.UnixMicro(1_700_000_000_000_000 + int64(o)).UTC(), From: 1, Page: 2,
		Seq: uint64(o) * 2, Kind: events.KindPageEvents, Payload: []byte(payload),
	}
}

// appendAll appends and waits for durability.
func appendAll(l events.Log, id events.SessionID, records ...events.Record) error {
	done := make(chan error, 1)
	l.Append(id, records, func(err error) { done <- err })
	return <-done
}

func read(t *testing.T, l events.Log, id events.SessionID, after events.Offset) []events.Record {
	t.Helper()
	var got []events.Record
	for r, err := range l.Read(t.Context(), id, after) {
		if err != nil {
			t.Fatal(err)
		}
		r.Payload = bytes.Clone(r.Payload)
		got = append(got, r)
	}
	return got
}

func same(a, b events.Record) bool {
	return bytes.Equal(events.AppendRecord(nil, &a), events.AppendRecord(nil, &b))
}

func inOrder(t *testing.T, l events.Log) {
	defer closeLog(t, l)
	id := newID(t)
	for i := events.Offset(1); i < 100; i += 2 {
		if err := appendAll(l, id, record(i, fmt.Sprint("p", i)), record(i+1, "")); err != nil {
			t.Fatal(err)
		}
	}
	got := read(t, l, id, 0)
	if len(got) != 100 {
		t.Fatalf("%d records", len(got))
	}
	if want := record(7, "p7"); !same(got[6], want) {
		t.Errorf("%+v, want %+v", got[6], want)
	}
	if got := read(t, l, id, 97); len(got) != 3 || got[0].Offset != 98 {
		t.Errorf("after 97: %v", got)
	}
	if got := read(t, l, newID(t), 0); len(got) != 0 {
		t.Errorf("unknown session: %v", got)
	}
}

func gap(t *testing.T, l events.Log) {
	defer closeLog(t, l)
	id := newID(t)
	if err := appendAll(l, id, record(1, "a")); err != nil {
		t.Fatal(err)
	}
	if err := appendAll(l, id, record(3, "c")); !errors.Is(err, events.ErrLogGap) {
		t.Errorf("got %v", err)
	}
	if err := appendAll(l, id, record(2, "b")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, l, id, 0); len(got) != 2 {
		t.Errorf("%v", got)
	}
}

func many(t *testing.T, l events.Log) {
	defer closeLog(t, l)
	const sessions, records = 20, 50
	ids := make([]events.SessionID, sessions)
	var wait sync.WaitGroup
	for i := range ids {
		ids[i] = newID(t)
		wait.Add(records)
		go func() {
			for o := events.Offset(1); o <= records; o++ {
				l.Append(ids[i], []events.Record{record(o, "x")}, func(err error) {
					if err != nil {
						t.Error(err)
					}
					wait.Done()
				})
			}
		}()
	}
	wait.Wait()
	for _, id := range ids {
		if got := read(t, l, id, 0); len(got) != records {
			t.Errorf("%d records", len(got))
		}
	}
}

func large(t *testing.T, l events.Log) {
	defer closeLog(t, l)
	id := newID(t)
	want := record(1, string(bytes.Repeat([]byte("0123456789abcdef"), events.MaxStateFrame/16)))
	if err := appendAll(l, id, want); err != nil {
		t.Fatal(err)
	}
	if got := read(t, l, id, 0); len(got) != 1 || !same(got[0], want) {
		t.Error("the record did not come back")
	}
}

func forget(t *testing.T, l events.Log) {
	defer closeLog(t, l)
	a, b := newID(t), newID(t)
	for _, id := range []events.SessionID{a, b, a} {
		o := events.Offset(len(read(t, l, id, 0)) + 1)
		if err := appendAll(l, id, record(o, "x")); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Forget(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if got := read(t, l, b, 0); len(got) != 1 {
		t.Errorf("the other session: %v", got)
	}
	if err := l.Forget(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	if got := read(t, l, a, 0); len(got) != 0 {
		t.Errorf("after all were forgotten: %v", got)
	}
}

func again(t *testing.T, open func(*testing.T) events.Log) {
	l := open(t)
	id := newID(t)
	if err := appendAll(l, id, record(1, "a"), record(2, "b")); err != nil {
		t.Fatal(err)
	}
	closeLog(t, l)
	l = open(t)
	defer closeLog(t, l)
	if got := read(t, l, id, 0); len(got) != 2 {
		t.Fatalf("%v", got)
	}
	if err := appendAll(l, id, record(3, "c")); err != nil {
		t.Fatal(err)
	}
	if got := read(t, l, id, 1); len(got) != 2 || got[1].Offset != 3 {
		t.Errorf("%v", got)
	}
}

func closeLog(t *testing.T, l events.Log) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Error(err)
	}
}

// Directory runs the suite of events.Directory.
func Directory(t *testing.T, d events.Directory) {
	ctx := context.Background()
	id := newID(t)
	if _, err := d.Get(ctx, id); !errors.Is(err, events.ErrNoSession) {
		t.Errorf("unknown: %v", err)
	}
	info := events.SessionInfo{ID: id, Org: "o", State: events.StateWaiting, URL: "http://x/", Started: time.Unix(1, 0).UTC(), Agents: []string{"Ann"}}
	for _, state := range []events.SessionState{events.StateWaiting, events.StateLive} {
		info.State = state
		if err := d.Put(ctx, info); err != nil {
			t.Fatal(err)
		}
	}
	got, err := d.Get(ctx, id)
	if err != nil || got.State != events.StateLive || len(got.Agents) != 1 || !got.Started.Equal(info.Started) {
		t.Errorf("%+v %v", got, err)
	}
	list, err := d.List(ctx)
	if err != nil || len(list) != 1 {
		t.Errorf("%v %v", list, err)
	}
	for range 2 {
		if err := d.Delete(ctx, id); err != nil {
			t.Error(err)
		}
	}
	if list, err = d.List(ctx); err != nil || len(list) != 0 {
		t.Errorf("%v %v", list, err)
	}
}
