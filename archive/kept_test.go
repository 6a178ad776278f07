package archive_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/archive"
)

const png = "\x89PNG\r\n\x1a\nand more"

func header(pairs ...string) http.Header {
	h := http.Header{}
	for i := 0; i < len(pairs); i += 2 {
		h.Add(pairs[i], pairs[i+1])
	}
	return h
}

// keeping is a collector with what it writes to.
type keeping struct {
	*archive.Collector
	t     *testing.T
	dir   string
	index archive.CaptureIndex
	lib   *archive.Library
	at    time.Time
}

func newKeeping(t *testing.T) *keeping {
	t.Helper()
	s, index := stores(t)
	at := time.Now().Add(-time.Minute).Truncate(time.Microsecond)
	return &keeping{collector(t, s, index), t, "", index, archive.NewLibrary(s, vaults(t, s)), at}
}

// send lets an answer pass.
func (k *keeping) send(a archive.Answer, body string) {
	k.t.Helper()
	if a.Time.IsZero() {
		a.Time = k.at
	}
	if a.Status == 0 {
		a.Status = http.StatusOK
	}
	if w := k.Begin(a); w != nil {
		for part := range strings.SplitSeq(body, "|") {
			_, _ = w.Write([]byte(part)) // what it cannot take it says at its end
		}
		w.Commit()
	}
}

// saw is what a visit finds under a URL; after Close.
func (k *keeping) saw(u, visit string) (archive.Capture, string) {
	k.t.Helper()
	c, err := k.index.Find(k.t.Context(), u, visit, k.at.Add(-time.Second), k.at.Add(time.Minute))
	if errors.Is(err, archive.ErrAbsent) {
		return c, "absent"
	}
	if err != nil {
		k.t.Fatal(err)
	}
	if c.Ref == "" {
		return c, "(" + string(c.Why) + c.Location + ")"
	}
	content, err := k.lib.Captured(k.t.Context(), c)
	if err != nil {
		k.t.Fatalf("%+v: %v", c, err)
	}
	return c, string(content)
}

func TestTypesAreDecidedAsBrowsersDo(t *testing.T) {
	k := newKeeping(t)
	for i, c := range []struct {
		given, dest, name, body string
		want                    string // the type, or why it is not kept
	}{
		{"text/css; charset=utf-8", "style", "a.css", "a{}", "text/css; charset=utf-8"},
		{"", "style", "a.css", "a{}", "text/css"},
		{"text/plain", "style", "quirks.css", "a{}", "text/plain"},
		{"text/html", "style", "error.css", "<p>", "(type)"},
		{"image/png", "image", "a.png", png, "image/png"},
		{"image/jpeg", "image", "mislabelled.jpg", png, "image/png"},
		{"text/html", "image", "picture-as-html.png", png, "image/png"},
		{"text/html", "image", "evil.png", "<script>alert(1)</script>", "(type)"},
		{"image/png", "image", "html-as-picture.png", "<html><script>alert(1)</script>", "(type)"},
		{"image/svg+xml", "image", "a.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"},
		{"text/plain", "image", "svg-as-text.svg", "<svg xmlns='http://www.w3.org/2000/svg'/>", "(type)"},
		{"application/octet-stream", "image", "a", "\x00\x00\x00\x1cftypavif", "image/avif"},
		{"image/png; x=\"</script>\"", "image", "params.png", png, "image/png"},
		{"image/x-unknown", "image", "rare", "RARE", "image/x-unknown"},
		{"application/octet-stream", "font", "f", "wOF2....", "font/woff2"},
		{"text/html", "font", "f.woff", "wOFF\x00\x01\x00\x00", "font/woff"},
		{"application/octet-stream", "font", "f.woff", "no font", "(type)"},
		{"application/octet-stream", "", "old-browser.woff2?x", "wOF2....", "font/woff2"},
		{"video/mp4", "video", "a.mp4", "film", "video/mp4"},
		{"text/vtt", "track", "a.vtt", "WEBVTT", "text/vtt"},
		{"application/pdf", "document", "a.pdf", "%PDF-1.4", "application/pdf"},
		{"application/octet-stream", "iframe", "b.pdf", "%PDF-1.4", "application/pdf"},
		{"text/html", "iframe", "frame", "<p>frame", "text/html"},
		{"text/html", "empty", "part-of-a-page", "<p>", "absent"},
		{"application/json", "empty", "data", "{}", "absent"},
		{"text/javascript", "script", "a.js", "1", "absent"},
	} {
		u := fmt.Sprintf("http://site/%d/%s", i, c.name)
		h := http.Header{}
		if c.given != "" {
			h.Set("Content-Type", c.given)
		}
		k.send(archive.Answer{URL: u, Header: h, Dest: c.dest, Visit: "v"}, c.body)
		defer func() {
			got, found := k.saw(u, "v")
			if found == c.body {
				found = got.Type
			}
			if found != c.want {
				t.Errorf("%s as %q asked for as %q: %q, not %q", c.name, c.given, c.dest, found, c.want)
			}
		}()
	}
	k.Close()
}

