package archive_test

import (
	"context"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
)

// holding is a store that takes note of what is held.
type holding struct {
	archive.Store
	held map[string]bool
}

func (h *holding) Lock(context.Context, string, time.Time) error { return nil }

func (h *holding) Hold(_ context.Context, name string, on bool) error {
	if delete(h.held, name); on {
		h.held[name] = true
	}
	return nil
}

// A file that two recordings share is held as long as one of them is, and no longer:
// what stayed held for good could never be deleted.
func TestASharedFileIsHeldAsLongAsARecordingIsThatNeedsIt(t *testing.T) {
	k := keep(t)
	s := &holding{k.store, map[string]bool{}}
	holds := map[string]bool{}
	hold := func(session string, on bool) {
		t.Helper()
		holds[session] = on
		err := archive.HoldRecording(t.Context(), s, k.captures, session, on, func(other string) (bool, error) { return holds[other], nil })
		if err != nil {
			t.Fatal(err)
		}
	}
	is := func(content string) bool {
		digits := strings.TrimPrefix(string(k.refs[content]), "sha256-")
		return s.held["blobs/"+digits[:2]+"/"+digits[2:]]
	}
	for _, step := range []struct {
		session          string
		on               bool
		both, one, other bool
	}{
		{"s1", true, true, true, false}, {"s2", true, true, true, true}, {"s1", false, true, false, true}, {"s2", false, false, false, false},
		{"s1", true, true, true, false}, {"s1", false, false, false, false}, // the other needs it too, and is not held
	} {
		hold(step.session, step.on)
		if is("both") != step.both || is("only s1") != step.one || is("only s2") != step.other {
			t.Errorf("after %s %v: %v %v %v", step.session, step.on, is("both"), is("only s1"), is("only s2"))
		}
	}
	if len(s.held) > 0 {
		t.Errorf("held for good: %q", slices.Collect(maps.Keys(s.held)))
	}
	hold("s1", true)
	if !slices.ContainsFunc(slices.Collect(maps.Keys(s.held)), func(name string) bool { return strings.HasPrefix(name, "recordings/s1/") }) {
		t.Errorf("its own objects are not held: %q", slices.Collect(maps.Keys(s.held)))
	}
	for name := range s.held {
		if strings.HasPrefix(name, "keys/") {
			t.Errorf("%s is held", name)
		}
	}
}
