package events

import (
	"fmt"
	"strings"
)

// Node ids of the sample page: a field, one in a masked part, one whose value is
// masked, one that was there.
const (
	fieldNode  NodeID = 30
	hiddenNode NodeID = 20
	secretNode NodeID = 5
	goneNode   NodeID = 7
)

func (p *play) masks() {
	p.sends(KindPageEvents, (&Batch{Events: []PageEvent{
		{Op: OpAttr, ID: 19, Name: maskedAttr}, {Op: OpAttr, ID: 8, Name: maskedAttr}, {Op: OpAttr, ID: 11, Name: maskedAttr},
		{Op: OpValue, ID: secretNode, N: [4]int64{1}, Text: "********"}, {Op: OpRemove, ID: goneNode},
	}}).Append(nil))
}

// valid is what each action takes; the first control is that it reaches the page.
var valid = map[Action]struct{ node, value string }{
	ActionClick: {"30", ""}, ActionDoubleClick: {"30", ""}, ActionHover: {"30", ""}, ActionFill: {"30", "Ann"}, ActionCheck: {"30", ""},
	ActionUncheck: {"30", ""}, ActionSelect: {"30", "0,2"}, ActionFocus: {"30", ""}, ActionScroll: {"30", "0,120.5"}, ActionKey: {"30", "Shift+Tab"},
	ActionNavigate: {"0", "/next?a=b#c"}, ActionBack: {"0", ""}, ActionForward: {"0", ""},
}

// request writes a message; SEEN stands for the newest offset.
func request(page, node, action, value, seen, ref string) string {
	return fmt.Sprintf(`{"type":"request","page":%s,"node":%s,"action":%s,"value":%s,"seen":%s,"ref":%s}`, page, node, action, value, seen, ref)
}

func quote(s string) string { return string(mustJSON(s)) }

func of(action Action, node, value string) string {
	return request("1", node, quote(string(action)), quote(value), "SEEN", `"r"`)
}

func navigate(url string) string { return of(ActionNavigate, "0", url) }

func lines(s string) []string { return strings.Split(strings.Trim(s, "\n"), "\n") }

// forgedTargets lead elsewhere, or look as if they did not; the page is http://site/enrol?x=1.
var forgedTargets = append(lines(`
javascript:alert(1)
JavaScript:alert(1)
JAVASCRIPT:alert(1)
javascript://site/%0aalert(1)
javascript:http://site/
jAvAsCrIpT:void(0)
vbscript:msgbox(1)
VBScript:x
livescript:x
mocha:x
data:text/html,<script>alert(1)</script>
data:text/html;base64,PHNjcmlwdD4=
DATA:text/html,x
data:image/svg+xml,<svg onload=alert(1)>
data:,x
blob:http://site/0b4d
blob:null/0b4d
filesystem:http://site/temporary/x
file:///etc/passwd
file://site/x
ftp://site/
ws://site/
wss://site/
about:blank
about:srcdoc
view-source:http://site/
chrome://settings
chrome-extension://abc/x
moz-extension://abc/x
resource://x
jar:http://site/!/x
intent://site/#Intent;end
mailto:ann@site
tel:123
sms:123
magnet:?x
ms-settings:x
https://site/
HTTPS://site/
httpx://site/
http://evil/
HTTP://EVIL/
http://evil.example/
http://site.evil.example/
http://evil-site/
http://sitee/
http://sit/
http://www.site/
http://site./
http://site:8080/
http://site:80/
http://site:443/
http://site:0/
http://site:/
http://site:99999/
http://site:x/
http://127.0.0.1/
http://2130706433/
http://0x7f000001/
http://[::1]/
http://[::ffff:127.0.0.1]/
http://localhost/
http://169.254.169.254/latest/meta-data
http://user@site/
http://user:password@site/
http://site@evil/
http://site:80@evil/
http://site%40evil/
http://site%2eevil/
http://s%69te/
http://site%00/
http://site%09/
http://site%20/
http://%73ite/
http://ｓｉｔｅ/
http://ѕite/
http://sіte/
http://xn--ite-tdd/
http://site。evil/
http://site．evil/
http://ſite/
http://sıte/
http:evil
http:/evil/
http:///evil/
http:////evil/
http:\\evil\
http:\/\/evil/
http://evil\@site/
http://site\.evil/
http://site\@evil/
//evil/
//evil
//evil@site/
//site:81/
//user@site/
///evil/
////evil/
/////evil/
\\evil\
\/evil/
/\evil/
/\/evil
\evil
/next\..\x
/a\b
?a=\
#\
`),
	"", " ", "\t", " javascript:alert(1)", "\x01javascript:alert(1)", "java\nscript:alert(1)", "java\tscript:alert(1)", "java\rscript:alert(1)", "javascript\x00:alert(1)",
	"\u00a0javascript:alert(1)", "\u2028javascript:x", "/ok ", " /ok", "/a b", "/a\x00b", "/a\x7fb", "/a\u0085b", "/\nevil", "/\t/evil/", "\t//evil/", "h\nttp://evil/", "http://si\nte/", "http://site\t/", "ht\ttp://site/",
	"http://site/\x00", "\ufffd", "/"+strings.Repeat("a", maxValue), "http://"+strings.Repeat("a", 5000)+"/", "http://site/%zz", "%zz", ":", "::", ":foo", "1http://site/", "http://[site/", "http://site]/", "http://si<te/", "http://si te/", "http://site|/",
)