func TestWhatIsSharedAndWhatIsPrivate(t *testing.T) {
	for name, c := range map[string]struct {
		header      http.Header
		credentials bool
		rules       *archive.Rules
		own, secret bool
	}{
		"nothing said":                {},
		"public":                      {header: header("Cache-Control", "public, max-age=9")},
		"with cookies":                {credentials: true, own: true, secret: true},
		"public, with cookies":        {header: header("Cache-Control", "public"), credentials: true, own: true, secret: true},
		"private":                     {header: header("Cache-Control", "max-age=9, Private"), own: true, secret: true},
		"a cookie is set":             {header: header("Set-Cookie", "a=b"), own: true, secret: true},
		"varies by cookie":            {header: header("Vary", "Accept, cookie"), own: true, secret: true},
		"varies by authorization":     {header: header("Vary", "Authorization"), own: true, secret: true},
		"varies by all":               {header: header("Vary", "*"), own: true, secret: true},
		"varies by coding":            {header: header("Vary", "Accept-Encoding", "Vary", "Origin")},
		"varies by what is accepted":  {header: header("Vary", "Accept"), own: true},
		"listed as public":            {credentials: true, rules: &archive.Rules{Public: func(p string) bool { return p == "/a.png" }}},
		"another is listed as public": {credentials: true, rules: &archive.Rules{Public: func(p string) bool { return p == "/b.png" }}, own: true, secret: true},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeeping(t)
			h := c.header.Clone()
			if h == nil {
				h = http.Header{}
			}
			h.Set("Content-Type", "image/png")
			k.send(archive.Answer{URL: "http://site/a.png#x", Header: h, Request: header("Accept", "image/webp", "Cookie", "sid=1"), Dest: "image", Visit: "v", Credentials: c.credentials, Rules: c.rules}, png)
			k.send(archive.Answer{URL: "http://site/nobodys.png", Header: h, Dest: "image", Credentials: c.credentials}, png)
			k.Close()
			got, content := k.saw("http://site/a.png", "v")
			if content != png || got.Own != c.own || (got.Visit == "v") != c.secret {
				t.Errorf("%+v %q", got, content)
			}
			if _, content := k.saw("http://site/a.png", "w"); (content == png) == c.own {
				t.Errorf("another visit sees %q", content)
			}
			if _, content := k.saw("http://site/nobodys.png", "w"); c.secret && content != "absent" && c.rules == nil {
				t.Errorf("what is private, and nobody's, is there: %q", content)
			}
			if accept := got.Header["Accept"]; accept != map[bool]string{true: "image/webp"}[strings.Contains(got.Header["Vary"], "Accept") && !strings.Contains(got.Header["Vary"], "-")] {
				t.Errorf("variant %q of %v", accept, got.Header)
			}
			if got.Header["Cookie"]+got.Header["Set-Cookie"] != "" {
				t.Errorf("cookies are written down: %v", got.Header)
			}
		})
	}
}

