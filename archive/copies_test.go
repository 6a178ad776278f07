package archive

import (
	"net/http"
	"testing"
	"time"
)

func TestACopyStandsForItsURLForAWhile(t *testing.T) {
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	c := NewCopies(10*time.Minute, 2, func() time.Time { return now })
	ref := RefOf([]byte("x"))
	c.note([]Capture{
		{URL: "https://gw/a.css?v=1", Time: now, Ref: ref, Type: "text/css"},
		{URL: "https://gw/mine.png", Time: now, Ref: ref, Visit: "somebody"},
	})
	if path, ok := c.Copy("https://gw/a.css?v=1#x"); !ok || path != CopyPrefix+string(ref)+"/https/gw/a.css?v=1#x" {
		t.Errorf("%q %v", path, ok)
	}
	if _, ok := c.Copy("https://gw/mine.png"); ok {
		t.Error("a private asset was shown to all")
	}
	now = now.Add(11 * time.Minute)
	if _, ok := c.Copy("https://gw/a.css?v=1"); ok {
		t.Error("an old copy still stands for its URL")
	}
}

func TestCopiesAreBoundedAndTheOldestGoes(t *testing.T) {
	now := time.Now()
	c := NewCopies(time.Hour, 2, nil)
	for _, u := range []string{"https://gw/1", "https://gw/2"} {
		c.note([]Capture{{URL: u, Time: now, Ref: RefOf([]byte(u))}})
	}
	c.Copy("https://gw/1")
	c.note([]Capture{{URL: "https://gw/3", Time: now, Ref: RefOf(nil)}})
	for u, want := range map[string]bool{"https://gw/1": true, "https://gw/2": false, "https://gw/3": true} {
		if _, ok := c.Copy(u); ok != want {
			t.Errorf("%s: %v", u, ok)
		}
	}
}

func TestWhichAnswersAreTheSameForAll(t *testing.T) {
	for name, c := range map[string]struct {
		h    http.Header
		want bool
	}{
		"plain":              {http.Header{}, true},
		"public":             {http.Header{"Cache-Control": {"public, max-age=600"}, "Vary": {"Accept-Encoding"}}, true},
		"private":            {http.Header{"Cache-Control": {"private"}}, false},
		"to be asked again":  {http.Header{"Cache-Control": {"no-cache"}}, false},
		"varies by language": {http.Header{"Vary": {"Accept-Language, Accept-Encoding"}}, false},
		"varies by all":      {http.Header{"Vary": {"*"}}, false},
	} {
		t.Run(name, func(t *testing.T) {
			if got := sameForAll(c.h); got != c.want {
				t.Errorf("got %v", got)
			}
		})
	}
}
