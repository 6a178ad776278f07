package proxy_test

import "strings"

// form is what an attacker writes on a connection; a victim's request follows
// at once. PATH is the attacker's own path, SMUGGLED a request that no server
// may ever take for one.
type form struct {
	raw string
	// want is the statuses that the attacker sees, in order and without 1xx. After
	// "closed" the connection ended without an answer to the victim; else the
	// victim is answered on it.
	want string
}

const (
	refused  = "400 closed"
	anything = "" // sites differ, and may
	smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\nX-Smuggled: 1\r\n\r\n"
	postHead = "POST PATH HTTP/1.1\r\nHost: h\r\n"
	chunked  = postHead + "Transfer-Encoding: chunked\r\n\r\n"
	// The same as a chunked body and its rest, and as a chunk.
	ended  = "0\r\n\r\nSMUGGLED"
	hidden = "32\r\nSMUGGLED\r\n0\r\n\r\n"
)

// filled puts in the attacker's path and the smuggled request.
func (f form) filled(path string) string {
	return strings.NewReplacer("PATH", path, "SMUGGLED", smuggled).Replace(f.raw)
}

// lengthForms disagree about the length of the body.
var lengthForms = map[string]form{
	"a length, and a coding that ends before it":              {postHead + "Content-Length: 55\r\nTransfer-Encoding: chunked\r\n\r\n" + ended, refused},
	"a coding, and a length that ends before it":              {postHead + "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n" + hidden, refused},
	"a length of nothing beside a coding":                     {postHead + "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden, refused},
	"two lengths, the first one longer":                       {postHead + "Content-Length: 50\r\nContent-Length: 0\r\n\r\nSMUGGLED", refused},
	"two lengths, the second one longer":                      {postHead + "Content-Length: 0\r\nContent-Length: 50\r\n\r\nSMUGGLED", refused},
	"the same length twice":                                   {postHead + "Content-Length: 50\r\nContent-Length: 50\r\n\r\nSMUGGLED", refused},
	"a list of lengths":                                       {postHead + "Content-Length: 0, 50\r\n\r\nSMUGGLED", refused},
	"a length with a plus":                                    {postHead + "Content-Length: +50\r\n\r\nSMUGGLED", refused},
	"a length with a minus":                                   {postHead + "Content-Length: -50\r\n\r\nSMUGGLED", refused},
	"a hexadecimal length":                                    {postHead + "Content-Length: 0x32\r\n\r\nSMUGGLED", refused},
	"a length with a space in it":                             {postHead + "Content-Length: 0 50\r\n\r\nSMUGGLED", refused},
	"a length with a form feed":                               {postHead + "Content-Length: \x0c50\r\n\r\nSMUGGLED", refused},
	"a length with an underscore":                             {postHead + "Content_Length: 50\r\n\r\nSMUGGLED", refused},
	"a length with a space before the colon":                  {postHead + "Content-Length : 50\r\n\r\nSMUGGLED", refused},
	"a length beyond 64 bits":                                 {postHead + "Content-Length: 18446744073709551616\r\n\r\nSMUGGLED", refused},
	"a length with zeros before it":                           {postHead + "Content-Length: 00050\r\n\r\nSMUGGLED", "200"},
	"a length with space around it":                           {postHead + "Content-Length: \t 50 \t\r\n\r\nSMUGGLED", "200"},
	"a GET with a body":                                       {"GET PATH HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nSMUGGLED", "200"},
	"a HEAD with a body":                                      {"HEAD PATH HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nSMUGGLED", "200"},
	"a GET with a chunked body":                               {"GET PATH HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden, "200"},
	"a DELETE with a body":                                    {"DELETE PATH HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nSMUGGLED", "200"},
	"a POST without a length":                                 {postHead + "\r\n", "200"},
	"a body on HTTP/1.0":                                      {"POST PATH HTTP/1.0\r\nHost: h\r\nContent-Length: 50\r\n\r\nSMUGGLED", "200 closed"},
	"a body on HTTP/1.0 that keeps the connection":            {"POST PATH HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nContent-Length: 50\r\n\r\nSMUGGLED", "200"},
	"a length that Connection names":                          {postHead + "Connection: Content-Length\r\nContent-Length: 50\r\n\r\nSMUGGLED", "200"},
	"a coding that Connection names":                          {postHead + "Connection: Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden, "200"},
	"a Host that Connection names":                            {postHead + "Connection: Host\r\nContent-Length: 50\r\n\r\nSMUGGLED", "200"},
	"an expectation, and the body without waiting":            {postHead + "Expect: 100-continue\r\nContent-Length: 50\r\n\r\nSMUGGLED", "200"},
	"an expectation on a GET without a body":                  {"GET PATH HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\n\r\n", "200"},
	"an expectation that nobody knows":                        {postHead + "Expect: 200-ok\r\nContent-Length: 50\r\n\r\nSMUGGLED", "417 closed"},
	"an expectation twice":                                    {postHead + "Expect: 100-continue\r\nExpect: 100-continue\r\nContent-Length: 50\r\n\r\nSMUGGLED", "200"},
	"an upgrade to HTTP/2 in plain":                           {"GET PATH HTTP/1.1\r\nHost: h\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n", "200"},
	"an upgrade to HTTP/2 that does not name its settings":    {"GET PATH HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n", "200"},
	"an upgrade with a body":                                  {postHead + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nContent-Length: 50\r\n\r\nSMUGGLED", "200"},
	"a WebSocket's upgrade that the site does not take":       {"GET PATH HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 777\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n", "200"},
	"a method that asks to be another one, and a body":        {postHead + "X-HTTP-Method-Override: GET\r\nContent-Length: 50\r\n\r\nSMUGGLED", "200"},
	"an ordinary request before one that disagrees":           {"GET PATH HTTP/1.1\r\nHost: h\r\n\r\n" + postHead + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden, "200 400 closed"},
	"an ordinary request before half of a request line":       {"GET PATH HTTP/1.1\r\nHost: h\r\n\r\nGET /smuggled HTTP/1.1\nX: ", "200 400 closed"},
	"three requests at once, the middle one with a body":      {"GET PATH HTTP/1.1\r\nHost: h\r\n\r\n" + postHead + "Content-Length: 50\r\n\r\nSMUGGLEDGET PATH HTTP/1.1\r\nHost: h\r\n\r\n", "200 200 200"},
	"a body that begins with a prefix for the next request":   {postHead + "Content-Length: 34\r\n\r\nGET /smuggled HTTP/1.1\r\nX-Prefix: ", "200"},
	"a chunked body that ends with a prefix for the next one": {chunked + "22\r\nGET /smuggled HTTP/1.1\r\nX-Prefix: \r\n0\r\n\r\n", "200"},
}

// codingForms hide the coding from one of two servers.
var codingForms = func() map[string]form {
	forms := map[string]form{
		"a coding twice":                   {postHead + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden, refused},
		"a coding twice, one of them none": {postHead + "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n" + hidden, refused},
		"a folded coding":                  {postHead + "Transfer-Encoding:\r\n chunked\r\n\r\n" + hidden, refused},
		"a coding on a folded line":        {postHead + "X: a\r\n Transfer-Encoding: chunked\r\n\r\n" + hidden, refused},
		"a coding after a bare line feed":  {postHead + "Content-Length: 4\r\nX: a\nTransfer-Encoding: chunked\r\n\r\n" + hidden, refused},
		"a coding after a bare return":     {postHead + "Content-Length: 4\r\nX: a\rTransfer-Encoding: chunked\r\n\r\n" + hidden, refused},
		"a coding in an underscore's twin": {postHead + "Content-Length: 4\r\nTransfer_Encoding: chunked\r\n\r\n" + hidden, refused},
		"a coding before the colon's space": {
			postHead + "Content-Length: 4\r\nTransfer-Encoding : chunked\r\n\r\n" + hidden, refused},
		"a coding before the colon's tab": {
			postHead + "Content-Length: 4\r\nTransfer-Encoding\t: chunked\r\n\r\n" + hidden, refused},
		"a coding with a NUL in its name":      {postHead + "Content-Length: 4\r\nTransfer\x00-Encoding: chunked\r\n\r\n" + hidden, refused},
		"a coding with a high byte before it":  {postHead + "Content-Length: 4\r\n\xa0Transfer-Encoding: chunked\r\n\r\n" + hidden, refused},
		"a coding on HTTP/1.0":                 {"POST PATH HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n" + hidden, refused},
		"a coding in capitals":                 {postHead + "TRANSFER-ENCODING: CHUNKED\r\n\r\n" + hidden, "200"},
		"a coding with a tab before it":        {postHead + "Transfer-Encoding:\tchunked\r\n\r\n" + hidden, "200"},
		"a coding with a space after it":       {postHead + "Transfer-Encoding: chunked \r\n\r\n" + hidden, "200"},
		"a coding whose header has other name": {postHead + "X-Transfer-Encoding: chunked\r\nContent-Length: 50\r\n\r\nSMUGGLED", "200"},
	}
	for _, value := range []string{
		"chunked, identity", "identity, chunked", "xchunked", "chunkedx", "chunked;q=1", "gzip, chunked", "chunked, chunked",
		"\x0bchunked", "\x00chunked", "\"chunked\"", "chunked\x00", "chunked, ", ",chunked", "identity", "", "cow",
	} {
		forms["the coding "+strings.ToValidUTF8(value, "?")] = form{postHead + "Transfer-Encoding: " + value + "\r\n\r\n" + hidden, refused}
		forms["a length beside the coding "+value] = form{postHead + "Content-Length: 4\r\nTransfer-Encoding: " + value + "\r\n\r\n" + hidden, refused}
	}
	return forms
}()

// chunkForms disagree about where a chunk ends.
var chunkForms = map[string]form{
	"a chunk size of 64 bits and more":        {chunked + "10000000000000032\r\nSMUGGLED\r\n0\r\n\r\n", refused},
	"a chunk size that is negative":           {chunked + "-32\r\nSMUGGLED\r\n0\r\n\r\n", refused},
	"a chunk size with a prefix":              {chunked + "0x32\r\nSMUGGLED\r\n0\r\n\r\n", refused},
	"a chunk size with an underscore":         {chunked + "3_2\r\nSMUGGLED\r\n0\r\n\r\n", refused},
	"a chunk size with a space":               {chunked + "32 \r\nSMUGGLED\r\n0\r\n\r\n", refused},
	"a chunk size with zeros before it":       {chunked + "00000032\r\nSMUGGLED\r\n0\r\n\r\n", "200"},
	"a chunk's extension":                     {chunked + "32;a=b\r\nSMUGGLED\r\n0\r\n\r\n", "200"},
	"a line feed in a chunk's extension":      {chunked + "3;\nx\r\nabc\r\n0\r\n\r\n", refused},
	"a bare return in a chunk's extension":    {chunked + "32;a\rb\r\nSMUGGLED\r\n0\r\n\r\n", refused},
	"a chunk that ends with a line feed":      {chunked + "32\r\nSMUGGLED\n0\r\n\r\n", refused},
	"a chunk size that ends with a line feed": {chunked + "32\nSMUGGLED\r\n0\r\n\r\n", refused},
	"a chunk longer than its size":            {chunked + "5\r\nabcdefSMUGGLED\r\n0\r\n\r\n", refused},
	"a last chunk with two line feeds":        {chunked + "0\n\nSMUGGLED", refused},
	"a last chunk of many zeros":              {chunked + "32\r\nSMUGGLED\r\n000\r\n\r\n", "200"},
	"a length among the trailers":             {chunked + "3\r\nabc\r\n0\r\nContent-Length: 50\r\n\r\n", refused},
	"a coding among the trailers":             {chunked + "3\r\nabc\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n", refused},
	"a Host among the trailers":               {chunked + "3\r\nabc\r\n0\r\nHost: other\r\n\r\n", refused},
	"a folded trailer":                        {chunked + "3\r\nabc\r\n0\r\nX: a\r\n SMUGGLED\r\n\r\n", refused},
	"an ordinary trailer":                     {chunked + "3\r\nabc\r\n0\r\nX-Smuggled: 1\r\n\r\n", "200"},
	"a trailer that was announced":            {postHead + "Trailer: X-Smuggled\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-Smuggled: 1\r\n\r\n", "200"},
}

// lineForms disagree about lines, names and targets.
var lineForms = map[string]form{
	"bare line feeds":                          {"GET PATH HTTP/1.1\nHost: h\n\n", refused},
	"a bare line feed in a value":              {"GET PATH HTTP/1.1\r\nHost: h\r\nX: a\nX-Smuggled: 1\r\n\r\n", refused},
	"a bare return in a value":                 {"GET PATH HTTP/1.1\r\nHost: h\r\nX: a\rX-Smuggled: 1\r\n\r\n", refused},
	"two bare returns as the header's end":     {"GET PATH HTTP/1.1\r\nHost: h\r\r" + smuggled, refused},
	"a return, a return and a line feed":       {"GET PATH HTTP/1.1\r\nHost: h\r\r\nX: a\r\n\r\n", refused},
	"a NUL in a value":                         {"GET PATH HTTP/1.1\r\nHost: h\r\nX: a\x00X-Smuggled: 1\r\n\r\n", refused},
	"a NUL in the target":                      {"GET PATH\x00 HTTP/1.1\r\nHost: h\r\n\r\n", refused},
	"a folded value":                           {"GET PATH HTTP/1.1\r\nHost: h\r\nX: a\r\n\tb\r\n\r\n", refused},
	"a name with a space":                      {"GET PATH HTTP/1.1\r\nHost: h\r\nX Smuggled: 1\r\n\r\n", refused},
	"a name with a space before the colon":     {"GET PATH HTTP/1.1\r\nHost: h\r\nX-Smuggled : 1\r\n\r\n", refused},
	"a name with a high byte":                  {"GET PATH HTTP/1.1\r\nHost: h\r\nX-\xffSmuggled: 1\r\n\r\n", refused},
	"a name with a parenthesis":                {"GET PATH HTTP/1.1\r\nHost: h\r\nX(Smuggled: 1\r\n\r\n", refused},
	"no name":                                  {"GET PATH HTTP/1.1\r\nHost: h\r\n: 1\r\n\r\n", refused},
	"no colon":                                 {"GET PATH HTTP/1.1\r\nHost: h\r\nX-Smuggled\r\n\r\n", refused},
	"a space before the first header":          {"GET PATH HTTP/1.1\r\n Content-Length: 50\r\nHost: h\r\n\r\nSMUGGLED", refused},
	"a value with high bytes":                  {"GET PATH HTTP/1.1\r\nHost: h\r\nX: \xff\xc4\x8d\xc4\x8a\r\n\r\n", "200"},
	"characters whose low bytes end a line":    {"GET PATH HTTP/1.1\r\nHost: h\r\nX: \u010d\u010aX-Smuggled: 1\u010d\u010a\r\n\r\n", "200"},
	"a target with an encoded line end":        {"GET PATH%0d%0aX-Smuggled:%201 HTTP/1.1\r\nHost: h\r\n\r\n", "200"},
	"a posted target with an encoded line end": {"POST PATH%20HTTP/1.1%0d%0aX-Smuggled:%201 HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nSMUGGLED", "200"},
	"two Hosts":                                {"GET PATH HTTP/1.1\r\nHost: h\r\nHost: other\r\n\r\n", refused},
	"no Host":                                  {"GET PATH HTTP/1.1\r\nX: y\r\n\r\n", refused},
	"a Host with a line's end encoded":         {"GET PATH HTTP/1.1\r\nHost: h%0d%0aX-Smuggled:1\r\n\r\n", "400"},
	"a Host with a path":                       {"GET PATH HTTP/1.1\r\nHost: h/smuggled\r\n\r\n", refused},
	"an absolute target and another Host":      {"GET http://other.example/smuggled HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
	"an absolute target of ours":               {"GET http://h/smuggled HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
	"an absolute target with a body":           {"POST http://h/smuggled HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nSMUGGLED", "400"},
	"a target that is an authority":            {"GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
	"a target of two slashes":                  {"GET //other.example/smuggled HTTP/1.1\r\nHost: h\r\n\r\n", "200"},
	"a target that is a star":                  {"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n", "200"},
	"a target with a fragment":                 {"GET PATH#frag HTTP/1.1\r\nHost: h\r\n\r\n", "200"},
	"CONNECT":                                  {"CONNECT other.example:443 HTTP/1.1\r\nHost: other.example:443\r\n\r\n", "400"},
	"a space in the target":                    {"GET PATH HTTP/1.1 HTTP/1.1\r\nHost: h\r\n\r\n", refused},
	"a tab in the request line":                {"GET\tPATH HTTP/1.1\r\nHost: h\r\n\r\n", refused},
	"HTTP/0.9":                                 {"GET PATH\r\n\r\n", refused},
	"HTTP/1.2":                                 {"GET PATH HTTP/1.2\r\nHost: h\r\n\r\n", refused},
	"HTTP/2's preface cut short":               {"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\nSMUGGLED", refused},
	"a method with a control byte":             {"GE\x01T PATH HTTP/1.1\r\nHost: h\r\n\r\n", refused},
	"an uncommon method":                       {"PROPFIND PATH HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\nSMUGGLED", "200"},
	"an empty line before the request":         {"\r\nGET PATH HTTP/1.1\r\nHost: h\r\n\r\n", refused},
	"headers that say twice who the client is": {"GET PATH HTTP/1.1\r\nHost: h\r\nX-Forwarded-For: 6.6.6.6\r\nX-Forwarded-For: 7.7.7.7\r\n\r\n", "200"},
}

// forms are all of them.
func forms() map[string]form {
	all := map[string]form{}
	for _, list := range []map[string]form{lengthForms, codingForms, chunkForms, lineForms} {
		for name, f := range list {
			all[name] = f
		}
	}
	return all
}