func TestWhatAVisitorWithoutCredentialsGotAlikeIsStoredOnce(t *testing.T) {
	k := newKeeping(t)
	sheet := header("Content-Type", "text/css")
	const u = "http://site/a.css"
	k.send(archive.Answer{URL: u, Header: sheet, Dest: "style", Visit: "anonymous"}, "a{}")
	k.send(archive.Answer{URL: u, Header: sheet, Dest: "style", Visit: "ann", Credentials: true, Time: k.at.Add(time.Second)}, "a{}")
	k.send(archive.Answer{URL: u, Header: sheet, Dest: "style", Visit: "bob", Credentials: true, Time: k.at.Add(time.Second)}, "bob{}")
	k.send(archive.Answer{URL: "http://site/ann.css", Header: sheet, Dest: "style", Visit: "ann", Credentials: true}, "secret{}")
	k.send(archive.Answer{URL: "http://site/ann.css", Header: sheet, Dest: "style", Visit: "bob", Credentials: true}, "secret{}")
	k.Close()
	for visit, want := range map[string]struct {
		content string
		secret  bool
	}{"ann": {"a{}", false}, "bob": {"bob{}", true}, "carl": {"a{}", false}} {
		got, content := k.saw(u, visit)
		if content != want.content || (got.Visit != "") != want.secret {
			t.Errorf("%s: %+v %q", visit, got, content)
		}
	}
	// Two visitors with the same secret do not share it: it would tell of each other.
	for _, visit := range []string{"ann", "bob"} {
		if got, content := k.saw("http://site/ann.css", visit); content != "secret{}" || got.Visit != visit {
			t.Errorf("%+v %q", got, content)
		}
	}
}

func TestWhyThingsAreNotKept(t *testing.T) {
	k := newKeeping(t)
	rules := &archive.Rules{NoStore: func(p string) bool { return p == "/listed.png" }, Limits: archive.Limits{Image: 100}}
	for path, c := range map[string]struct {
		archive.Answer
		body, want string
	}{
		"/secret.png":  {archive.Answer{Header: header("Cache-Control", "no-store"), Rules: rules}, png, "(no-store)"},
		"/listed.png":  {archive.Answer{Header: header("Cache-Control", "private, no-store"), Rules: rules}, png, png},
		"/download":    {archive.Answer{Header: header("Content-Disposition", "attachment; filename=a.png")}, png, "(attachment)"},
		"/missing.png": {archive.Answer{Status: http.StatusNotFound}, "", "(status)"},
		"/large.png":   {archive.Answer{Rules: rules}, png + strings.Repeat("x", 100), "(too-large)"},
		"/said.png":    {archive.Answer{Header: header("Content-Length", "101"), Rules: rules}, "", "(too-large)"},
		"/moved.png":   {archive.Answer{Status: http.StatusFound, Location: "http://site/new.png"}, "", "(http://site/new.png)"},
		"/same.png":    {archive.Answer{Status: http.StatusNotModified, Header: header("Etag", `"1"`)}, "", "(not-seen)"},
	} {
		a := c.Answer
		if a.Header == nil {
			a.Header = http.Header{}
		}
		a.Header.Set("Content-Type", "image/png")
		a.URL, a.Dest, a.Visit = "http://site"+path, "image", "v"
		k.send(a, c.body)
		defer func() {
			if got, content := k.saw(a.URL, "v"); content != c.want {
				t.Errorf("%s: %+v %q, not %q", path, got, content, c.want)
			}
			if _, content := k.saw(a.URL, "w"); path != "/moved.png" && content != "absent" {
				t.Errorf("%s: another visit sees %q", path, content)
			}
		}()
	}
	half := k.Begin(archive.Answer{URL: "http://site/half", Visit: "v", Time: k.at, Status: http.StatusOK, Dest: "style", Header: header("Content-Type", "text/css")})
	_, _ = half.Write([]byte("x"))
	half.Abort()
	k.Close()
	if _, content := k.saw("http://site/half", "v"); content != "(broken)" {
		t.Errorf("half: %q", content)
	}
	if k.Lost() != 2 { // both that are too large
		t.Errorf("%d answers lost", k.Lost())
	}
}

