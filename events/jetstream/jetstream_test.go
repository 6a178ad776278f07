package jetstream

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/events/logtest"
)

func embed(t *testing.T, dir string) *Embedded {
	t.Helper()
	e, err := Embed(dir)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// owned closes the embedded server with the log.
type owned struct {
	*Log
	server *Embedded
}

func (o owned) Close() error {
	err := o.Log.Close()
	o.server.Close()
	return err
}

func TestLog(t *testing.T) {
	dirs := map[string]string{}
	logtest.Log(t, func(t *testing.T) events.Log {
		if dirs[t.Name()] == "" {
			dirs[t.Name()] = t.TempDir()
		}
		e := embed(t, dirs[t.Name()])
		l, err := NewLog(context.Background(), e.Conn, 1)
		if err != nil {
			t.Fatal(err)
		}
		return owned{l, e}
	}, false)
}

func TestDirectory(t *testing.T) {
	e := embed(t, t.TempDir())
	defer e.Close()
	d, err := NewDirectory(t.Context(), e.Conn, 1)
	if err != nil {
		t.Fatal(err)
	}
	logtest.Directory(t, d)
}

func TestForgottenBlocksLeaveTheStream(t *testing.T) {
	e := embed(t, t.TempDir())
	defer e.Close()
	l, err := NewLog(t.Context(), e.Conn, 1)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	done := make(chan error, 1)
	l.Append("a", []events.Record{{Offset: 1}}, func(err error) { done <- err })
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := l.Forget(t.Context(), "a"); err != nil {
		t.Fatal(err)
	}
	info, err := l.shard("a").stream.Info(t.Context())
	if err != nil || info.State.Msgs != 0 {
		t.Errorf("%+v %v", info.State, err)
	}
}

func FuzzDecodeBlock(f *testing.F) {
	p := &part{id: "s"}
	p.add(&events.Record{Offset: 1, Payload: []byte("x")})
	f.Add(appendBlock(nil, []*part{p, {id: "t"}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		parts, err := decodeBlock(b)
		if err != nil {
			if !errors.Is(err, errBlock) {
				t.Error(err)
			}
			return
		}
		pointers := make([]*part, len(parts))
		for i := range parts {
			pointers[i] = &parts[i]
			_ = parts[i].each(func(events.Record) bool { return true })
		}
		again, err := decodeBlock(appendBlock(nil, pointers))
		if err != nil || len(again) != len(parts) {
			t.Errorf("%v", err)
		}
		for i := range again {
			if !bytes.Equal(again[i].records, parts[i].records) {
				t.Error("other records")
			}
		}
	})
}
