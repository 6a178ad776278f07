package replayui

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"html"
	"io"
	"strings"

	"github.com/pillion-dev/pillion/archive"
)

// offlinePolicy lets the page run the one script that is its player, and load
// nothing but what it holds. The frame in which pages are shown inherits it.
const offlinePolicy = "default-src 'none'; script-src '%s'; style-src 'unsafe-inline' blob: data:; img-src blob: data:; font-src blob: data:; " +
	"media-src blob: data:; form-action 'none'; base-uri 'none'"

const offlineHead = `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="%s">
<meta name="referrer" content="no-referrer">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%s</title>
<link rel="icon" href="data:,">
<style>%s</style>
</head>
<body>
<div id="app"><main class="center"><p role="status">The recording is being read from the file…</p></main></div>
<script type="module">%s</script>
`

// partPiece is how much of a part one element holds: a multiple of 3, so that
// base64 needs no padding in between.
const partPiece = 3 << 18

// ExportHTML writes a recording as one HTML page that shows, searches and checks
// itself without a server. It holds one part in memory at a time. progress is
// told how much was done, from 0 to 1.
func ExportHTML(ctx context.Context, w io.Writer, e *Exported, progress func(float64)) error {
	files, err := bundle()
	if err != nil {
		return err
	}
	script := files["offline.js"].plain
	if bytes.Contains(bytes.ToLower(script), []byte("</script")) || bytes.Contains(script, []byte("<!--")) {
		return errors.New("the player's script cannot stand in a page: it has the end of one in it")
	}
	sum := sha256.Sum256(script)
	policy := fmt.Sprintf(offlinePolicy, "sha256-"+base64.StdEncoding.EncodeToString(sum[:]))
	out := bufio.NewWriterSize(w, 64<<10)
	title := "Recording of " + e.Start.Format("2 January 2006 15:04") + " UTC"
	if e.info.Title != "" {
		title = e.info.Title + ": " + title
	}
	if _, err := fmt.Fprintf(out, offlineHead, policy, html.EscapeString(title), files["style.css"].plain, script); err != nil {
		return err
	}
	p := partWriter{out: out}
	if err := e.partsInto(ctx, &p, progress); err != nil {
		return err
	}
	if _, err := out.WriteString("</body>\n</html>\n"); err != nil {
		return err
	}
	progress(1)
	return out.Flush()
}

// partsInto writes what the recording is made of, and each of its assets once.
func (e *Exported) partsInto(ctx context.Context, p *partWriter, progress func(float64)) error {
	parts := e.parts()
	steps := float64(len(parts) + len(e.files.Captures) + 1)
	for i, part := range parts {
		content, err := part.read(ctx)
		if err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		if err := p.write(part.name, content); err != nil {
			return err
		}
		progress(float64(i) / steps)
	}
	written := map[archive.Ref]bool{}
	for i, c := range e.files.Captures {
		if err := ctx.Err(); err != nil {
			return err
		}
		progress(float64(len(parts)+i) / steps)
		if c.Ref == "" || written[c.Ref] {
			continue
		}
		written[c.Ref] = true
		content, err := e.Asset(ctx, c)
		if errors.Is(err, archive.ErrAbsent) || errors.Is(err, archive.ErrDamaged) {
			continue // the page's own check says so
		}
		if err != nil {
			return err
		}
		if err := p.write("assets/"+string(c.Ref), content); err != nil {
			return err
		}
	}
	return nil
}

// partWriter writes parts as elements that no browser runs or draws.
type partWriter struct{ out *bufio.Writer }

func (p *partWriter) write(name string, content []byte) error {
	if strings.ContainsAny(name, `"<>&`) {
		return fmt.Errorf("part %q: no name for one", name)
	}
	for first := true; first || len(content) > 0; first = false {
		piece := content[:min(len(content), partPiece)]
		content = content[len(piece):]
		if _, err := fmt.Fprintf(p.out, `<script type="application/pillion-part" data-part="%s">`, name); err != nil {
			return err
		}
		enc := base64.NewEncoder(base64.StdEncoding, p.out)
		if _, err := enc.Write(piece); err != nil {
			return err
		}
		if err := enc.Close(); err != nil {
			return err
		}
		if _, err := p.out.WriteString("</script>\n"); err != nil {
			return err
		}
	}
	return nil
}