func TestA304RefersToWhatIsHeld(t *testing.T) {
	k := newKeeping(t)
	answer := func(name string, sec int, status int, h http.Header, body string) {
		h.Set("Content-Type", "text/css")
		k.send(archive.Answer{URL: "http://site/" + name, Visit: "v", Credentials: true, Dest: "style", Status: status, Header: h, Time: k.at.Add(time.Duration(sec) * time.Second)}, body)
	}
	answer("tag", -30, 200, header("Etag", `"1"`), "one{}")
	answer("tag", 5, 304, header("Etag", `W/"1"`), "")
	answer("date", -30, 200, header("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT"), "two{}")
	answer("date", 5, 304, header("Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT"), "")
	answer("changed", -30, 200, header("Etag", `"1"`), "three{}")
	answer("changed", 5, 304, header("Etag", `"2"`), "")
	k.Close()
	for name, want := range map[string]string{"tag": "one{}", "date": "two{}", "changed": "(not-seen)"} {
		got, content := k.saw("http://site/"+name, "v")
		if content != want || !got.Time.Equal(k.at.Add(5*time.Second)) {
			t.Errorf("%s: %+v %q", name, got, content)
		}
	}
}

func TestHeadersAreWrittenDownByAList(t *testing.T) {
	k := newKeeping(t)
	h := header("Content-Type", "image/png", "Etag", `"1"`, "Last-Modified", "Mon, 02 Jan 2006 15:04:05 GMT", "Set-Cookie", "sid=1", "X-Api-Key", "k",
		"Access-Control-Allow-Origin", "*", "Content-Language", "de", "Server", "s", "Authorization", "a", "Cache-Control", strings.Repeat("x", 600))
	k.send(archive.Answer{URL: "http://site/a.png", Header: h, Dest: "image", Visit: "v"}, png)
	k.Close()
	got, _ := k.saw("http://site/a.png", "v")
	want := map[string]string{"Content-Type": "image/png", "Etag": `"1"`, "Last-Modified": "Mon, 02 Jan 2006 15:04:05 GMT", "Access-Control-Allow-Origin": "*", "Content-Language": "de"}
	if !reflect.DeepEqual(got.Header, want) {
		t.Errorf("%v", got.Header)
	}
}

func TestLargeFilesWaitEncryptedInAFileWithoutAName(t *testing.T) {
	k := newKeeping(t)
	body := make([]byte, 9<<20+17)
	src := rand.NewChaCha8([32]byte{1})
	_, _ = src.Read(body)
	k.send(archive.Answer{URL: "http://site/film", Visit: "v", Credentials: true, Dest: "video", Header: header("Content-Type", "video/mp4")}, strings.ReplaceAll(string(body), "|", "/"))
	k.Close()
	got, content := k.saw("http://site/film", "v")
	if content != strings.ReplaceAll(string(body), "|", "/") || got.Visit != "v" || got.Size != int64(len(body)) {
		t.Errorf("%d bytes, %+v", len(content), got)
	}
}

