package main

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/events/sqlite"
)

// quiet is a user's browser that says nothing back.
type quiet struct{}

func (quiet) SendText(any)      {}
func (quiet) SendRecord([]byte) {}
func (quiet) Close(int, string) {}

// openTest opens a gateway on a folder, in front of nothing.
func openTest(t *testing.T, data, retention string) *gateway {
	t.Helper()
	return openWith(t, gatewayFlags{Data: data, Org: "main", Retention: retention})
}

func openWith(t *testing.T, f gatewayFlags) *gateway {
	t.Helper()
	site := siteConfig{Org: "main", Flags: siteFlags{Upstream: []string{"http://127.0.0.1:1"}}}
	g, err := openGateway(t.Context(), f, []siteConfig{site}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// sealedFolder is the folder of a gateway that has sealed a session and does not
// run any more.
func sealedFolder(t *testing.T) (data string, id events.SessionID) {
	t.Helper()
	data = filepath.Join(t.TempDir(), "data")
	return data, sealedBy(t, gatewayFlags{Data: data, Org: "main", Retention: "forever"})
}

// sealedBy runs a gateway until it has sealed a session.
func sealedBy(t *testing.T, f gatewayFlags) events.SessionID {
	t.Helper()
	g := openWith(t, f)
	defer g.close()
	id := g.helped(t, "http://site/")
	sealed(t, f.Data, id)
	return id
}

// helped is a session that an agent saw, on a page with the pictures named, and
// that has ended.
func (g *gateway) helped(t *testing.T, url string, pictures ...string) events.SessionID {
	t.Helper()
	session := g.begun(t, url, pictures...)
	session.End("user")
	return session.Info().ID
}

// begun is such a session that goes on.
func (g *gateway) begun(t *testing.T, url string, pictures ...string) *events.Session {
	t.Helper()
	session, err := g.hub.Start(t.Context(), events.SessionInfo{Org: "main", URL: url})
	if err != nil {
		t.Fatal(err)
	}
	link, err := session.AttachUser(quiet{}, events.FromUser{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	code, _ := session.Code()
	if _, err := g.hub.Redeem(events.Account{Name: "Ann", Org: "main", Role: events.RoleAgent}, string(code)); err != nil {
		t.Fatal(err)
	}
	if err := link.Text([]byte(`{"type":"consent","participant":2,"allow":true}`)); err != nil {
		t.Fatal(err)
	}
	state := &events.PageState{Title: "T", Document: &events.Node{ID: 1, Kind: events.DocumentNode, Text: url, Base: url}}
	for i, picture := range pictures {
		state.Document.Children = append(state.Document.Children, &events.Node{
			ID: events.NodeID(i + 2), Kind: events.ElementNode, Name: "img", Attrs: []events.Attr{{Name: "src", Value: picture}},
		})
	}
	if err := link.Binary(append([]byte{byte(events.KindPageState), 1, 0}, state.Append(nil)...)); err != nil {
		t.Fatal(err)
	}
	return session
}

// sealed waits until a session is in the catalogue.
func sealed(t *testing.T, data string, id events.SessionID) events.SessionInfo {
	t.Helper()
	list := catalogueOf(t, data)
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if info, err := list.Get(t.Context(), id); err == nil {
			return info
		}
		if time.Now().After(deadline) {
			t.Fatal("not sealed")
		}
	}
}

func catalogueOf(t *testing.T, data string) *sqlite.Catalogue {
	t.Helper()
	c, err := sqlite.Open(filepath.Join(data, "catalogue.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// says runs the program and looks for words in what it says.
func says(t *testing.T, status int, words string, args ...string) {
	t.Helper()
	var out bytes.Buffer
	if got := run(t.Context(), args, strings.NewReader(""), &out, &out); got != status || !strings.Contains(out.String(), words) {
		t.Errorf("pillion %s: status %d, want %d with %q:\n%s", strings.Join(args, " "), got, status, words, &out)
	}
}

func TestTheOperatorHoldsReportsAndDeletes(t *testing.T) {
	data, id := sealedFolder(t)
	says(t, 0, "The archive of 1 recordings is in order.", "archive", "check", "--data", data, "--contents", "--grace", "0s")
	says(t, 0, "main", "archive", "report", "--data", data)
	says(t, 0, "is under a legal hold", "archive", "hold", string(id), "--reason", "case 7", "--data", data)
	says(t, 1, "under a legal hold", "archive", "delete", string(id), "--reason", "asked for", "--data", data)
	says(t, 0, "no longer", "archive", "hold", string(id), "--end", "--data", data)
	says(t, 0, "is deleted", "archive", "delete", string(id), "--reason", "asked for", "--data", data)
	says(t, 1, "no recording", "archive", "delete", string(id), "--reason", "asked for", "--data", data)
	says(t, 1, "no recording", "archive", "hold", string(id), "--data", data)
	says(t, 0, "was deleted at", "verify", string(id), "--data", data)
	says(t, 0, "The archive of 0 recordings is in order.", "archive", "check", "--data", data, "--grace", "0s")
	gone, err := catalogueOf(t, data).Deletions(t.Context(), "main", 9)
	if err != nil || len(gone) != 1 || gone[0].By != "operator" || gone[0].Reason != "asked for" {
		t.Errorf("%+v %v", gone, err)
	}
}

func TestTheOperatorChecksAndMends(t *testing.T) {
	data, id := sealedFolder(t)
	store, err := disk.NewStore(filepath.Join(data, "archive"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := archive.BlobsIn(store).Put(t.Context(), []byte("nobody's")); err != nil {
		t.Fatal(err)
	}
	check := []string{"archive", "check", "--data", data, "--grace", "0s"}
	says(t, 1, "orphan blob sha256-", check...)
	says(t, 1, "1 faults, 1 of them left; --mend mends 1", check...)
	says(t, 0, "(8 bytes): mended", append(check, "--mend")...)
	says(t, 0, "in order", check...)
	left := "recordings/" + string(id) + "/index.0123456789abcdef"
	if err := archive.PutBytes(t.Context(), store, left, []byte("of a sealing that was killed")); err != nil {
		t.Fatal(err)
	}
	says(t, 0, "in order", "archive", "check", "--data", data, "--mend") // it is young
	says(t, 1, "left over "+left, check...)
	says(t, 0, "(28 bytes): mended", append(check, "--mend")...)
	says(t, 0, "in order", check...)
	says(t, 0, "1 recordings, 0 of them not as they were sealed", "verify", "--data", data)
	if err := catalogueOf(t, data).Delete(t.Context(), events.Deletion{Session: id, Org: "main", At: time.Now()}); err != nil {
		t.Fatal(err)
	}
	says(t, 1, "unlisted recording "+string(id), check...)
	says(t, 1, "not mended: it was deleted at", append(check, "--mend")...)
	g := openTest(t, data, "forever")
	defer g.close()
	says(t, 0, "A gateway runs on this folder", check...)
}

// A catalogue that was lost is made anew from what the recordings tell of themselves.
func TestTheOperatorGetsALostCatalogueBack(t *testing.T) {
	data, id := sealedFolder(t)
	before := sealed(t, data, id)
	files, err := filepath.Glob(filepath.Join(data, "catalogue.db*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%q %v", files, err)
	}
	for _, file := range files {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	check := []string{"archive", "check", "--data", data, "--grace", "0s"}
	says(t, 1, "--mend mends 1", check...)
	says(t, 0, "unlisted recording "+string(id)+": mended", append(check, "--mend")...)
	says(t, 0, "The archive of 1 recordings is in order.", check...)
	after := sealed(t, data, id)
	if after.State != before.State || after.Org != before.Org || after.Recording != before.Recording || after.Stored != before.Stored || !after.Started.Equal(before.Started) || !after.Ended.Equal(before.Ended) || after.URL != before.URL {
		t.Errorf("%+v, before %+v", after, before)
	}
}

func TestTwoGatewaysDoNotShareAFolder(t *testing.T) {
	data := filepath.Join(t.TempDir(), "data")
	g := openTest(t, data, "forever")
	says(t, 1, "another pillion runs on this folder", "serve", "--upstream", "http://127.0.0.1:1", "--data", data)
	g.close()
	openTest(t, data, "10y").close()
}

func TestALifetimeThatIsNoneIsRefusedAtTheStart(t *testing.T) {
	says(t, 2, "retention \"soon\"", "serve", "--upstream", "http://127.0.0.1:1", "--retention", "soon", "--data", filepath.Join(t.TempDir(), "data"))
}
