package events

import (
	"context"
	"errors"
	"time"
)

// OrgID names the organisation that a session, an agent or a site belongs to.
type OrgID string

// Role is what a participant or account may do.
type Role string

// The roles.
const (
	RoleUser          Role = "user"
	RoleAgent         Role = "agent"
	RoleSupervisor    Role = "supervisor"
	RoleAuditor       Role = "auditor"
	RoleAdministrator Role = "administrator"
)

// SessionState is where a session stands.
type SessionState string

// The states of a session.
const (
	StateOffered SessionState = "offered" // an agent opened it, the user has not come yet
	StateWaiting SessionState = "waiting" // a code is out, no agent yet
	StateAsking  SessionState = "asking"  // an agent redeemed the code, the user is asked
	StateLive    SessionState = "live"    // the user consented
	StateEnded   SessionState = "ended"   // over, not sealed yet
	StateSealed  SessionState = "sealed"  // a recording exists
)

// SessionInfo is what is known of a session beside its log.
type SessionInfo struct {
	ID        SessionID    `json:"id"`
	Org       OrgID        `json:"org"`
	State     SessionState `json:"state"`
	Site      string       `json:"site,omitempty"`  // name of the site that it was on
	Visit     string       `json:"visit,omitempty"` // the browser's visit, under which its private assets were kept
	User      string       `json:"user,omitempty"`
	URL       string       `json:"url"` // of the first page
	Title     string       `json:"title,omitempty"`
	Agents    []string     `json:"agents,omitempty"`
	Started   time.Time    `json:"started"`
	Ended     time.Time    `json:"ended,omitzero"`
	Last      Offset       `json:"last,omitempty"`
	Most      Level        `json:"most,omitempty"`      // the highest level that the user can grant
	Preview   bool         `json:"preview,omitempty"`   // of masking: nothing is kept
	Recording string       `json:"recording,omitempty"` // name of the sealed recording
	Error     string       `json:"error,omitempty"`     // why it is not whole, for people
	Stored    int64        `json:"stored,omitempty"`    // bytes of the recording, without what it shares with others
	Stamped   time.Time    `json:"stamped,omitzero"`    // when an authority attested the recording, by its clock
	Hold      *Hold        `json:"hold,omitempty"`
	Deleting  *Deletion    `json:"deleting,omitempty"` // it is being deleted
}

// Hold is a legal hold: the recording is not deleted while there is one.
type Hold struct {
	By     string    `json:"by"`
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since"`
}

// Deletion says that a recording was deleted: all that is left of it.
type Deletion struct {
	Session SessionID `json:"session"`
	Org     OrgID     `json:"org"`
	Site    string    `json:"site,omitempty"`
	Started time.Time `json:"started"`
	By      string    `json:"by"` // an account's name; empty: its time was over
	Reason  string    `json:"reason,omitempty"`
	At      time.Time `json:"at"`
}

// ErrHeld is returned where a recording is under a legal hold.
var ErrHeld = errors.New("the recording is under a legal hold")

// Directory holds the live metadata of sessions, small and shared by gateways.
type Directory interface {
	// Put stores or replaces a session's entry; it is durable on return.
	Put(ctx context.Context, info SessionInfo) error
	// Get returns ErrNoSession when there is no such entry.
	Get(ctx context.Context, id SessionID) (SessionInfo, error)
	// List returns all entries, in no order.
	List(ctx context.Context) ([]SessionInfo, error)
	// Delete removes an entry; an absent one is no error.
	Delete(ctx context.Context, id SessionID) error
}

// Catalogue finds ended sessions.
type Catalogue interface {
	// Put stores or replaces a session; text is what full-text search finds.
	Put(ctx context.Context, info SessionInfo, text string) error
	// Get returns ErrNoSession when there is none.
	Get(ctx context.Context, id SessionID) (SessionInfo, error)
	// Find returns at most limit sessions, newest first, and the cursor of the
	// next page ("" at the end).
	Find(ctx context.Context, q Query) (found []SessionInfo, next string, err error)
	// Update lets change alter a session's entry, and stores it unless that
	// fails; nobody else changes it meanwhile. ErrNoSession when there is none.
	Update(ctx context.Context, id SessionID, change func(*SessionInfo) error) (SessionInfo, error)
	// Delete removes a session and notes its deletion, both or neither. It may
	// be called again.
	Delete(ctx context.Context, d Deletion) error
	// Deletions returns at most limit of an organisation's, newest first.
	Deletions(ctx context.Context, org OrgID, limit int) ([]Deletion, error)
	Close() error
}

// Query chooses sessions of a Catalogue; empty fields do not restrict.
type Query struct {
	Org      OrgID
	From, To time.Time
	Agent    string
	User     string
	URL      string // a part of it
	Text     string // words
	Cursor   string
	Limit    int
}
