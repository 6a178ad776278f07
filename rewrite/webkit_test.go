package rewrite

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"golang.org/x/net/html"
)

// treeInputs returns the documents of x/net/html's tree construction tests: its
// own and html5lib's.
var treeInputs = sync.OnceValues(func() ([]string, error) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "golang.org/x/net").Output()
	if err != nil {
		return nil, err
	}
	var inputs []string
	err = filepath.WalkDir(filepath.Join(strings.TrimSpace(string(dir)), "html", "testdata"), func(path string, _ os.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".dat" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, test := range strings.Split("\n"+string(text), "\n#data\n")[1:] {
			in, rest, _ := strings.Cut(test, "\n#errors")
			if !strings.Contains(rest, "\n#document-fragment") {
				inputs = append(inputs, in)
			}
		}
		return nil
	})
	return inputs, err
})

func eachTreeInput(t *testing.T, f func(in string)) {
	t.Helper()
	inputs, err := treeInputs()
	if err != nil {
		t.Fatal(err)
	}
	if len(inputs) < 1000 {
		t.Fatalf("only %d inputs", len(inputs))
	}
	for _, in := range inputs {
		f(in)
	}
}

func TestRemovingTheTagGivesTheInputBack(t *testing.T) {
	eachTreeInput(t, func(in string) {
		for _, xml := range []bool{false, true} {
			o := DocumentOptions{Tag: mark, XML: xml, Map: same{}, Charset: "utf-8"}
			if len(in) < 200 {
				everywhere(t, o, in)
			}
			out := document(t, o, in)
			if got := strings.Replace(out, mark, "", 1); got != in {
				t.Errorf("%q\nbecame %q", in, out)
			}
		}
	})
}

// TestAParserSeesTheTagFirst parses what comes out: the tag is the first element
// that is not html or head, where it could be put in at all.
func TestAParserSeesTheTagFirst(t *testing.T) {
	eachTreeInput(t, func(in string) {
		out := document(t, DocumentOptions{Tag: mark, Charset: "utf-8"}, in)
		if !strings.Contains(out, mark) {
			if strings.Contains(in, "<p>") && !strings.Contains(in, "<!") {
				t.Errorf("no tag in %q", out)
			}
			return
		}
		first := firstElement(parse(t, out))
		if first != nil && (first.Data == "frameset" || first.Data == "br") {
			// The frameset took the place of a body, and the script in that has run;
			// or there is an end tag </br>, which stands for a start tag.
			return
		}
		if first == nil || first.Data != "script" || !hasAttr(first, "src", "/x.js") {
			t.Errorf("%q: a parser sees %v first", out, first)
		}
	})
}

func parse(t *testing.T, in string) *html.Node {
	t.Helper()
	doc, err := html.Parse(strings.NewReader(in))
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

func firstElement(n *html.Node) *html.Node {
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && c.Data != "html" && c.Data != "head" && c.Data != "body" {
			return c
		}
	}
	return nil
}

func hasAttr(n *html.Node, key, value string) bool {
	for _, a := range n.Attr {
		if a.Key == key && a.Val == value {
			return true
		}
	}
	return false
}

// probes hold an image in several wrappings, which are text here and markup there.
var probes = []string{"@", "<style>@</style>", "<![CDATA[@]]>", "<title>@</title>", "<xmp>@", "<script><!--<script></script>@</script>@", "<select>@</select>@", "<textarea>@"}

// TestOnlyWhatAParserSeesAsMarkupChanges puts an image at each place of the test
// documents. Where a parser sees an image its address has to change, and where
// it sees text or a comment nothing may.
func TestOnlyWhatAParserSeesAsMarkupChanges(t *testing.T) {
	missed, total := 0, 0
	eachTreeInput(t, func(in string) {
		for i := range len(in) + 1 {
			if i < len(in) && in[i] != '<' || len(in) > 1000 {
				continue
			}
			for _, p := range probes {
				total++
				if !agree(t, in[:i]+strings.ReplaceAll(p, "@", "<img src=//old.example/ alt=//old.example/>")+in[i:]) {
					missed++
				}
			}
		}
	})
	// What the rewriter knows to be ambiguous it lets pass.
	if missed*50 > total {
		t.Errorf("%d of %d passed unchanged", missed, total)
	}
}

// agree compares a page that was rewritten with the page's tree rewritten. It
// returns false where the page passed as it is.
func agree(t *testing.T, page string) bool {
	t.Helper()
	out := document(t, DocumentOptions{Map: renaming{}, Charset: "utf-8"}, page)
	want, got := renameTree(parse(t, page)), treeText(parse(t, out))
	switch {
	case want == got:
		return true
	case out != page:
		t.Errorf("%q\nbecame %q\nthat is %s\nand not %s", page, out, got, want)
	}
	return false
}

// renameTree writes a tree with the sources of its images mapped.
func renameTree(doc *html.Node) string {
	for n := range doc.Descendants() {
		_, loads := srcUse(elements.find(foldedKey([]byte(n.Data))))
		for i := range n.Attr {
			if a := &n.Attr[i]; loads && n.Type == html.ElementNode && a.Key == "src" && a.Val == "//old.example/" {
				a.Val = "//new.example/"
			}
		}
	}
	return treeText(doc)
}

// treeText writes a tree without the text of noscript elements: that is rewritten
// as the markup that it is to a browser without scripts.
func treeText(doc *html.Node) string {
	for n := range doc.Descendants() {
		for n.Data == "noscript" && n.FirstChild != nil {
			n.RemoveChild(n.FirstChild)
		}
	}
	var b bytes.Buffer
	if err := html.Render(&b, doc); err != nil {
		return err.Error() // a plaintext element that something follows
	}
	return b.String()
}
