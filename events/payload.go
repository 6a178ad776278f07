package events

import "time"

// Action is what an agent may ask the user's browser to do: a closed set.
type Action string

// The actions.
const (
	ActionClick    Action = "click"
	ActionFill     Action = "fill"
	ActionCheck    Action = "check"
	ActionUncheck  Action = "uncheck"
	ActionSelect   Action = "select"
	ActionFocus    Action = "focus"
	ActionScroll   Action = "scroll"
	ActionNavigate Action = "navigate"
)

// Known reports whether the action is one of the set.
func (a Action) Known() bool {
	switch a {
	case ActionClick, ActionFill, ActionCheck, ActionUncheck, ActionSelect, ActionFocus, ActionScroll, ActionNavigate:
		return true
	}
	return false
}

// EventRequest is an agent's wish; the user's browser decides.
type EventRequest struct {
	ID     uint64 `json:"id"`
	Node   NodeID `json:"node"`
	Action Action `json:"action"`
	Value  string `json:"value,omitempty"`
	Seen   Offset `json:"seen"` // what the agent had seen of the page
}

// Outcome is the user's browser's answer to a request.
type Outcome string

// The outcomes.
const (
	Confirmed Outcome = "confirmed"
	Denied    Outcome = "denied"
)

// Reason says why a request was denied.
type Reason string

// The reasons.
const (
	ReasonConflict  Reason = "conflict"
	ReasonLocked    Reason = "locked"
	ReasonMasked    Reason = "masked"
	ReasonGone      Reason = "gone"
	ReasonDisabled  Reason = "disabled"
	ReasonForbidden Reason = "forbidden"
	ReasonRefused   Reason = "refused"
	ReasonExpired   Reason = "expired"
	ReasonFailed    Reason = "failed"
)

// EventConfirmation answers an EventRequest.
type EventConfirmation struct {
	Request uint64  `json:"request"`
	Outcome Outcome `json:"outcome"`
	Reason  Reason  `json:"reason,omitempty"`
}

// Level is how much of a hand the user gives to the agent.
type Level string

// The levels, each with the ones before.
const (
	LevelView    Level = "view"    // sees the page
	LevelPoint   Level = "point"   // points and draws
	LevelPropose Level = "propose" // asks for changes, each of which the user confirms
	LevelAct     Level = "act"     // makes changes, where they conflict with nothing
)

// Lifecycle records what happened to the session itself.
type Lifecycle struct {
	Type        string        `json:"type"`
	User        string        `json:"user,omitempty"`
	URL         string        `json:"url,omitempty"`
	Title       string        `json:"title,omitempty"`
	Participant ParticipantNo `json:"participant,omitempty"`
	Name        string        `json:"name,omitempty"`
	Role        Role          `json:"role,omitempty"`
	Level       Level         `json:"level,omitempty"`
	By          ParticipantNo `json:"by,omitempty"`
	Reason      string        `json:"reason,omitempty"`
	Loaded      time.Time     `json:"loaded,omitzero"` // page-opened: when the browser began to load it
}

// Pointer is where an agent points: a share of a node's box, and the user's
// viewport in CSS pixels for when the node has none.
type Pointer struct {
	Node NodeID  `json:"node"`
	X    float64 `json:"x"`
	Y    float64 `json:"y"`
	VX   float64 `json:"vx"`
	VY   float64 `json:"vy"`
	Down bool    `json:"down,omitempty"`
}

// ChannelData is what was said beside the page.
type ChannelData struct {
	Channel string `json:"channel"`
	Text    string `json:"text,omitempty"`
}
