package main

import (
	"bytes"
	"fmt"
)

const (
	// legacyOrigin is an origin that the site calls itself by, in some of its links.
	legacyOrigin = "http://legacy.internal"
	scriptPath   = "/.pillion/capture.js"
	// tag is what every contender that changes pages adds to them.
	tag = `<script src="` + scriptPath + `"></script>`
)

// samplePage is a page of the old kind of just so many bytes: tables for
// layout, attributes of style, handlers in tags, relative links, and in one row
// of twenty a link that names the site.
func samplePage(size int) []byte {
	var b bytes.Buffer
	b.WriteString(pageHead)
	for i := 1; b.Len() < size-len(pageTail); i++ {
		b.WriteString(pageRow(i))
	}
	b.Truncate(max(len(pageHead), lastRow(b.Bytes(), size-len(pageTail))))
	for b.Len() < size-len(pageTail) {
		b.WriteByte('\n')
	}
	b.WriteString(pageTail)
	return b.Bytes()
}

// lastRow is where the last row ends that fits into so many bytes.
func lastRow(page []byte, size int) int {
	if len(page) <= size {
		return len(page)
	}
	return bytes.LastIndex(page[:size], []byte("</tr>\n")) + len("</tr>\n")
}

const pageHead = `<!DOCTYPE HTML PUBLIC "-//W3C//DTD HTML 4.01 Transitional//EN" "http://www.w3.org/TR/html4/loose.dtd">
<html>
<head>
<title>Rates and plans</title>
<meta http-equiv="Content-Type" content="text/html; charset=utf-8">
<link rel="stylesheet" type="text/css" href="` + legacyOrigin + `/style/main.css">
<script type="text/javascript" src="/script/menu.js"></script>
<script type="text/javascript">
function openPlan(id) { if (id < 1 || !document.all) { return true; } window.open('/plan.asp?id=' + id, 'plan', 'width=640,height=480'); return false; }
</script>
</head>
<body bgcolor="#ffffff" onload="initMenu()">
<table width="760" border="0" cellspacing="0" cellpadding="2">
`

const pageTail = "</table>\n</body>\n</html>\n"

func pageRow(i int) string {
	mixed := uint32(i) * 2654435761 // Knuth's multiplier: the rows differ as real ones do
	origin := ""
	if i%20 == 1 {
		origin = legacyOrigin
	}
	return fmt.Sprintf(`<tr bgcolor="#%06x" style="font: 11px Verdana, sans-serif">
<td width="40" align="right" nowrap>%d&nbsp;</td>
<td><a href="%s/rates/plan.asp?id=%d&amp;tab=%d" class="link" onclick="return openPlan(%d)">Household plan %d</a></td>
<td style="background-image: url(../images/cell%d.gif)">from %d.%02d a month<br><font size="1" color="#666666">incl. tax, as of 1 March</font></td>
<td><img src="../images/icon%d.gif" width=12 height=12 alt=""><input type=checkbox name="p%d"></td></tr>
`, mixed>>8, i, origin, i, mixed%7, i, mixed%9000, mixed%5, mixed%190, mixed%100, mixed%12, i)
}
