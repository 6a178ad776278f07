package archive

import (
	"context"
	"time"
)

// Capture says which content a URL had at a time.
type Capture struct {
	URL   string    `json:"url"`             // absolute, as the browser saw it, without fragment
	Time  time.Time `json:"time"`            // when the answer's header came
	Visit string    `json:"visit,omitempty"` // whose it is alone; empty: shared
	Ref   Ref       `json:"ref"`
	Type  string    `json:"type"` // Content-Type
	Size  int64     `json:"size"`
}

// CaptureIndex finds captures. It is safe for concurrent use.
type CaptureIndex interface {
	// Add stores captures, durably on return.
	Add(ctx context.Context, captures []Capture) error
	// Find returns what a page that was there from one time to another saw
	// under a URL: the first capture in between, else the latest before, else
	// the first after; of the visit's own and the shared ones. ErrAbsent when
	// there is none.
	Find(ctx context.Context, url, visit string, from, to time.Time) (Capture, error)
	// Keep notes that a recording needs blobs, durably on return.
	Keep(ctx context.Context, recording string, refs []Ref) error
	// Expire forgets private captures from before a time, and returns the blobs
	// that no capture and no recording needs any more.
	Expire(ctx context.Context, before time.Time) ([]Ref, error)
}