func forgedActions() (list []forgery) {
	for _, a := range append(lines(`
eval
script
run
exec
execute
submit
type
press
open
reload
close
print
upload
download
drag
drop
paste
copy
cut
setAttribute
innerHTML
html
attribute
style
select-text
Click
CLICK
FILL
fill;click
fill,click
click|fill
click()
onclick
__proto__
constructor
prototype
toString
valueOf
hasOwnProperty
undefined
null
0
*
`), "", " ", "click ", " click", "cl\u0131ck", "click\x00", "click\n", "\u0441lick", "cli\u200bck", strings.Repeat("click", 1000)) {
		list = append(list, forgery{name: fmt.Sprintf("action %.20q", a), message: request("1", "30", quote(a), `""`, "SEEN", `"r"`)})
	}
	return list
}

func forgedNodes() (list []forgery) {
	masks := func(p *play) { p.masks() }
	for a, v := range valid {
		if a.onPage() {
			list = append(list, forgery{name: string(a) + " with a node", message: of(a, "30", v.value)})
			continue
		}
		for name, node := range map[string]NodeID{"no node": 0, "an unknown node": 999, "a node that is gone": goneNode, "a node in a masked part": hiddenNode,
			"a text in one": 21, "a node whose value is masked": secretNode, "a shadow root in a masked host": 10, "a masked frame's document": 13} {
			list = append(list, forgery{name: string(a) + " on " + name, message: of(a, fmt.Sprint(node), v.value), before: masks})
		}
	}
	for _, node := range []string{"4294967295", "4294967296", "9007199254740993", "18446744073709551615", "18446744073709551616", "-1", "30.5", "3e1", "1e400", "0x1e", "030", "NaN", "Infinity", `"30"`, "true", "[30]", "{}", "null"} {
		list = append(list, forgery{name: "node " + node, message: of(ActionClick, node, "")})
	}
	return list
}

func forgedValues() (list []forgery) {
	add := func(a Action, values ...string) {
		for _, v := range values {
			list = append(list, forgery{name: fmt.Sprintf("%s %.30q", a, v), message: of(a, valid[a].node, v)})
		}
	}
	for _, a := range []Action{ActionClick, ActionDoubleClick, ActionHover, ActionCheck, ActionUncheck, ActionFocus, ActionBack, ActionForward} {
		add(a, "x", "javascript:alert(1)")
	}
	add(ActionKey, "", "a", "A", "1", "é", " ", "enter", "ENTER", "Enter ", "Enter\n", "Enter+Tab", "F1", "F5", "F12", "Ctrl+W", "Control+c", "Alt+F4", "Meta+Q", "Ctrl+Enter", "Shift+Enter", "shift+tab",
		"Tab+Shift", "Dead", "Unidentified", "PrintScreen", "Insert", "ContextMenu", "BrowserBack", "Escape,Enter", "Backspace\x00", "Arrow", strings.Repeat("Tab", 100))
	add(ActionSelect, "a", "-1", "0,", ",0", "0;1", "0 1", "1e3", "0x1", "1.5", "9999999", "0,,1", "all", "*", "\n", "0\n", "٣", strings.Repeat("0,", 9000)+"0")
	add(ActionScroll, "", "0", "a,b", "1,2,3", "NaN,NaN", "Infinity,0", "1e9,0", "--1,0", "0x10,0", " 1,2", "1, 2", "1,2 ", "+1,2", ",", "1,", ",1", "99999999999,0", "1.,2", "1\n,2", "top,left")
	add(ActionFill, strings.Repeat("x", maxValue+1), strings.Repeat("é", maxValue/2+1))
	for _, url := range forgedTargets {
		list = append(list, forgery{name: fmt.Sprintf("to %.60q", url), message: navigate(url)})
	}
	return list
}

