package events

import "fmt"

// Peer is a participant's connection. Its methods do not block and may be
// called from any goroutine, while locks of the session are held. A peer that
// does not keep up closes itself.
type Peer interface {
	// SendText queues a value as a JSON text frame.
	SendText(v any)
	// SendRecord queues a binary frame; b is not changed afterwards.
	SendRecord(b []byte)
	// Close closes the connection after what was queued.
	Close(code int, reason string)
}

// Close codes of sockets (RFC 6455, 7.4.1).
const (
	CloseGoingAway = 1001
	CloseMalformed = 1007
	ClosePolicy    = 1008
	CloseTooBig    = 1009
	CloseFailed    = 1011
	CloseRestart   = 1012
)

// ProtocolError closes the socket of the peer that broke a rule.
type ProtocolError struct {
	Code   int
	Reason string
}

func (e *ProtocolError) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Reason) }

func malformed(reason string) error { return &ProtocolError{CloseMalformed, reason} }
func forbidden(reason string) error { return &ProtocolError{ClosePolicy, reason} }

// Limits of frames, in bytes.
const (
	MaxTextFrame  = 64 << 10
	MaxStateFrame = 8 << 20
	MaxFrame      = 1 << 20
)

// Text frames (FORMAT.md, Text frames). One struct per direction; the type says
// which fields count.

// ToUser goes to the user's browser.
type ToUser struct {
	Type        string        `json:"type"`
	Page        PageID        `json:"page,omitempty"`
	State       SessionState  `json:"state,omitempty"`
	Code        string        `json:"code,omitempty"`
	CodeExpires int64         `json:"codeExpires,omitempty"` // seconds from now
	Ack         *uint64       `json:"ack,omitempty"`
	Seq         uint64        `json:"seq,omitempty"`
	Agents      []AgentName   `json:"agents,omitempty"`
	Level       Level         `json:"level,omitempty"`
	Participant ParticipantNo `json:"participant,omitempty"`
	Name        string        `json:"name,omitempty"`
	Org         OrgID         `json:"org,omitempty"`
	Role        Role          `json:"role,omitempty"`
	First       bool          `json:"first,omitempty"`   // join: nobody sees the page yet
	Own         bool          `json:"own,omitempty"`     // level: chosen in this tab
	Control     ParticipantNo `json:"control,omitempty"` // who acts
	Drawing     *Drawing      `json:"drawing,omitempty"`
	ID          uint64        `json:"id,omitempty"`
	From        ParticipantNo `json:"from,omitempty"`
	Action      Action        `json:"action,omitempty"`
	Value       string        `json:"value,omitempty"`
	Seen        uint64        `json:"seen,omitempty"` // the sender's seq behind the offset that the agent saw
	Node        NodeID        `json:"node,omitempty"`
	Pointer     *Pointer      `json:"pointer,omitempty"`
	URLs        []string      `json:"urls,omitempty"`
	Maybe       []string      `json:"maybe,omitempty"` // fetch: to be handed in from the cache, and not fetched
	Text        string        `json:"text,omitempty"`
	Reason      string        `json:"reason,omitempty"`
	Detail      string        `json:"detail,omitempty"`
}

// AgentName is an agent as others see one.
type AgentName struct {
	Participant ParticipantNo `json:"participant"`
	Name        string        `json:"name"`
	Role        Role          `json:"role"`
	Away        bool          `json:"away,omitempty"` // no console of theirs is connected
}

// FromUser comes from the user's browser.
type FromUser struct {
	Type        string        `json:"type"`
	Page        PageID        `json:"page"`
	URL         string        `json:"url"`
	Title       string        `json:"title"`
	Age         float64       `json:"age"` // hello: ms since the browser began to load the page
	Tab         string        `json:"tab"` // hello: the same for pages that follow each other in a tab
	Hidden      bool          `json:"hidden"`
	Participant ParticipantNo `json:"participant"`
	Allow       bool          `json:"allow"`
	Level       Level         `json:"level"`
	Text        string        `json:"text"`
	Size        int64         `json:"size"` // file: in bytes
}

// ToAgent goes to an agent's console.
type ToAgent struct {
	Type        string        `json:"type"`
	Participant ParticipantNo `json:"participant,omitempty"`
	Session     SessionID     `json:"session,omitempty"`
	State       SessionState  `json:"state,omitempty"`
	Page        PageID        `json:"page,omitempty"`
	Pages       []PageName    `json:"pages,omitempty"`
	Level       Level         `json:"level,omitempty"`
	Org         OrgID         `json:"org,omitempty"`
	User        string        `json:"user,omitempty"`
	Role        Role          `json:"role,omitempty"`
	People      []AgentName   `json:"people,omitempty"`
	Control     ParticipantNo `json:"control,omitempty"` // who acts
	Preview     bool          `json:"preview,omitempty"`
	Code        string        `json:"code,omitempty"`
	CodeExpires int64         `json:"codeExpires,omitempty"` // seconds from now
	Link        string        `json:"link,omitempty"`
	Allow       *bool         `json:"allow,omitempty"`
	Ref         string        `json:"ref,omitempty"`
	ID          uint64        `json:"id,omitempty"`
	Reason      string        `json:"reason,omitempty"`
	Detail      string        `json:"detail,omitempty"`
}

// PageName is a page as a list shows it.
type PageName struct {
	Page  PageID `json:"page"`
	URL   string `json:"url"`
	Title string `json:"title"`
}

// FromAgent comes from an agent's console.
type FromAgent struct {
	Type   string  `json:"type"`
	Page   PageID  `json:"page"`
	Node   NodeID  `json:"node"`
	Action Action  `json:"action"`
	Value  string  `json:"value"`
	Seen   Offset  `json:"seen"`
	Ref    string  `json:"ref"`
	X      float64 `json:"x"`
	Y      float64 `json:"y"`
	VX     float64 `json:"vx"`
	VY     float64 `json:"vy"`
	Down   bool    `json:"down"`
	Text   string  `json:"text"`

	To      ParticipantNo `json:"to"`
	Drawing *Drawing      `json:"drawing"`
}
