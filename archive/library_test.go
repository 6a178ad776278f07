package archive_test

import (
	"errors"
	"testing"

	"github.com/pillion-dev/pillion/archive"
)

func TestTheLibraryReadsAVisitsFilesForThatVisitAlone(t *testing.T) {
	s, _ := stores(t)
	v := vaults(t, s)
	l := archive.NewLibrary(s, v)
	ctx := t.Context()
	vault, err := v.Make(ctx, archive.VisitOwner("ann"))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := vault.PutBlob(ctx, []byte("Ann's"))
	if err != nil {
		t.Fatal(err)
	}
	open, err := archive.BlobsIn(s).Put(ctx, []byte("anybody's"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		archive.Capture
		want string
	}{
		{archive.Capture{Ref: open}, "anybody's"}, {archive.Capture{Ref: secret, Visit: "ann", Own: true}, "Ann's"},
		{archive.Capture{Ref: open, By: "ann", Own: true}, "anybody's"},
		{archive.Capture{Ref: secret}, ""}, {archive.Capture{Ref: secret, Visit: "bob", Own: true}, ""},
		{archive.Capture{Ref: open, Visit: "ann", Own: true}, ""}, {archive.Capture{}, ""},
	} {
		got, err := l.Captured(ctx, c.Capture)
		if string(got) != c.want || (c.want == "") != errors.Is(err, archive.ErrAbsent) {
			t.Errorf("%+v: %q %v", c.Capture, got, err)
		}
	}
	for _, c := range []archive.Capture{{Ref: open}, {Ref: secret, Visit: "ann"}} {
		if private, err := l.TakeOver(ctx, "s1", c); err != nil || private != (c.Visit != "") {
			t.Errorf("%v %v", private, err)
		}
	}
	if err := v.Destroy(ctx, archive.VisitOwner("ann")); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		session string
		archive.PageCapture
		want string
	}{
		{"s1", archive.PageCapture{Ref: open}, "anybody's"}, {"s1", archive.PageCapture{Ref: secret, Private: true}, "Ann's"},
		{"s2", archive.PageCapture{Ref: secret, Private: true}, ""}, {"s1", archive.PageCapture{Ref: secret}, ""},
	} {
		got, err := l.Recorded(ctx, c.session, c.PageCapture)
		if string(got) != c.want || (c.want == "") != errors.Is(err, archive.ErrAbsent) {
			t.Errorf("%s %+v: %q %v", c.session, c.PageCapture, got, err)
		}
	}
}
