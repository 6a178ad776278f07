package rewrite

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"
)

func utf16Bytes(s string, order binary.AppendByteOrder) string {
	var b []byte
	for _, u := range utf16.Encode([]rune(s)) {
		b = order.AppendUint16(b, u)
	}
	return string(b)
}

const wide, narrow = "\x1B$B<!$\"\x1B(B", "\x1B(I<a\x1B(J"

func TestEncodingsThatAreNotLikeASCIIComeBackAsTheyCame(t *testing.T) {
	little := func(s string) string { return utf16Bytes(s, binary.LittleEndian) }
	big := func(s string) string { return utf16Bytes(s, binary.BigEndian) }
	const in, out = `<p>€😀</p><a href="//old.example/é">`, mark + `<p>€😀</p><a href="//new.example/é">`
	for _, c := range []struct{ name, charset, in, out string }{
		{"little-endian by its mark", "", "\xFF\xFE" + little(in), "\xFF\xFE" + little(out)},
		{"big-endian by its mark, against the header", "utf-8", "\xFE\xFF" + big(in), "\xFE\xFF" + big(out)},
		{"little-endian by the header", "UTF-16", little(in), little(out)},
		{"big-endian by the header", "utf-16be", big(in), big(out)},
		{"a half character at the end", "utf-16le", little(in) + "x", little(out) + "x"},
		{"half a pair at the end", "utf-16le", little(in) + "\x00\xD8\x01", little(out) + "\x00\xD8\x01"},
		{"lone surrogates", "utf-16le", "\x00\xDC\x00\xD8" + little(in) + "\x00\xD8\x00\xD8\x00\xDC\x00\xDC", "\x00\xDC\x00\xD8" + little(out) + "\x00\xD8\x00\xD8\x00\xDC\x00\xDC"},
		{"a mark within", "utf-16le", "\xFF\xFE\xFF\xFE\xFE\xFF" + little(in), "\xFF\xFE\xFF\xFE\xFE\xFF" + little(out)},
		{"bytes like markup in wide characters", "utf-16le", "<!" + "\x3E\x3C" + little(in), "<!" + "\x3E\x3C" + little(out)},
		{"the mark of UTF-8", "utf-16le", "\xEF\xBB\xBF" + in, "\xEF\xBB\xBF" + out},
		{"only a mark", "", "\xFF\xFE", "\xFF\xFE"},
		{"half a mark", "", "\xFF", "\xFF" + mark},
		{"meta cannot say UTF-16", "", `<meta charset=utf-16><a href=//old.example/>`, mark + `<meta charset=utf-16><a href=//new.example/>`},
		{"ISO-2022-JP by the header", "ISO-2022-JP", wide + `<a title="` + wide + `" href=//old.example/>` + narrow, wide + mark + `<a title="` + wide + `" href=//new.example/>` + narrow},
		{"ISO-2022-JP by meta", "", `<title>` + wide + `</title><meta charset="iso-2022-jp"><a href=//old.example/>` + narrow, mark + `<title>` + wide + `</title><meta charset="iso-2022-jp"><a href=//new.example/>` + narrow},
		{"ISO-2022-JP by a pragma", "", `<meta content="text/html; charset = csISO2022JP" http-equiv=content-type>` + wide + `<a href=//old.example/>`, mark + `<meta content="text/html; charset = csISO2022JP" http-equiv=content-type>` + wide + `<a href=//new.example/>`},
		{"ISO-2022-JP by its escapes", "", wide + `<a href=//old.example/>`, wide + mark + `<a href=//new.example/>`},
		{"escapes in another encoding", "utf-8", `<p>` + "\x1B$B<a href=//old.example/>", mark + `<p>` + "\x1B$B<a href=//new.example/>"},
		{"nor by meta", "", `<meta charset=utf-8>` + "\x1B$B<a href=//old.example/>", mark + `<meta charset=utf-8>` + "\x1B$B<a href=//new.example/>"},
		{"bytes that ISO-2022-JP does not have", "iso-2022-jp", "\xFF\x80\x1B$B\xBC\xFF\x7F\x1B\x1B<\x1B(Z<p>\x1B$(D<p>\x1B(B<p>", "\xFF\x80\x1B$B\xBC\xFF\x7F\x1B\x1B<\x1B(Z<p>\x1B$(D<p>\x1B(B" + mark + "<p>"},
		{"text alone that does not end in ASCII", "iso-2022-jp", "\x1B$B<!", "\x1B$B<!"},
		{"Shift_JIS", "shift_jis", "<p>\x83\x5C\x95\x5C</p><a title='\x83\x7C' href='//old.example/\x83\x5C'>", mark + "<p>\x83\x5C\x95\x5C</p><a title='\x83\x7C' href='//new.example/\x83\x5C'>"},
		{"GB18030 and Big5", "gb18030", "<p>\x81\x30\x81\x30\xB3\x5C<a href='//old.example/\xB3\x5C'>", mark + "<p>\x81\x30\x81\x30\xB3\x5C<a href='//new.example/\xB3\x5C'>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			o := DocumentOptions{Tag: mark, Map: renaming{}, Charset: c.charset}
			if got := everywhere(t, o, c.in); got != c.out {
				t.Errorf("got  %q\nwant %q", got, c.out)
			}
		})
	}
}

