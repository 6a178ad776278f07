package archive_test

import (
	"errors"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
)

func TestPinsAreUnderTheAddressesThatTheIndexHas(t *testing.T) {
	store, plain := stores(t)
	index := archive.Addressed(plain, map[string]bool{"policy": true})
	ref, err := archive.BlobsIn(store).Put(t.Context(), []byte("x"))
	if err != nil {
		t.Fatal(err)
	}
	c := archive.Capture{URL: "http://site/a?policy=77&token=1", Time: time.Now(), Ref: ref, Status: 200}
	if err := errors.Join(index.Add(t.Context(), []archive.Capture{c}), index.Pin(t.Context(), []archive.Pin{{Session: "s", Page: 1, Capture: c}})); err != nil {
		t.Fatal(err)
	}
	for _, u := range []string{c.URL, "http://site/a?policy=***&token=***", "http://site/a?policy=78&token=2"} {
		if got, err := index.Pinned(t.Context(), "s", 1, u); err != nil || got.URL != "http://site/a?policy=***&token=***" || got.Ref != ref {
			t.Errorf("%s: %+v %v", u, got, err)
		}
	}
	if list, err := plain.PinsOf(t.Context(), "s"); err != nil || len(list) != 1 || list[0].URL != "http://site/a?policy=***&token=***" {
		t.Errorf("%+v %v", list, err)
	}
}
