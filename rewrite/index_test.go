package rewrite

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func TestEachByteHasItsMarks(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	x := &index{}
	for _, size := range []int{0, 1, 63, 64, 65, 127, 128, 1000, indexBytes - 1, indexBytes, indexBytes + 70} {
		b := make([]byte, size+3)
		for i := range b {
			b[i] = byte(r.Uint32())
			if i%3 == 0 {
				b[i] = "<>=/ \t\n\f\r\"'\x00\x0b&;az"[r.IntN(17)]
			}
		}
		x.build(b, 3)
		if x.size != min(size, indexBytes) {
			t.Fatalf("%d bytes of %d are marked", x.size, size)
		}
		for i, c := range b[3 : 3+x.size] {
			for _, m := range []struct {
				name  string
				marks *marks
				want  bool
			}{
				{"less", &x.less, c == '<'}, {"stop", &x.stop, classes[c]&classNameEnd != 0}, {"quote", &x.quote, c == '"' || c == '\''},
			} {
				if got := m.marks[i>>blockBits]>>(i&63)&1 == 1; got != m.want {
					t.Fatalf("byte %q at %d of %d: %s %v", c, i, size, m.name, got)
				}
			}
		}
	}
}

// bothWays rewrites a page with marks and without.
func bothWays(t *testing.T, o DocumentOptions, page string, cut int) {
	t.Helper()
	var out [2]bytes.Buffer
	for i := range out {
		d := NewDocument(&out[i], o)
		d.unmarked = i == 1
		for _, part := range []string{page[:cut], page[cut:]} {
			if _, err := d.Write([]byte(part)); err != nil {
				t.Fatal(err)
			}
		}
		if err := d.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(out[0].Bytes(), out[1].Bytes()) {
		at := 0
		for at < min(out[0].Len(), out[1].Len()) && out[0].Bytes()[at] == out[1].Bytes()[at] {
			at++
		}
		show := func(b []byte) string { return fmt.Sprintf("%q", b[max(0, min(at-60, len(b))):min(at+60, len(b))]) }
		t.Errorf("cut at %d, with marks and without:\n%s\n%s", cut, show(out[0].Bytes()), show(out[1].Bytes()))
	}
}

const body = "<!DOCTYPE html><html><head><title>x</title></head><body>"

// tagSoup is a tag with attributes as people and attackers write them.
func tagSoup(r *rand.Rand) string {
	var b strings.Builder
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	b.WriteString(pick("<", "<", "<", "</") + pick("a", "A", "td", "Td", "img", "p", "x-long-name-of-an-element", "div9", "form", "input", "b=c"))
	for range r.IntN(5) {
		b.WriteString(pick(" ", "\n", "\t ", "/", " / ", ""))
		b.WriteString(pick("href", "HREF", "src", "class", "style", "onclick", "=", "\"", "a'b", "data-x", "srcset", "ping", "x", "background"))
		b.WriteString(pick("=", "=", "=", " = ", "", "==", "= "))
		q := pick(`"`, `"`, "'", "")
		b.WriteString(q + pick("//old.example/x", "http://old.example/", "/a/b", "c", "", "url(//old.example/)", "go('//old.example/')", "a>b", "a=b", `it"s`, "it's", "&amp;", "x y", "a/b/") + q)
	}
	b.WriteString(pick(">", ">", ">", "/>", " >", "", "<"))
	b.WriteString(pick("", "text ", "a < b ", "\n", "it's \"so\" "))
	return b.String()
}

func TestAPageIsTheSameWithMarksAndWithout(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	options := []DocumentOptions{
		{Tag: mark, Map: renaming{}}, {Tag: mark, Map: renaming{all: true}}, {Map: telling{some: true}}, {Map: telling{}, Policy: strings.ToUpper},
	}
	for n := range 3000 {
		var b strings.Builder
		b.WriteString(body)
		for size := 300 + r.IntN(600); b.Len() < size; {
			if r.IntN(8) == 0 {
				b.WriteString(soup(r))
			} else {
				b.WriteString(tagSoup(r))
			}
		}
		bothWays(t, options[n%len(options)], b.String(), r.IntN(b.Len()))
		if t.Failed() {
			return
		}
	}
}

func TestTagsAtTheEdgeOfTheMarksAreReadWhole(t *testing.T) {
	tag := `<td class="x" title='a>b'><a href="//old.example/p?a=1" onclick="go()">y</a>`
	for fill := indexBytes - 150; fill < indexBytes+20; fill++ {
		// The first part is rewritten by itself, for the sake of its charset.
		page := body + strings.Repeat("x", prescan-len(body)) + strings.Repeat("x", fill) + tag + strings.Repeat("<i>", 200) + tag
		bothWays(t, DocumentOptions{Map: renaming{}}, page, prescan)
	}
	long := "<p title=\"" + strings.Repeat("y > ", indexBytes/2) + "\"><a href=//old.example/>"
	bothWays(t, DocumentOptions{Map: renaming{}}, body+long+strings.Repeat(tag, 500), 10)
}

func FuzzMarks(f *testing.F) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 50 {
		f.Add(tagSoup(r)+soup(r), 100, true)
	}
	f.Fuzz(func(t *testing.T, in string, cut int, all bool) {
		if in == "" {
			return
		}
		page := body + in + strings.Repeat("z", worthIndexing) + strings.Repeat(in, 1+indexBytes/len(in)%3)
		bothWays(t, DocumentOptions{Map: renaming{all: all}}, page, (cut%len(page)+len(page))%len(page))
	})
}
