package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
)

// sealedData is a gateway's folder with recordings, as a gateway leaves it.
func sealedData(t *testing.T, sessions ...string) string {
	t.Helper()
	data := t.TempDir()
	sealMore(t, data, sessions...)
	return data
}

func sealMore(t *testing.T, data string, sessions ...string) {
	t.Helper()
	_, signing, master, err := keys(data)
	if err != nil {
		t.Fatal(err)
	}
	store, err := disk.NewStore(filepath.Join(data, "archive"))
	if err != nil {
		t.Fatal(err)
	}
	vaults, err := archive.NewVaults(store, master)
	if err != nil {
		t.Fatal(err)
	}
	journal, err := archive.OpenJournal(filepath.Join(data, journalFile))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = journal.Close() }()
	for _, session := range sessions {
		w, err := archive.NewRecordingWriter(t.Context(), store, vaults, session)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Append(t.Context(), 1, time.Unix(1_700_000_000, 0), append(binary.AppendUvarint(nil, 1), session...)); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Seal(t.Context(), archive.Contents{}, signing); err != nil {
			t.Fatal(err)
		}
		rec, err := archive.OpenRecording(t.Context(), store, vaults, session)
		if err != nil {
			t.Fatal(err)
		}
		if err := journal.Enter(session, rec.TopHash(), time.Now(), signing); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRecordingsAreVerifiedOfflineAndWhatIsWrongIsNamed(t *testing.T) {
	data := sealedData(t, "s1", "s2", "s3")
	says(t, 0, "Recording s1 is whole", "verify", "s1", "--data", data)
	says(t, 0, "3 recordings, 0 of them not as they were sealed.", "verify", "--data", data)
	says(t, 1, "no recording", "verify", "s9", "--data", data)
	parts, err := filepath.Glob(filepath.Join(data, "archive", "recordings", "s2", "*-0000.*"))
	if err != nil || len(parts) != 2 {
		t.Fatalf("%q %v", parts, err)
	}
	for _, part := range parts {
		if err := os.WriteFile(part, []byte("noise"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.RemoveAll(filepath.Join(data, "archive", "recordings", "s3")); err != nil {
		t.Fatal(err)
	}
	says(t, 1, "segment-0000: segment-0000 is damaged", "verify", "s2", "--data", data)
	says(t, 1, "events-0000: events-0000 is damaged", "verify", "s2", "--data", data, "--all")
	says(t, 1, "the recording was removed", "verify", "s3", "--data", data)
	says(t, 1, "3 recordings, 2 of them not as they were sealed.", "verify", "--data", data)
	var out, errs bytes.Buffer
	if status := run(t.Context(), []string{"verify", "s2", "--data", data, "--json"}, strings.NewReader(""), &out, &errs); status != 1 {
		t.Errorf("%d %s", status, errs.String())
	}
	var told found
	if err := json.Unmarshal(out.Bytes(), &told); err != nil || told.OK || len(told.Problems) != 1 || told.Problems[0].Object != "segment-0000" {
		t.Errorf("%s: %+v %v", out.String(), told, err)
	}
}

func TestWhatWasSignedBeforeTheKeyWasRotatedStaysValid(t *testing.T) {
	data := sealedData(t, "old")
	before, err := installed(data)
	if err != nil || len(before) != 1 {
		t.Fatalf("%v %v", before, err)
	}
	says(t, 0, "signs with key", "key", "rotate", "--data", data)
	sealMore(t, data, "new")
	says(t, 0, "2 recordings, 0 of them not as they were sealed.", "verify", "--data", data)
	after, err := installed(data)
	if err != nil || len(after) != 2 || !after[0].key.Equal(before[0].key) {
		t.Fatalf("%v %v", after, err)
	}
	says(t, 0, after[1].line(), "key", "list", "--data", data)
	// The old private key is gone.
	seed, err := os.ReadFile(filepath.Join(data, "signing.key"))
	if err != nil || !ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey).Equal(after[1].key) {
		t.Errorf("%v", err)
	}
	// With a list of one's own nothing of the folder's is believed.
	for _, c := range []struct {
		status int
		key    publicKey
		says   string
	}{{0, after[1], "Recording new is whole"}, {1, before[0], "journal"}} {
		file := filepath.Join(t.TempDir(), "keys")
		if err := os.WriteFile(file, []byte("# from the notary\n"+after[0].line()+"\n"+c.key.line()+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		says(t, c.status, c.says, "verify", "new", "--data", data, "--key", file)
	}
}
