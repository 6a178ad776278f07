package archive_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
)

// Two gateways make the key of one vault while the bucket is away: what the first
// sealed under its own stays readable, and the second is told.
func TestAKeyInTheFarStoreIsNotReplacedByAnotherSpools(t *testing.T) {
	far := newDisk(t)
	ctx := t.Context()
	var spools []*archive.Spool
	var backs []func()
	for range 2 {
		fault, away := switched(errAway)
		s := newSpool(t, newDisk(t), &fickleMaker{&fickle{far, fault}, far}, quick)
		key := fmt.Appendf(nil, "key of spool %d", len(spools))
		if err := s.Make(ctx, "keys/session-s", key); err != nil {
			t.Fatal(err)
		}
		spools, backs = append(spools, s), append(backs, func() { away.Store(false) })
	}
	backs[0]()
	if err := spools[0].Settle(ctx); err != nil {
		t.Fatal(err)
	}
	backs[1]()
	short, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
	defer cancel()
	if err := spools[1].Settle(short); !errors.Is(err, archive.ErrDamaged) || !strings.Contains(err.Error(), "keys/session-s") {
		t.Errorf("the second is not told: %v", err)
	}
	if got, err := archive.ReadObject(ctx, far, "keys/session-s"); err != nil || string(got) != "key of spool 0" {
		t.Errorf("%q %v", got, err)
	}
}

// fickleMaker is a fickle store that can make objects.
type fickleMaker struct {
	*fickle
	to archive.Maker
}

func (f *fickleMaker) Make(ctx context.Context, name string, content []byte) error {
	if err := f.does(ctx, "put", name); err != nil {
		return err
	}
	return f.to.Make(ctx, name, content)
}
