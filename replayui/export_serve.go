package replayui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// Exporting is work for the disk and the network, so only a few are at it.
const maxExports = 4

// exporters may take a recording out of the system. Agents may watch those that
// they took part in; a copy that nobody can delete any more is another matter.
var exporters = []events.Role{events.RoleAuditor, events.RoleSupervisor, events.RoleAdministrator}

// exports are those under way, by the number that the browser gave them.
type exports struct {
	mu    sync.Mutex
	under map[string]float64
}

func (x *exports) begin(key string) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.under == nil {
		x.under = map[string]float64{}
	}
	if _, there := x.under[key]; there || len(x.under) >= maxExports {
		return false
	}
	x.under[key] = 0
	return true
}

func (x *exports) tell(key string, share float64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.under[key] = share
}

func (x *exports) end(key string) {
	x.mu.Lock()
	defer x.mu.Unlock()
	delete(x.under, key)
}

func (x *exports) share(key string) (share float64, under bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	share, under = x.under[key]
	return share, under
}

// exportKey is an export of an account's: of tells one from another.
func exportKey(r *http.Request) string {
	return identity(r).Name + " " + r.PathValue("id") + " " + r.URL.Query().Get("of")
}

// getExport streams a recording as one file. format is html or wacz; of is a
// number of the caller's, to ask for the progress by.
func (s *Server) getExport(w http.ResponseWriter, r *http.Request) error {
	o, err := s.requested(r)
	if err != nil {
		return err
	}
	format, write := r.URL.Query().Get("format"), ExportHTML
	switch format {
	case "", "html":
		format = "html"
	case "wacz":
		write = ExportWACZ
	default:
		return newProblem(http.StatusBadRequest, "format is html or wacz.")
	}
	if len(r.URL.Query().Get("of")) > 40 {
		return newProblem(http.StatusBadRequest, "of has 40 characters at most.")
	}
	e, err := s.openExport(r.Context(), o)
	if err != nil {
		return err
	}
	key := exportKey(r)
	if !s.exports.begin(key) {
		return newProblem(http.StatusServiceUnavailable, "Other recordings are being exported just now. Try again in a minute.")
	}
	defer s.exports.end(key)
	s.audit(r, "exported", o.info.ID, "format", format)
	h := w.Header()
	// Never a page of this origin's, whatever a browser makes of it.
	h.Set("Content-Type", "application/octet-stream")
	h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="pillion-%s-%s.%s"`, o.Start.Format("2006-01-02"), o.info.ID, format))
	h.Set("Content-Security-Policy", "sandbox; default-src 'none'")
	h.Set("Cache-Control", "no-store")
	out := &counted{w: w}
	err = write(r.Context(), out, e, func(share float64) { s.exports.tell(key, share) })
	if err != nil && out.n > 0 {
		s.log.Error("export cut short", "session", o.info.ID, "bytes", out.n, "error", err)
		panic(http.ErrAbortHandler) // the browser has to know that the file is not whole
	}
	return err
}

// openExport is the recording of a request as exports need it.
func (s *Server) openExport(ctx context.Context, o *openRecording) (*Exported, error) {
	e, err := OpenExport(ctx, s.opts.Store, s.opts.Vaults, string(o.info.ID))
	if errors.Is(err, archive.ErrAbsent) {
		return nil, events.ErrNoSession
	}
	return e, err
}

// counted counts what was written.
type counted struct {
	w io.Writer
	n int64
}

// Write implements io.Writer.
func (c *counted) Write(p []byte) (int, error) {
	n, err := c.w.Write(p)
	c.n += int64(n)
	return n, err
}

// getExportProgress tells how much of an export under way is done, from 0 to 1.
func (s *Server) getExportProgress(w http.ResponseWriter, r *http.Request) error {
	share, under := s.exports.share(exportKey(r))
	return answer(w, http.StatusOK, map[string]any{"share": share, "under": under})
}