func forgedEnvelopes() (list []forgery) {
	base := func(page, seen, ref string) string { return request(page, "30", `"fill"`, `"v"`, seen, ref) }
	add := func(name, message string) { list = append(list, forgery{name: name, message: message}) }
	for _, page := range []string{"0", "2", "4294967295", "4294967296", "-1", "1.5", `"1"`, "null", "true", "[1]"} {
		add("page "+page, base(page, "SEEN", `"r"`))
	}
	for _, seen := range []string{"0", "1", "5", "99", "1000000", "18446744073709551615", "18446744073709551616", "-1", "7.5", "1e9", `"8"`, "null", "true", "{}"} {
		add("seen "+seen, base("1", seen, `"r"`))
	}
	for _, ref := range []string{`""`, "null", "7", "true", `["r"]`, `{}`, quote(strings.Repeat("r", maxRef+1))} {
		add("ref "+ref[:min(len(ref), 20)], base("1", "SEEN", ref))
	}
	for _, value := range []string{"7", "true", `["v"]`, `{"v":1}`, "NaN"} {
		add("value "+value, request("1", "30", `"fill"`, value, "SEEN", `"r"`))
	}
	for _, action := range []string{"7", "true", `["fill"]`, `{}`, "null"} {
		add("action "+action, request("1", "30", action, `"v"`, "SEEN", `"r"`))
	}
	good := of(ActionFill, "30", "v")
	for name, message := range map[string]string{
		"nothing": "", "null": "null", "a number": "1", "a list": "[" + good + "]", "a string": quote(good), "cut short": good[:len(good)-1], "two": good + good, "trailing": good + "x",
		"single quotes": strings.ReplaceAll(good, `"`, `'`), "a comment": "/**/" + good, "a byte order mark": "\ufeff" + good, "deep": `{"type":"request","x":` + strings.Repeat("[", 30_000) + "}",
		"deep and closed": `{"type":"request","x":` + strings.Repeat("[", 15_000) + strings.Repeat("]", 15_000) + good[len(`{"type":"request"`):], "not UTF-8": strings.ReplaceAll(good, `"fill"`, "\"fi\xff\xfell\""),
		"no type": strings.ReplaceAll(good, `"type":"request",`, ""), "a type of another case": strings.ReplaceAll(good, `"request"`, `"Request"`), "a type that is a number": strings.ReplaceAll(good, `"request"`, `1`),
		"no action": strings.ReplaceAll(good, `"action":"fill",`, ""), "no page": strings.ReplaceAll(good, `"page":1,`, ""), "no seen": strings.ReplaceAll(good, `"seen":SEEN,`, ""), "no ref": strings.ReplaceAll(good, `,"ref":"r"`, ""), "no node": strings.ReplaceAll(good, `"node":30,`, ""),
		"an action twice": strings.ReplaceAll(good, `"action":"fill"`, `"action":"fill","action":"eval"`), "an action in two cases": strings.ReplaceAll(good, `"action":"fill"`, `"action":"fill","ACTION":"eval"`),
		"a node twice": strings.ReplaceAll(good, `"node":30`, `"node":30,"node":999`), "a ref twice": strings.ReplaceAll(good, `"ref":"r"`, `"ref":"r","ref":""`), "a page twice": strings.ReplaceAll(good, `"page":1`, `"page":1,"page":9`),
		"a target twice": strings.ReplaceAll(navigate("/ok"), `"value":"/ok"`, `"value":"/ok","value":"//evil/"`),
	} {
		add("JSON: "+name, message)
	}
	for _, kind := range []string{"eval", "confirm", "confirmation", "consent", "hello", "start", "join", "resync", "expire", "fetch", "ended", "ack", "lock", "level", "record", "file", "upload", "download", "binary", "welcome", "__proto__"} {
		add("a message of type "+kind, strings.ReplaceAll(good, `"request"`, quote(kind)))
	}
	return list
}

