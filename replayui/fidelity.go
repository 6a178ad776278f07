package replayui

import (
	"net/http"
	"slices"
	"strconv"

	"github.com/pillion-dev/pillion/archive"
)

// Fidelity is the part of a recording's fidelity report that was asked for:
// which files its pages named, and whether the archive holds them.
type Fidelity struct {
	Found   int         `json:"found"`
	Missing int         `json:"missing"`
	Files   []Reference `json:"files"`          // missing ones first
	Next    int         `json:"next,omitempty"` // where to go on; 0 at the end
}

// Reference is a file that a page named.
type Reference struct {
	Page   uint32         `json:"page"`
	URL    string         `json:"url"`
	Here   bool           `json:"here"` // the archive holds it
	Ref    archive.Ref    `json:"ref,omitempty"`
	Type   string         `json:"type,omitempty"`
	Size   int64          `json:"size,omitempty"`
	Source archive.Source `json:"source,omitempty"`
	Why    archive.Why    `json:"why,omitempty"`
	Status int            `json:"status,omitempty"`
}

// maxReferences bounds one answer of the report.
const maxReferences = 500

// fidelity tells of the references from one on, missing ones first.
func fidelity(m *archive.Manifest, from int) Fidelity {
	f := Fidelity{Missing: len(m.Missing), Files: []Reference{}}
	var found []archive.PageCapture
	missing := slices.Clone(m.Missing)
	for _, c := range m.Captures {
		if c.Ref == "" && c.Location == "" {
			missing = append(missing, c)
			f.Missing++
		} else {
			found = append(found, c)
		}
	}
	f.Found = len(found)
	all := slices.Concat(missing, found)
	from = max(0, min(from, len(all)))
	to := min(len(all), from+maxReferences)
	for i, c := range all[from:to] {
		here := from+i >= len(missing)
		r := Reference{Page: c.Page, URL: c.URL, Here: here, Ref: c.Ref, Type: c.Type, Size: c.Size, Source: c.Source, Why: c.Why, Status: c.Status}
		if !here && r.Why == "" {
			r.Why = archive.WhyNotSeen
		}
		f.Files = append(f.Files, r)
	}
	if to < len(all) {
		f.Next = to
	}
	return f
}

// getFidelity answers with the fidelity report; from says where to go on.
func (s *Server) getFidelity(w http.ResponseWriter, r *http.Request) error {
	o, err := s.requested(r)
	if err != nil {
		return err
	}
	from := 0
	if text := r.URL.Query().Get("from"); text != "" {
		if from, err = strconv.Atoi(text); err != nil {
			return newProblem(http.StatusBadRequest, "from is a number.")
		}
	}
	files, err := o.files(r.Context())
	if err != nil {
		return err
	}
	return answer(w, http.StatusOK, fidelity(files, from))
}
