package wacz

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// Response is an answer that was archived.
type Response struct {
	URL    string
	Time   time.Time
	Status int // 0 means 200
	Header map[string]string
	Hash   string // SHA-256 of the body, hexadecimal
	Size   int64  // of the body, in bytes
	Body   io.Reader
}

// Response adds an archived answer. Its body has to have the size that was told.
func (w *Writer) Response(r Response) error {
	if w.err != nil {
		return w.err
	}
	u, err := url.Parse(r.URL)
	if err != nil || u.Host == "" || strings.ContainsAny(r.URL, " \r\n\t") {
		return fmt.Errorf("response of %q: no absolute URL", r.URL)
	}
	r.Status = cmp.Or(r.Status, http.StatusOK)
	head := Head(r)
	start := w.warc.size
	w.err = w.record([]field{
		{"WARC-Type", "response"}, {"WARC-Target-URI", r.URL}, {"WARC-Payload-Digest", "sha256:" + r.Hash},
		{"Content-Type", "application/http; msgtype=response"},
	}, r.Time, int64(len(head))+r.Size, io.MultiReader(bytes.NewReader(head), r.Body))
	if w.err != nil {
		return w.err
	}
	media, _, err := mime.ParseMediaType(r.Header["Content-Type"])
	if err != nil {
		media = "unk"
	}
	line, err := json.Marshal(map[string]string{
		"url": r.URL, "mime": media, "status": fmt.Sprint(r.Status), "digest": "sha256:" + r.Hash,
		"length": fmt.Sprint(w.warc.size - start), "offset": fmt.Sprint(start), "filename": "data.warc.gz",
	})
	if err != nil {
		return err
	}
	w.index = append(w.index, searchKey(u)+" "+r.Time.UTC().Format("20060102150405")+" "+string(line))
	return nil
}

// Head is an answer's head as it stands in a file, in HTTP/1.1. The body is decoded.
func Head(r Response) []byte {
	var b bytes.Buffer
	r.Status = cmp.Or(r.Status, http.StatusOK)
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\n", r.Status, http.StatusText(r.Status))
	names := make([]string, 0, len(r.Header))
	for name := range r.Header {
		switch http.CanonicalHeaderKey(name) {
		case "Content-Length", "Content-Encoding", "Transfer-Encoding":
		default:
			names = append(names, name)
		}
	}
	slices.Sort(names)
	clean := strings.NewReplacer("\r", " ", "\n", " ", "\x00", " ")
	for _, name := range names {
		fmt.Fprintf(&b, "%s: %s\r\n", clean.Replace(name), clean.Replace(r.Header[name]))
	}
	fmt.Fprintf(&b, "Content-Length: %d\r\n\r\n", r.Size)
	return b.Bytes()
}

type field struct{ name, value string }

// warcinfo says what wrote the file.
func (w *Writer) warcinfo() error {
	text := fmt.Sprintf("software: %s\r\nformat: WARC File Format 1.1\r\ndescription: %s\r\n", w.info.Software, strings.ReplaceAll(w.info.Description, "\n", " "))
	return w.record([]field{{"WARC-Type", "warcinfo"}, {"WARC-Filename", "data.warc.gz"}, {"Content-Type", "application/warc-fields"}},
		w.info.Created, int64(len(text)), strings.NewReader(text))
}

// errSize is returned for a body that has not the size that was told.
var errSize = errors.New("the body has not the size that was told")

// record writes a WARC record as a gzip member of its own.
func (w *Writer) record(fields []field, at time.Time, size int64, block io.Reader) error {
	z := gzip.NewWriter(w.warc)
	var b bytes.Buffer
	b.WriteString("WARC/1.1\r\n")
	id := make([]byte, 16)
	_, _ = rand.Read(id) // never fails (crypto/rand)
	id[6], id[8] = id[6]&0x0f|0x40, id[8]&0x3f|0x80
	fields = append(fields,
		field{"WARC-Record-ID", fmt.Sprintf("<urn:uuid:%x-%x-%x-%x-%x>", id[:4], id[4:6], id[6:8], id[8:10], id[10:])},
		field{"WARC-Date", at.UTC().Format("2006-01-02T15:04:05.000000Z")}, field{"Content-Length", fmt.Sprint(size)})
	for _, f := range fields {
		fmt.Fprintf(&b, "%s: %s\r\n", f.name, f.value)
	}
	b.WriteString("\r\n")
	if _, err := z.Write(b.Bytes()); err != nil {
		return err
	}
	n, err := io.Copy(z, io.LimitReader(block, size+1))
	if err == nil && n != size {
		err = errSize
	}
	if err != nil {
		return err
	}
	if _, err := io.WriteString(z, "\r\n\r\n"); err != nil {
		return err
	}
	return z.Close()
}

// searchKey is a URL in the form that indexes sort by: the host's names from
// the last to the first, then the path, all in small letters.
func searchKey(u *url.URL) string {
	host := strings.ToLower(u.Hostname())
	host = strings.TrimPrefix(host, "www.")
	if strings.Trim(host, "0123456789.") != "" && !strings.Contains(host, ":") {
		names := strings.Split(host, ".")
		slices.Reverse(names)
		host = strings.Join(names, ",")
	}
	if port := u.Port(); port != "" && u.Scheme+port != "http80" && u.Scheme+port != "https443" {
		host += ":" + port
	}
	path := u.EscapedPath()
	if path == "" {
		path = "/"
	}
	if u.RawQuery != "" {
		parts := strings.Split(u.RawQuery, "&")
		slices.Sort(parts)
		path += "?" + strings.Join(parts, "&")
	}
	return host + ")" + strings.ToLower(path)
}
