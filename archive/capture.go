package archive

import (
	"context"
	"iter"
	"time"
)

// Capture says which content a URL had at a time, or why it is not here.
type Capture struct {
	URL      string            `json:"url"`             // absolute, as the browser saw it, without fragment
	Time     time.Time         `json:"time"`            // when the answer's header came
	By       string            `json:"by,omitempty"`    // the visit that fetched it; empty: forgotten, or none
	Visit    string            `json:"visit,omitempty"` // whose bytes they are alone, in the visit's vault; empty: shared ones
	Own      bool              `json:"own,omitempty"`   // it answers for the visit that fetched it alone
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

// Use says that a recording needs a blob.
type Use struct {
	Recording string
	Ref       Ref
	Size      int64 // bytes; 0 where no capture tells any more
}

// CaptureIndex finds captures. It is safe for concurrent use.
type CaptureIndex interface {
	// Add stores captures, durably on return. Those with a Visit are Own.
	Add(ctx context.Context, captures []Capture) error
	// Find returns what a page that was there from one time to another saw
	// under a URL. What the visit itself fetched comes before what others did,
	// and what is kept before what is not: in between, else the latest before
	// (it was in the browser's cache), else the first after. Of others' captures
	// only those are looked at that are not Own. The capture may tell Why there
	// is no content, or where a redirect led; ErrAbsent when there is none.
	Find(ctx context.Context, url, visit string, from, to time.Time) (Capture, error)
	// Documents returns what a visit was shown in frames and tabs from one time to
	// another beside pages: the latest capture of each address.
	Documents(ctx context.Context, visit string, from, to time.Time) ([]Capture, error)
	// Keep notes that a recording needs shared blobs, durably on return.
	Keep(ctx context.Context, recording string, refs []Ref) error
	// Release notes that a recording needs nothing any more, nor the session that
	// it was to be of, durably on return; the next Expire returns what nobody else
	// needs.
	Release(ctx context.Context, recording string) error
	// Uses yields which recordings need which blobs, those of a recording one
	// after the other. After an error it ends.
	Uses(ctx context.Context) iter.Seq2[Use, error]
	// Needs reports whether a capture, a pin or a recording needs a shared blob.
	Needs(ctx context.Context, ref Ref) (bool, error)
	// Expire forgets what is Own from before a time, and of the rest who fetched
	// it and what says nothing new; and all that was not seen since another time.
	Expire(ctx context.Context, before, unseen time.Time) (Expired, error)
	Pins
}

// Expired is what no capture and no pin needs any more.
type Expired struct {
	Refs    []Ref      // of shared blobs, which no recording needs either
	Private []OwnedRef // in the vaults of visits
	Visits  []string   // of whom nothing is left
}

// OwnedRef is a blob in the vault of a visit.
type OwnedRef struct {
	Visit string
	Ref   Ref
}
