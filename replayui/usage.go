package replayui

import (
	"context"

	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// Usage is what an organisation's recordings take, in bytes.
type Usage struct {
	Org        events.OrgID `json:"org"`
	Recordings int          `json:"recordings"`
	Held       int          `json:"held"`   // under a legal hold
	Own        int64        `json:"own"`    // the recordings themselves, and what is theirs alone
	Named      int64        `json:"named"`  // shared assets, once for each recording that needs them
	Shared     int64        `json:"shared"` // the same, once for all
	Length     float64      `json:"length"` // seconds, of all sessions together
}

// UsageOf adds up what recordings take, by organisation; org "" for all.
func UsageOf(ctx context.Context, catalogue events.Catalogue, captures archive.CaptureIndex, org events.OrgID) ([]Usage, error) {
	var list []*Usage
	byOrg := map[events.OrgID]*Usage{}
	of := map[string]*Usage{} // by recording
	query := events.Query{Org: org, Limit: 500}
	for {
		found, next, err := catalogue.Find(ctx, query)
		if err != nil {
			return nil, err
		}
		for _, info := range found {
			u := byOrg[info.Org]
			if u == nil {
				u = &Usage{Org: info.Org}
				byOrg[info.Org], list = u, append(list, u)
			}
			u.Recordings++
			u.Own += info.Stored
			u.Length += info.Ended.Sub(info.Started).Seconds()
			if info.Hold != nil {
				u.Held++
			}
			of[info.Recording] = u
		}
		if query.Cursor = next; next == "" {
			break
		}
	}
	type shared struct {
		u   *Usage
		ref archive.Ref
	}
	counted := map[shared]bool{}
	for use, err := range captures.Uses(ctx) {
		if err != nil {
			return nil, err
		}
		u := of[use.Recording]
		if u == nil {
			continue
		}
		u.Named += use.Size
		if k := (shared{u, use.Ref}); !counted[k] {
			counted[k] = true
			u.Shared += use.Size
		}
	}
	out := make([]Usage, len(list))
	for i, u := range list {
		out[i] = *u
	}
	return out, nil
}
