package replayui

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/archive/wacz"
	"github.com/pillion-dev/pillion/events"
)

// markedAs is the header that tells what a page in a WACZ is: not what the site
// sent, but the page as it was in the user's browser, with the record's offset.
const markedAs = "Pillion-Page-State"

// emptyHash is the SHA-256 of nothing, which is what a redirect has for a body.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// ExportWACZ writes the archived responses of a recording as a WACZ, and each
// page as it was when it was first seen. It holds one response in memory at a
// time, and the top and manifest. progress is told how much was done, from 0 to 1.
func ExportWACZ(ctx context.Context, w io.Writer, e *Exported, progress func(float64)) error {
	out, err := wacz.NewWriter(w, wacz.Info{
		Title:   "Recording " + e.session() + ": " + e.info.Title,
		Created: e.Start, Software: "Pillion",
		Description: "Files are the bytes that the site sent. Pages are none: each is the page as it was in the user's browser when it was first recorded, masked, and marked with the header " + markedAs + ".",
	})
	if err != nil {
		return err
	}
	if err := e.pagesInto(ctx, out, progress); err != nil {
		return err
	}
	written := map[string]bool{}
	for i, c := range e.files.Captures {
		if err := ctx.Err(); err != nil {
			return err
		}
		progress(0.3 + 0.7*float64(i)/float64(len(e.files.Captures)))
		key := c.URL + " " + string(c.Ref) + c.Location
		if c.Ref == "" && c.Location == "" || written[key] {
			continue
		}
		written[key] = true
		if err := e.responseInto(ctx, out, c); err != nil {
			return err
		}
	}
	for _, part := range e.parts() {
		if part.name != "top" && part.name != "stamp" && part.name != manifestFile {
			continue
		}
		b, err := part.read(ctx)
		if err != nil {
			return err
		}
		out.Add(sealedPrefix+part.name, b)
	}
	progress(1)
	return out.Close()
}

// What was sealed stands below a prefix, so that a file can be checked by the
// signature that was made then: the signed top, its time stamp, and the manifest,
// which has the hash of every response.
const (
	sealedPrefix = "pillion/"
	manifestFile = "manifest.zst"
)

// responseInto adds an archived response. What the archive lost is left out: the
// recording's verification tells of it.
func (e *Exported) responseInto(ctx context.Context, out *wacz.Writer, c archive.PageCapture) error {
	r := responseOf(c)
	r.Time = e.seen(c)
	if c.Ref == "" {
		r.Body = http.NoBody
		return out.Response(r)
	}
	body, err := e.Asset(ctx, c)
	if errors.Is(err, archive.ErrAbsent) || errors.Is(err, archive.ErrDamaged) {
		return nil
	}
	if err != nil {
		return err
	}
	r.Size, r.Body = int64(len(body)), bytes.NewReader(body)
	return out.Response(r)
}

// responseOf is a capture as a response, without its body.
func responseOf(c archive.PageCapture) wacz.Response {
	if c.Ref == "" {
		return wacz.Response{URL: c.URL, Time: c.Time, Status: c.Status, Header: map[string]string{"Location": c.Location}, Hash: emptyHash}
	}
	header := map[string]string{"Content-Type": c.Type}
	for name, value := range c.Header {
		header[name] = value
	}
	return wacz.Response{URL: c.URL, Time: c.Time, Status: c.Status, Header: header, Hash: strings.TrimPrefix(string(c.Ref), "sha256-"), Size: c.Size}
}

// seen is when a page saw a response: when it came, else when the page did.
func (e *Exported) seen(c archive.PageCapture) time.Time {
	if !c.Time.IsZero() {
		return c.Time
	}
	for _, p := range e.pages {
		if uint32(p.Page) == c.Page {
			return e.Start.Add(time.Duration(p.T) * time.Millisecond)
		}
	}
	return e.Start
}

// pagesInto adds every page as it was at first.
func (e *Exported) pagesInto(ctx context.Context, out *wacz.Writer, progress func(float64)) error {
	had := map[events.PageID]bool{}
	for n := range e.Segments {
		progress(0.3 * float64(n) / float64(len(e.Segments)))
		b, err := e.SegmentBytes(ctx, n)
		if err != nil {
			return err
		}
		err = archive.Each(b, func(record []byte) error {
			r, err := events.DecodeRecord(record)
			if err != nil || r.Kind != events.KindPageState || had[r.Page] {
				return err
			}
			had[r.Page] = true
			return pageInto(out, &r)
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// pageInto adds a page state as the page that it is of.
func pageInto(out *wacz.Writer, r *events.Record) error {
	s, err := events.DecodeState(r.Payload)
	if err != nil {
		return errors.Join(archive.ErrDamaged, err)
	}
	url, _, _ := strings.Cut(s.Document.Text, "#")
	if !strings.HasPrefix(url, "http://") && !strings.HasPrefix(url, "https://") {
		return nil // about:blank, for one: no response can be under it
	}
	text := markupOf(s)
	sum := sha256.Sum256([]byte(text))
	err = out.Response(wacz.Response{
		URL: url, Time: r.Time, Hash: hex.EncodeToString(sum[:]), Size: int64(len(text)), Body: strings.NewReader(text),
		Header: map[string]string{"Content-Type": "text/html; charset=utf-8", markedAs: fmt.Sprintf("offset=%d", r.Offset)},
	})
	if err == nil {
		out.Page(wacz.Page{URL: url, Title: s.Title, Time: r.Time})
	}
	return err
}
