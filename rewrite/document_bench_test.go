package rewrite

import (
	"bytes"
	"fmt"
	"io"
	"math/rand/v2"
	"testing"

	"golang.org/x/net/html"
)

// legacyPage is a page as old intranets have them: tables for layout, inline
// styles and handlers, many relative links, some to the site's own host.
func legacyPage(size int) []byte {
	r := rand.New(rand.NewPCG(1, 2))
	var b bytes.Buffer
	b.WriteString(`<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">
<html>
<head>
<title>Policy overview</title>
<meta http-equiv="Content-Type" content="text/html; charset=iso-8859-1">
<link rel="stylesheet" type="text/css" href="/css/main.css">
<style type="text/css">
td.label { font-family: Verdana, Arial; font-size: 11px; background: url(/img/bg.gif) }
.hdr { background-image: url('http://old.example/img/header.gif'); color: #003366 }
</style>
<script type="text/javascript" src="/js/menu.js"></script>
<script type="text/javascript">
<!--
function go(n) { if (n < 10 && n > 0) { document.forms[0].page.value = n; document.forms[0].submit(); } }
//-->
</script>
</head>
<body bgcolor="#FFFFFF" leftmargin="0" topmargin="0" onload="init()">
<form name="main" action="/servlet/Policy" method="post">
<table width="100%" border="0" cellpadding="0" cellspacing="0">
`)
	for n := 0; b.Len() < size-40; n++ {
		fmt.Fprintf(&b, `<tr class="row%d" onmouseover="this.className='hover'" onmouseout="this.className='row%d'">
  <td width="20" align="center" valign="top"><img src="/img/icons/item%d.gif" width="16" height="16" border="0" alt=""></td>
  <td class="label" nowrap style="padding: 2px 4px; border-bottom: 1px solid #cccccc"><a href="/servlet/Policy?id=%d&amp;action=view" class="lnk" onclick="return go(%d);">Policy %d</a></td>
  <td><font face="Verdana" size="1" color="#333333">Coverage for household contents and personal liability, section %d</font></td>
  <td align="right"><b>%d.%02d</b>&nbsp;EUR</td>
  <td><input type="text" name="amount_%d" value="%d" size="8" maxlength="10" class="inp"><input type="button" value="Save" onclick="save(%d)"></td>
</tr>
`, n%2, n%2, n%7, n*17, n%9, n*17, n%31, r.IntN(9000), r.IntN(100), n, r.IntN(500), n)
		if n%10 == 0 {
			fmt.Fprintf(&b, "<!-- section %d -->\n<tr><td colspan=\"5\"><a href=\"http://old.example/help/topic%d.html\" target=\"_blank\"><img src=\"http://www.other.example/ads/%d.gif\"></a></td></tr>\n", n, n, n)
		}
	}
	b.WriteString("</table>\n</form>\n</body>\n</html>\n")
	return b.Bytes()
}

func BenchmarkDocument(b *testing.B) {
	page := legacyPage(400 << 10)
	for _, c := range []struct {
		name string
		o    DocumentOptions
	}{
		{"mapping", DocumentOptions{Tag: mark, Map: renaming{}, Charset: "iso-8859-1"}},
		{"mapping every URL", DocumentOptions{Tag: mark, Map: renaming{all: true}, Charset: "iso-8859-1"}},
		{"injecting", DocumentOptions{Tag: mark, Charset: "iso-8859-1"}},
	} {
		b.Run(c.name, func(b *testing.B) {
			var d Document
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				d.Reset(io.Discard, c.o)
				if _, err := d.Write(page); err != nil {
					b.Fatal(err)
				}
				if err := d.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(c.name+", in pieces of 16 KB", func(b *testing.B) {
			var d Document
			b.SetBytes(int64(len(page)))
			b.ReportAllocs()
			for b.Loop() {
				d.Reset(io.Discard, c.o)
				for i := 0; i < len(page); i += 16 << 10 {
					if _, err := d.Write(page[i:min(i+16<<10, len(page))]); err != nil {
						b.Fatal(err)
					}
				}
				if err := d.Close(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkTokenizer is what the rewriter is measured against: x/net's tokenizer
// over the same page, its raw tokens copied.
func BenchmarkTokenizer(b *testing.B) {
	page := legacyPage(400 << 10)
	b.SetBytes(int64(len(page)))
	b.ReportAllocs()
	for b.Loop() {
		z := html.NewTokenizer(bytes.NewReader(page))
		for z.Next() != html.ErrorToken {
			if _, err := io.Discard.Write(z.Raw()); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func TestAPageCostsNoAllocations(t *testing.T) {
	for _, size := range []int{4 << 10, 40 << 10, 400 << 10} {
		page := legacyPage(size)
		var d Document
		o := DocumentOptions{Tag: mark, Map: renaming{}}
		n := testing.AllocsPerRun(20, func() {
			d.Reset(io.Discard, o)
			if _, err := d.Write(page); err != nil {
				t.Fatal(err)
			}
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
		})
		if n > 5 {
			t.Errorf("%d bytes: %v allocations", size, n)
		}
	}
}