func forgedDrawings() (list []forgery) {
	add := func(name, message string) { list = append(list, forgery{name: "drawing: " + name, message: message}) }
	draw := func(shape, node, points string) string {
		return fmt.Sprintf(`{"type":"draw","page":1,"drawing":{"id":1,"shape":%s,"node":%s,"points":%s}}`, shape, node, points)
	}
	for _, shape := range []string{`""`, `"circle"`, `"Arrow"`, `"text"`, `"image"`, `"html"`, `"arrow "`, "1", "null", `["box"]`} {
		add("shape "+shape, draw(shape, "30", "[0,0,1,1]"))
	}
	many := "[0" + strings.Repeat(",0", 2*maxPoints+1) + "]"
	for shape, points := range map[string][]string{
		"arrow": {"[]", "[0]", "[0,0]", "[0,0,1]", "[0,0,1,1,1]", "null", "[101,0,0,0]", "[0,-101,0,0]", "[1e300,0,0,0]", "[1e400,0,0,0]", "[null,0,0]", `["0",0,0,0]`, "[[0,0],[1,1]]", `"0,0,1,1"`, "{}", "[NaN,0,0,0]"},
		"box":   {"[]", "[0,0,0]", "[0,0,0,0,0,0]"}, "free": {"[]", "[0,0]", "[0,0,0]", "[0,0,0,0,0]", many}, "highlight": {"[0]", "[0,0,1,1]"},
	} {
		for _, list := range points {
			add(shape+" "+list[:min(len(list), 20)], draw(quote(shape), "30", list))
		}
	}
	for _, node := range []string{"0", "999", "-1", `"30"`, "30.5", "null"} {
		add("node "+node, draw(`"highlight"`, node, "[]"))
	}
	add("no drawing", `{"type":"draw","page":1}`)
	add("of another page", strings.ReplaceAll(draw(`"highlight"`, "30", "[]"), `"page":1`, `"page":2`))
	for _, at := range []string{`"x":1e300`, `"x":-1e8`, `"y":"0"`, `"vx":1e400`, `"vy":1e9`, `"node":-1`, `"down":1`, `"page":2`} {
		add("pointer "+at, `{"type":"pointer","page":1,"node":30,`+at+`}`)
	}
	return list
}

// forgedMoments are good requests that come when they must not.
func forgedMoments() (list []forgery) {
	var other *AgentLink
	by := func(*play) *AgentLink { return other }
	says := func(format string, args ...any) func(*play) {
		return func(p *play) { p.says(p.ul, format, args...) }
	}
	moments := map[string]forgery{
		"at level view": {before: says(`{"type":"level","level":"view"}`)}, "at level point": {before: says(`{"type":"level","level":"point"}`)},
		"without control": {by: by, before: func(p *play) { other, _ = p.brings(bob); p.allowsBob() }},
		"not allowed yet": {by: by, before: func(p *play) { other, _ = p.brings(bob) }},
		"refused": {by: by, before: func(p *play) {
			other, p.ann = p.brings(bob)
			p.says(p.ul, `{"type":"consent","participant":3,"allow":false}`)
		}},
		"after leaving":            {before: func(p *play) { p.brings(bob); p.allowsBob(); p.says(p.al, `{"type":"leave"}`) }},
		"after the end":            {before: says(`{"type":"end"}`)},
		"control was lost":         {before: func(p *play) { p.brings(bob); p.allowsBob(); p.says(p.al, `{"type":"hand","to":3}`) }},
		"the page is away":         {before: func(p *play) { p.ul.Gone() }},
		"a page state came":        {seen: "6", before: func(p *play) { p.sends(KindPageState, samplePage().Append(nil)) }},
		"another page is in front": {before: func(p *play) { p.page(FromUser{URL: "http://site/2"}) }},
		"its name was used":        {before: func(p *play) { p.asks(p.al, func(m *FromAgent) { m.Ref = "r" }) }},
		"more was seen before": {before: func(p *play) {
			p.session.mu.Lock()
			p.al.lastSeen = p.session.offset + 1
			p.session.mu.Unlock()
		}},
		"too many before": {before: func(p *play) {
			p.al.who.requests.take(p.clock.Now(), requestsPerSecond, requestsAtOnce, requestsAtOnce)
		}},
		"far too many before": {before: func(p *play) {
			p.al.who.requests = bucket{at: p.clock.Now(), since: p.clock.Now(), refused: tooManyRefused}
		}},
		"masked meanwhile": {before: func(p *play) {
			p.sends(KindPageEvents, (&Batch{Events: []PageEvent{{Op: OpAttr, ID: 3, Name: maskedAttr}}}).Append(nil))
		}},
		"the page broke": {before: func(p *play) {
			p.sends(KindPageEvents, (&Batch{Events: []PageEvent{{Op: OpText, ID: 999}}}).Append(nil))
		}},
	}
	for name, m := range moments {
		for _, a := range []Action{ActionFill, ActionClick} {
			m.name, m.message = string(a)+": "+name, of(a, "30", valid[a].value)
			list = append(list, m)
		}
	}
	return list
}
