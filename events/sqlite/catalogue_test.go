package sqlite

import (
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/events"
)

func TestCatalogue(t *testing.T) {
	c, err := Open(filepath.Join(t.TempDir(), "c.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx := t.Context()
	at := func(i int) time.Time { return time.Unix(1_700_000_000+int64(i), 0).UTC() }
	for i := range 5 {
		info := events.SessionInfo{
			ID: events.SessionID(fmt.Sprint("s", i)), Org: "o", Started: at(i), URL: fmt.Sprintf("http://site/%d", i), User: "u", Agents: []string{"Ann", fmt.Sprint("A", i)},
		}
		for range 2 {
			if err := c.Put(ctx, info, fmt.Sprintf("typed into Größe %d\nchose plan%d", i, i)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, q := range []struct {
		name string
		q    events.Query
		want string
	}{
		{"all", events.Query{Org: "o"}, "s4 s3 s2 s1 s0"},
		{"another organisation", events.Query{Org: "p"}, ""},
		{"time", events.Query{From: at(1), To: at(3)}, "s2 s1"},
		{"agent", events.Query{Agent: "A2"}, "s2"},
		{"part of an agent's name", events.Query{Agent: "A"}, ""},
		{"url", events.Query{URL: "/3"}, "s3"},
		{"words", events.Query{Text: "grosse groe plan3"}, ""},
		{"words without accents", events.Query{Text: "große pla"}, "s4 s3 s2 s1 s0"},
		{"word beginnings", events.Query{Text: "typed plan3"}, "s3"},
		{"syntax is text", events.Query{Text: `" OR (`}, ""},
	} {
		found, _, err := c.Find(ctx, q.q)
		if err != nil {
			t.Fatal(q.name, err)
		}
		if got := ids(found); got != q.want {
			t.Errorf("%s: %q, want %q", q.name, got, q.want)
		}
	}
	var all []events.SessionInfo
	for cursor := ""; ; {
		found, next, err := c.Find(ctx, events.Query{Limit: 2, Cursor: cursor})
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
		if cursor = next; cursor == "" {
			break
		}
	}
	if got := ids(all); got != "s4 s3 s2 s1 s0" {
		t.Errorf("by pages: %s", got)
	}
	if info, err := c.Get(ctx, "s1"); err != nil || info.URL != "http://site/1" {
		t.Errorf("%+v %v", info, err)
	}
	if _, err := c.Get(ctx, "none"); !errors.Is(err, events.ErrNoSession) {
		t.Errorf("%v", err)
	}
}

func ids(list []events.SessionInfo) string {
	out := ""
	for i, info := range list {
		if i > 0 {
			out += " "
		}
		out += string(info.ID)
	}
	return out
}

func TestWhatIsDeletedIsNotFoundAndItsDeletionIs(t *testing.T) {
	c, err := Open(filepath.Join(t.TempDir(), "c.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ctx := t.Context()
	started := time.Unix(1_700_000_000, 0).UTC()
	for _, id := range []events.SessionID{"a", "b"} {
		if err := c.Put(ctx, events.SessionInfo{ID: id, Org: "o", Started: started}, "word"); err != nil {
			t.Fatal(err)
		}
	}
	hold := &events.Hold{By: "Adam", Reason: "case 7", Since: started}
	if _, err := c.Update(ctx, "b", func(info *events.SessionInfo) error { info.Hold = hold; return nil }); err != nil {
		t.Fatal(err)
	}
	refused := errors.New("refused")
	if _, err := c.Update(ctx, "b", func(info *events.SessionInfo) error { info.Hold = nil; return refused }); !errors.Is(err, refused) {
		t.Errorf("%v", err)
	}
	if _, err := c.Update(ctx, "none", func(*events.SessionInfo) error { return nil }); !errors.Is(err, events.ErrNoSession) {
		t.Errorf("%v", err)
	}
	for range 2 {
		if err := c.Delete(ctx, events.Deletion{Session: "a", Org: "o", Started: started, By: "Adam", Reason: "asked for", At: started}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Get(ctx, "a"); !errors.Is(err, events.ErrNoSession) {
		t.Errorf("%v", err)
	}
	found, _, err := c.Find(ctx, events.Query{Text: "word"})
	if err != nil || ids(found) != "b" || found[0].Hold == nil || *found[0].Hold != *hold {
		t.Errorf("%+v %v", found, err)
	}
	gone, err := c.Deletions(ctx, "o", 10)
	if err != nil || len(gone) != 1 || gone[0].Session != "a" || gone[0].By != "Adam" || !gone[0].At.Equal(started) {
		t.Errorf("%+v %v", gone, err)
	}
	if other, err := c.Deletions(ctx, "p", 10); err != nil || len(other) != 0 {
		t.Errorf("of another organisation: %+v %v", other, err)
	}
}
