package archive

import (
	"context"
	"time"
)

// Capture says which content a URL had at a time, or why it is not here.
type Capture struct {
	URL      string            `json:"url"`             // absolute, as the browser saw it, without fragment
	Time     time.Time         `json:"time"`            // when the answer's header came
	Visit    string            `json:"visit,omitempty"` // whose it is alone, in the visit's vault; empty: shared
	Ref      Ref               `json:"ref,omitempty"`   // empty for a redirect, and for what is not kept
	Type     string            `json:"type,omitempty"`  // Content-Type
	Size     int64             `json:"size,omitempty"`  // bytes
	Status   int               `json:"status,omitempty"`
	Location string            `json:"location,omitempty"` // where a redirect led, absolute
	Header   map[string]string `json:"header,omitempty"`   // of the allowed ones (security.md: never a cookie)
	Source   Source            `json:"source,omitempty"`
	Why      Why               `json:"why,omitempty"` // it is not kept
}

// Source tells where the bytes of a capture come from.
type Source string

// The sources.
const (
	SourceTapped    Source = "tapped"    // on their way to the user's browser
	SourceRefetched Source = "refetched" // the browser fetched them once more: it had them in a cache
	SourceFetched   Source = "fetched"   // the gateway fetched them, without the user's rights
)

// Why tells why the archive does not hold a file that a page named.
type Why string

// The reasons.
const (
	WhyNoStore    Why = "no-store"    // the site forbids to keep it
	WhyAttachment Why = "attachment"  // it was downloaded, not shown
	WhyTooLarge   Why = "too-large"   // beyond the bound for its type
	WhyBroken     Why = "broken"      // the answer did not come whole
	WhyStatus     Why = "status"      // the site answered with an error
	WhyType       Why = "type"        // it is of no type that shapes a page
	WhyLost       Why = "lost"        // the archive could not keep up, or its store failed
	WhyNotSeen    Why = "not-seen"    // it never passed the gateway
	WhyOtherHost  Why = "other-host"  // of an origin that does not pass the gateway
	WhyNotAllowed Why = "not-allowed" // a fetch was refused by the rules for it
)

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