func TestAFileThatCameInRangesIsPutTogether(t *testing.T) {
	whole := make([]byte, 300_000)
	src := rand.NewChaCha8([32]byte{2})
	_, _ = src.Read(whole)
	type span struct{ from, to int }
	for name, c := range map[string]struct {
		tag   string
		spans []span
		cut   bool // the first range breaks off in its middle
		want  bool
	}{
		"all at once":         {`"1"`, []span{{0, 300_000}}, false, true},
		"in order":            {`"1"`, []span{{0, 100_000}, {100_000, 200_000}, {200_000, 300_000}}, false, true},
		"backwards, doubled":  {`"1"`, []span{{200_000, 300_000}, {90_000, 210_000}, {0, 100_000}}, false, true},
		"a player that seeks": {`"1"`, []span{{0, 200_000}, {250_000, 300_000}, {100_000, 250_000}}, true, true},
		"a hole":              {`"1"`, []span{{0, 100_000}, {100_001, 300_000}}, false, false},
		"a weak tag":          {`W/"1"`, []span{{0, 100_000}, {100_000, 300_000}}, false, false},
		"no tag, all at once": {"", []span{{0, 300_000}}, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			k := newKeeping(t)
			for i, s := range c.spans {
				h := header("Content-Type", "video/mp4", "Content-Range", fmt.Sprintf("bytes %d-%d/300000", s.from, s.to-1))
				if c.tag != "" {
					h.Set("Etag", c.tag)
				}
				w := k.Begin(archive.Answer{URL: "http://site/film", Visit: "v", Dest: "video", Status: http.StatusPartialContent, Header: h, Time: k.at})
				if w == nil {
					continue
				}
				if c.cut && i == 0 {
					_, _ = w.Write(whole[s.from : s.to/2])
					w.Abort()
					continue
				}
				_, _ = w.Write(whole[s.from : s.from+1000])
				_, _ = w.Write(whole[s.from+1000 : s.to])
				w.Commit()
			}
			k.Close()
			got, content := k.saw("http://site/film", "v")
			if ok := content == string(whole); ok != c.want || !ok && content != "(broken)" {
				t.Errorf("%d bytes, %+v", len(content), got)
			}
		})
	}
}

func TestAddressesAreWrittenDownWithoutTokens(t *testing.T) {
	names := map[string]bool{"policy": true}
	for u, want := range map[string]string{
		"http://site/a.png":                              "http://site/a.png",
		"http://site/a.png?v=1&token=abc&w=3":            "http://site/a.png?v=1&token=***&w=3",
		"http://site/a.png;jsessionid=12?x":              "http://site/a.png;jsessionid=***?x",
		"http://ann:pw@site/a?Policy=77":                 "http://site/a?Policy=***",
		"http://site/a?to=%2Fb%3Faccess_token%3Dabc":     "http://site/a?to=***",
		"http://site/a?X-Amz-Signature=00&X-Amz-Date=11": "http://site/a?X-Amz-Signature=***&X-Amz-Date=11",
	} {
		if got := archive.Address(u, names); got != want {
			t.Errorf("%s: %s, not %s", u, got, want)
		} else if again := archive.Address(got, names); again != got {
			t.Errorf("%s: once more %s", u, again)
		}
	}
	_, plain := stores(t)
	index := archive.Addressed(plain, names)
	now := time.Now()
	if err := index.Add(t.Context(), []archive.Capture{{URL: "http://site/a?policy=77", Time: now, Location: "http://site/b?sid=1", Status: 302}}); err != nil {
		t.Fatal(err)
	}
	for _, u := range []string{"http://site/a?policy=77", "http://site/a?policy=***"} {
		if got, err := index.Find(t.Context(), u, "", now, now.Add(time.Second)); err != nil || got.URL != "http://site/a?policy=***" || got.Location != "http://site/b?sid=***" {
			t.Errorf("%s: %+v %v", u, got, err)
		}
	}
}

func TestNothingPrivateIsReadableOnDisk(t *testing.T) {
	dir := t.TempDir()
	s, index := storesIn(t, dir)
	c := collector(t, s, archive.Addressed(index, nil))
	w := c.Begin(archive.Answer{URL: "http://site/a?token=topsecrettoken", Visit: "v", Credentials: true, Dest: "image", Status: 200, Time: time.Now(), Header: header("Content-Type", "image/png")})
	_, _ = w.Write([]byte(png + "top secret picture"))
	w.Commit()
	c.Close()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files++
		b, err := os.ReadFile(path)
		for _, secret := range []string{"top secret picture", "topsecrettoken"} {
			if bytes.Contains(b, []byte(secret)) || strings.Contains(path, secret) {
				t.Errorf("%s holds %q", path, secret)
			}
		}
		return err
	})
	if err != nil || files < 3 {
		t.Errorf("%d files, %v", files, err)
	}
}
