package replayui

import (
	"net/http"

	"github.com/pillion-dev/pillion/events"
)

// maxReason bounds what a person writes about a hold or a deletion, in bytes.
const maxReason = 1000

type reasonBody struct {
	Reason string `json:"reason"`
}

// mine is a recording of an administrator's organisation.
func (s *Server) mine(r *http.Request) (events.SessionInfo, error) {
	info, err := s.opts.Catalogue.Get(r.Context(), events.SessionID(r.PathValue("id")))
	if err == nil && info.Org != identity(r).Org {
		err = events.ErrNoSession
	}
	return info, err
}

// deleteRecording deletes a recording for good.
func (s *Server) deleteRecording(w http.ResponseWriter, r *http.Request) error {
	var in reasonBody
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	if in.Reason == "" {
		return newProblem(http.StatusBadRequest, "Say why the recording is deleted: that stays, and nothing else of it.")
	}
	info, err := s.mine(r)
	if err != nil {
		return err
	}
	if err := s.opts.Custodian.Delete(r.Context(), info.ID, identity(r).Name, bound(in.Reason, maxReason)); err != nil {
		return err
	}
	s.recordings.drop(info.ID)
	s.opts.Hub.Forget(info.ID)
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// putHold puts a recording under a legal hold.
func (s *Server) putHold(w http.ResponseWriter, r *http.Request) error {
	var in reasonBody
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	return s.hold(w, r, &events.Hold{By: identity(r).Name, Reason: bound(in.Reason, maxReason), Since: s.opts.Now().UTC()})
}

func (s *Server) deleteHold(w http.ResponseWriter, r *http.Request) error { return s.hold(w, r, nil) }

func (s *Server) hold(w http.ResponseWriter, r *http.Request, hold *events.Hold) error {
	info, err := s.mine(r)
	if err != nil {
		return err
	}
	if info, err = s.opts.Custodian.Hold(r.Context(), info.ID, hold); err != nil {
		return err
	}
	s.log.Info("legal hold", "session", info.ID, "on", hold != nil, "by", identity(r).Name)
	return answer(w, http.StatusOK, shown(info))
}

// deletionsShown is how many of the latest deletions the report lists.
const deletionsShown = 100

// getStorage reports what the organisation's recordings take, and what was deleted.
func (s *Server) getStorage(w http.ResponseWriter, r *http.Request) error {
	org := identity(r).Org
	list, err := UsageOf(r.Context(), s.opts.Catalogue, s.opts.Captures, org)
	if err != nil {
		return err
	}
	usage := Usage{Org: org}
	if len(list) > 0 {
		usage = list[0]
	}
	deleted, err := s.opts.Catalogue.Deletions(r.Context(), org, deletionsShown)
	if err != nil {
		return err
	}
	if deleted == nil {
		deleted = []events.Deletion{}
	}
	return answer(w, http.StatusOK, map[string]any{"usage": usage, "deleted": deleted})
}
