package events

import (
	"slices"
	"time"
)

// Action is what an agent may ask the user's browser to do: a closed set.
type Action string

// The actions.
const (
	ActionClick       Action = "click"
	ActionDoubleClick Action = "doubleclick"
	ActionHover       Action = "hover"
	ActionFill        Action = "fill"
	ActionCheck       Action = "check"
	ActionUncheck     Action = "uncheck"
	ActionSelect      Action = "select"
	ActionFocus       Action = "focus"
	ActionScroll      Action = "scroll"
	ActionKey         Action = "key"
	ActionNavigate    Action = "navigate"
	ActionBack        Action = "back"
	ActionForward     Action = "forward"
)

var actions = []Action{
	ActionClick, ActionDoubleClick, ActionHover, ActionFill, ActionCheck, ActionUncheck, ActionSelect, ActionFocus,
	ActionScroll, ActionKey, ActionNavigate, ActionBack, ActionForward,
}

// keys are those that an agent may press; what has a character is filled in.
var keys = []string{
	"Enter", "Escape", "Tab", "Shift+Tab", "Space", "Backspace", "Delete", "Home", "End", "PageUp", "PageDown",
	"ArrowUp", "ArrowDown", "ArrowLeft", "ArrowRight",
}

// Known reports whether the action is one of the set.
func (a Action) Known() bool { return slices.Contains(actions, a) }

// onPage reports whether an action is for the page as a whole, not for a node.
func (a Action) onPage() bool {
	return a == ActionNavigate || a == ActionBack || a == ActionForward
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
	ReasonTurn      Reason = "turn"     // another agent acts
	ReasonRepeated  Reason = "repeated" // asked for already
	ReasonStale     Reason = "stale"    // of an older page than a request before
	ReasonFlood     Reason = "flood"
)

var reasons = []Reason{
	ReasonConflict, ReasonLocked, ReasonMasked, ReasonGone, ReasonDisabled, ReasonForbidden, ReasonRefused,
	ReasonExpired, ReasonFailed, ReasonTurn, ReasonRepeated, ReasonStale, ReasonFlood,
}

// EventConfirmation answers an EventRequest.
type EventConfirmation struct {
	Request uint64  `json:"request"`
	Outcome Outcome `json:"outcome"`
	Reason  Reason  `json:"reason,omitempty"`
	Value   string  `json:"value,omitempty"` // what the user put in the proposed value's place
}

// Lock says who is busy with an element (docs/LOCKS.md).
type Lock struct {
	Node NodeID        `json:"node"`
	Held bool          `json:"held"`
	By   ParticipantNo `json:"by"`
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

var levels = []Level{LevelView, LevelPoint, LevelPropose, LevelAct}

// least is the lower of two levels; the first where the second is none.
func (l Level) least(most Level) Level {
	if i := slices.Index(levels, most); i >= 0 && i < slices.Index(levels, l) {
		return most
	}
	return l
}

// allows reports whether a level has another within it.
func (l Level) allows(other Level) bool {
	return slices.Index(levels, l) >= slices.Index(levels, other)
}

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
	Tab         string        `json:"tab,omitempty"`   // page-opened: the browser's own name of the tab
	Media       string        `json:"media,omitempty"` // upload, download: the media type
	Size        int64         `json:"size,omitempty"`  // upload, download: bytes that passed
	Hash        string        `json:"hash,omitempty"`  // upload, download: SHA-256, hexadecimal; empty where not all of it was seen
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

// valid reports whether the figures are those of a screen.
func (p *Pointer) valid() bool {
	for _, v := range []float64{p.X, p.Y, p.VX, p.VY} {
		if v < -maxPixels || v > maxPixels {
			return false
		}
	}
	return true
}

// maxPixels bounds coordinates; pages are long.
const maxPixels = 1e7

// Shape is what an agent draws.
type Shape string

// The shapes.
const (
	ShapeArrow     Shape = "arrow"
	ShapeBox       Shape = "box"
	ShapeFree      Shape = "free"
	ShapeHighlight Shape = "highlight"
)

// Drawing is drawn by an agent over a node of the user's page. Points are pairs,
// as shares of the node's box.
type Drawing struct {
	ID     uint64    `json:"id"`
	Shape  Shape     `json:"shape"`
	Node   NodeID    `json:"node"`
	Points []float64 `json:"points"`
}

// maxPoints bounds the pairs of a drawing.
const maxPoints = 250

func (d *Drawing) valid() bool {
	n := len(d.Points)
	for _, v := range d.Points {
		if v < -100 || v > 100 {
			return false
		}
	}
	switch d.Shape {
	case ShapeArrow, ShapeBox:
		return n == 4
	case ShapeFree:
		return n >= 4 && n%2 == 0 && n <= 2*maxPoints
	case ShapeHighlight:
		return n == 0
	}
	return false
}

// ChannelData is what was said beside the page.
type ChannelData struct {
	Channel string `json:"channel"`
	Text    string `json:"text,omitempty"`
}
