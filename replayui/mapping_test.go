package replayui

import (
	"net/url"
	"strings"
	"testing"

	"github.com/pillion-dev/pillion/events"
)

func TestURLsLeadToTheArchive(t *testing.T) {
	m := toArchive("s", 3)
	el := func(name string, attrs ...events.Attr) *events.Node {
		return &events.Node{Kind: events.ElementNode, Name: name, Attrs: attrs}
	}
	sheet := el("link", events.Attr{Name: "rel", Value: "StyleSheet"})
	for _, c := range []struct {
		el          *events.Node
		name, value string
		want        string
	}{
		{el("img"), "src", "a.png", "/archive/s/3/http/site:8080/dir/a.png"},
		{el("img"), "src", " /b.png?x=1#f ", "/archive/s/3/http/site:8080/b.png?x=1#f"},
		{el("img"), "src", "//cdn/c%20d.png", "/archive/s/3/http/cdn/c%20d.png"},
		{el("img"), "src", "data:image/gif;base64,x", "data:image/gif;base64,x"},
		{el("img"), "srcset", "a.png 1x, b.png 2x", "/archive/s/3/http/site:8080/dir/a.png 1x, /archive/s/3/http/site:8080/dir/b.png 2x"},
		{el("p"), "style", "background:url(x.png)", `background:url("/archive/s/3/http/site:8080/dir/x.png")`},
		{sheet, "href", "/s.css", "/archive/s/3/http/site:8080/s.css"},
		{el("a"), "href", "/page", "/page"},
		{el("script"), "src", "/x.js", "/x.js"},
		{el("use"), "href", "#icon", "#icon"},
		{el("p"), "title", "src", "src"},
		{&events.Node{Kind: events.ElementNode, Namespace: events.SVGNamespace, Name: "rect"}, "mask", "url(m.svg#m)", `url("/archive/s/3/http/site:8080/dir/m.svg#m")`},
		{&events.Node{Kind: events.ElementNode, Namespace: events.SVGNamespace, Name: "rect"}, "fill", "url(#own)", "url(#own)"},
		{el("font"), "fill", "url(x)", "url(x)"},
	} {
		if got := m.Attr("http://site:8080/dir/page?q", c.el, c.name, c.value); got != c.want {
			t.Errorf("%s %s=%q: %s, want %s", c.el.Name, c.name, c.value, got, c.want)
		}
	}
}

func TestArchivePathsComeBackAsURLs(t *testing.T) {
	for _, u := range []string{"http://site:8080/a/b.css?x=1&y=%20", "https://cdn/", "http://h/%E4%B8%80?a/b"} {
		parsed, err := url.Parse(u)
		if err != nil {
			t.Fatal(err)
		}
		path := toArchive("s", 1).visit(parsed)
		asked, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		got, ok := fromArchive(asked.EscapedPath()[len("/archive/s/1/"):], asked.RawQuery)
		if !ok || got != u {
			t.Errorf("%s: %s, back %s", u, path, got)
		}
	}
	for _, bad := range []string{"", "ftp/h/x", "http//x", "http"} {
		if got, ok := fromArchive(bad, ""); ok {
			t.Errorf("%q: %s", bad, got)
		}
	}
}

func TestACopyIsKnownByItsURL(t *testing.T) {
	hash := "sha256-" + strings.Repeat("0a", 32)
	own, ref := copied("http://site:8080/.pillion/copy/" + hash + "/http/site:8080/a%20b.css?v=1")
	if own != "http://site:8080/a%20b.css?v=1" || string(ref) != hash {
		t.Errorf("%s, %s", own, ref)
	}
	for _, other := range []string{
		"http://site:8080/a.css",
		"http://site:8080/.pillion/copy/nonsense/http/site:8080/a.css",
		"http://site:8080/.pillion/copy/" + hash + "/http/elsewhere/a.css",
		"http://site:8080/x/.pillion/copy/" + hash + "/http/site:8080/a.css",
	} {
		if own, ref := copied(other); own != other || ref != "" {
			t.Errorf("%s: %s, %s", other, own, ref)
		}
	}
}