func TestAMetaElementNamesTheCharset(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{`<meta charset=Shift_JIS>`, "shift_jis"},
		{`<META  CharSet = ' utf-8 '/>`, "utf-8"},
		{`<meta http-equiv=Content-Type content="text/html;charset='x'">`, "x"},
		{`<meta content="text/html; charset=a b" http-equiv="content-type">`, "a"},
		{`<meta content="charset charset=y;z" http-equiv="content-type">`, "y"},
		{`<meta content="text/html; charset=a">`, ""},
		{`<meta http-equiv=refresh content="charset=a">`, ""},
		{`<!-- <meta charset=x> --><meta charset=y>`, "y"},
		{`<!--><meta charset=x>`, "x"},
		{`<metas charset=x><p title="<meta charset=y>"></p title='<meta charset=y>'><?x <meta charset=y><meta charset=z>`, "z"},
		{`<meta charset=x`, ""},
		{`<meta charset="x>`, ""},
		{`<!-- <meta charset=x>`, ""},
		{`<!x <meta charset=z>`, ""},
		{`a < b <`, ""},
	} {
		if got := metaCharset([]byte(c.in)); got != c.want {
			t.Errorf("%s: %q, want %q", c.in, got, c.want)
		}
	}
}

func TestTheCharsetIsLookedForInTheFirstKilobyte(t *testing.T) {
	meta := `<meta charset=iso-2022-jp>`
	for _, fill := range []int{0, 900, 1024 - len(meta), 1025 - len(meta), 2000} {
		in := strings.Repeat(" ", fill) + meta + "\x1B$B<p>\x1B(B<p>"
		found := fill <= 1024-len(meta)
		want := strings.Repeat(" ", fill) + mark + meta + "\x1B$B<p>\x1B(B<p>"
		for _, cuts := range [][]int{nil, {10}, {fill + 5}, {fill + len(meta) + 1}} {
			if len(cuts) > 0 && cuts[0] > len(in) {
				continue
			}
			var all strings.Builder
			d := NewDocument(&all, DocumentOptions{Tag: mark, Map: telling{}})
			from := 0
			for _, cut := range append(cuts, len(in)) {
				if _, err := d.Write([]byte(in[from:cut])); err != nil {
					t.Fatal(err)
				}
				from = cut
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			if all.String() != want || (d.charset.coding == codingJIS) != found {
				t.Errorf("after %d bytes, cut at %v: %v, %q", fill, cuts, d.charset.coding, all.String())
			}
		}
	}
}

func FuzzCharset(f *testing.F) {
	f.Add("\xFF\xFE<\x00p\x00>\x00", "", 3)
	f.Add(utf16Bytes(`<a href="//old.example/😀">`, binary.LittleEndian), "utf-16", 1)
	f.Add(utf16Bytes(`<a href="//old.example/😀">`, binary.BigEndian), "utf-16be", 1)
	f.Add(wide+`<a title="`+wide+`" href=//old.example/>`+narrow, "iso-2022-jp", 5)
	f.Add(`<meta charset="iso-2022-jp">`+wide+"<p>", "", 30)
	f.Fuzz(func(t *testing.T, in, charset string, cut int) {
		if got := document(t, DocumentOptions{Map: same{}, Charset: charset}, in); got != in {
			t.Fatalf("%q became %q", in, got)
		}
		o := DocumentOptions{Tag: mark, Map: renaming{}, Charset: charset}
		out := document(t, o, in)
		if len(in) > 0 {
			cut = (cut%len(in) + len(in)) % len(in)
			if got := document(t, o, in, cut); got != out {
				t.Errorf("split at %d: %q, whole: %q", cut, got, out)
			}
		}
	})
}
