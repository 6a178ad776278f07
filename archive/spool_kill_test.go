package archive_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/disk"
)

// killedEnv says to a child of the test which folder to work in.
const killedEnv = "PILLION_TEST_SPOOL"

func TestMain(m *testing.M) {
	if dir := os.Getenv(killedEnv); dir != "" {
		spoolUntilKilled(dir)
		return
	}
	os.Exit(m.Run())
}

func openFolders(dir string) (near, far *disk.Store, err error) {
	near, err = disk.NewStore(filepath.Join(dir, "near"))
	if err != nil {
		return nil, nil, err
	}
	far, err = disk.NewStore(filepath.Join(dir, "far"))
	return near, far, err
}

// spoolUntilKilled stores, replaces and deletes, and says of each when it begins
// and when it was done.
func spoolUntilKilled(dir string) {
	near, far, err := openFolders(dir)
	if err != nil {
		panic(err)
	}
	s, err := archive.NewSpool(context.Background(), near, far, quick)
	if err != nil {
		panic(err)
	}
	var out sync.Mutex
	say := func(words ...any) {
		out.Lock()
		defer out.Unlock()
		fmt.Println(words...)
	}
	for g := range 4 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("blobs/%d/%d", g, rand.IntN(5))
				content := fmt.Sprintf("%d-%d-%s", os.Getpid(), i, strings.Repeat("x", rand.IntN(3000)))
				var err error
				if rand.IntN(3) == 0 {
					content = ""
					say("begin", name)
					err = s.Delete(context.Background(), name)
				} else {
					say("begin", name, content)
					err = archive.PutBytes(context.Background(), s, name, []byte(content))
				}
				if err != nil {
					say("failed", name, err)
					continue
				}
				say("done", name, content)
			}
		}()
	}
	select {} // until it is killed
}

// A gateway is killed at any instruction: what it acknowledged is there, near or
// far, for the next one; what was deleted is not.
func TestKilledSpoolsLoseNothing(t *testing.T) {
	dir := t.TempDir()
	sure, maybe := map[string]string{}, map[string]string{} // as acknowledged; as begun and not acknowledged
	rounds, said := 25, 0
	for range rounds {
		cmd := exec.CommandContext(t.Context(), os.Args[0])
		cmd.Env = append(os.Environ(), killedEnv+"="+dir)
		cmd.Stderr = os.Stderr
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		kill := time.AfterFunc(time.Duration(20+rand.IntN(300))*time.Millisecond, func() { _ = cmd.Process.Kill() }) // it may have ended
		lines := bufio.NewScanner(out)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			words := strings.SplitN(lines.Text(), " ", 3)
			content := ""
			if len(words) == 3 {
				content = words[2]
			}
			switch words[0] {
			case "begin":
				maybe[words[1]] = content
			case "done":
				said++
				delete(maybe, words[1])
				sure[words[1]] = content
			default:
				t.Error(lines.Text())
			}
		}
		kill.Stop()
		_ = cmd.Wait() // it was killed
		checkKilled(t, dir, sure, maybe)
	}
	if said < rounds {
		t.Errorf("%d operations in %d rounds: nothing was tested", said, rounds)
	}
	t.Logf("%d operations were acknowledged in %d lives", said, rounds)
}

// checkKilled looks at what a killed spool left, by way of the next one, and in
// the far store once that settled.
func checkKilled(t *testing.T, dir string, sure, maybe map[string]string) {
	t.Helper()
	near, far, err := openFolders(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := archive.NewSpool(t.Context(), near, far, quick)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for _, where := range []archive.Store{s, far} {
		for name, want := range sure {
			got, err := archive.ReadObject(t.Context(), where, name)
			if err != nil && !errors.Is(err, archive.ErrAbsent) {
				t.Fatal(err)
			}
			if other, begun := maybe[name]; string(got) != want && (!begun || string(got) != other) {
				t.Errorf("%s: %.20q (%v), not %.20q", name, got, err, want)
			}
			sure[name] = string(got)
			if where == archive.Store(far) {
				delete(maybe, name)
			}
		}
		if err := s.Settle(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
}
