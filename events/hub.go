package events

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"
)

// maxSessions bounds the sessions of one gateway that are not over; anybody who
// reaches the site can ask for one.
const maxSessions = 20_000

// ErrBusy is returned where the gateway takes no more sessions.
var ErrBusy = errors.New("the gateway takes no more sessions just now")

const (
	// ResumeWindow is how long a session waits for a user's browser that went
	// away, where nobody else does.
	ResumeWindow = 5 * time.Minute
	// AwayWindow is how long it waits while somebody has it on their console: a
	// laptop sleeps for a while, and the call goes on.
	AwayWindow = 30 * time.Minute
)

// HubOptions configures a [Hub].
type HubOptions struct {
	Log       Log
	Directory Directory
	// Key signs resume secrets and hashes codes. It outlives the process.
	Key []byte
	// Ended is told of each session that is over and was live; it must not block.
	Ended func(SessionInfo)
	// URLs leads what viewers of a page load to the archive; nil: nowhere else.
	URLs func(SessionID, PageID) URLs
	// Link is what an agent who came first sends to the user; nil: the code alone.
	Link func(OrgID, JoinCode) string
	// Patterns match what is taken out of texts and values in the gateway, in
	// addition to card numbers: what the browser's masking let through.
	Patterns []*regexp.Regexp
	// Quiet ends a session in which nobody did anything for so long; 0 for never.
	Quiet time.Duration
	// Size ends a session whose log has so many bytes; 0 for never.
	Size int64
	// Meter counts what operators watch; nil: nobody does.
	Meter  Meter
	Logger *slog.Logger
	// Now replaces the clock; for tests.
	Now func() time.Time
}

// Meter counts. Its methods do not block.
type Meter interface {
	Drift()        // a model that was not the user's page
	Request()      // an agent's request
	Denied(Reason) // a request that was denied, by whomever
	Slipped(int)   // texts and values that a browser should have masked
}

type noMeter struct{}

func (noMeter) Drift()        {}
func (noMeter) Request()      {}
func (noMeter) Denied(Reason) {}
func (noMeter) Slipped(int)   {}

// Hub holds the gateway's assistance sessions.
type Hub struct {
	opts   HubOptions
	log    *slog.Logger
	codes  *codes // that agents redeem
	offers *codes // that users redeem, where an agent came first

	mu       sync.Mutex
	sessions map[SessionID]*Session
	closed   bool

	saves saver
	stop  context.CancelFunc
	done  sync.WaitGroup
}

// NewHub restores the sessions that the log and the directory know as not yet
// over, and starts the hub's two goroutines. Close ends them.
func NewHub(ctx context.Context, opts HubOptions) (*Hub, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Logger == nil {
		opts.Logger = slog.New(slog.DiscardHandler)
	}
	if opts.URLs == nil {
		opts.URLs = func(SessionID, PageID) URLs { return nil }
	}
	if opts.Link == nil {
		opts.Link = func(OrgID, JoinCode) string { return "" }
	}
	if opts.Meter == nil {
		opts.Meter = noMeter{}
	}
	if opts.Ended == nil {
		opts.Ended = func(SessionInfo) {}
	}
	if len(opts.Key) < 16 {
		return nil, errors.New("hub: the key is shorter than 16 bytes")
	}
	h := &Hub{opts: opts, log: opts.Logger, codes: newCodes(opts.Key, opts.Now), offers: newCodes(opts.Key, opts.Now), sessions: map[SessionID]*Session{}}
	h.saves.wake = make(chan struct{}, 1)
	if err := h.restoreAll(ctx); err != nil {
		return nil, err
	}
	run, stop := context.WithCancel(context.Background())
	h.stop = stop
	h.done.Add(2)
	go h.sweep(run)
	go h.save(run)
	return h, nil
}

// Close tells every participant to come back to another gateway and ends the
// hub's goroutines. Sessions stay resumable: the log has them.
func (h *Hub) Close() {
	h.mu.Lock()
	if h.closed {
		h.mu.Unlock()
		return
	}
	h.closed = true
	list := h.list()
	h.mu.Unlock()
	for _, s := range list {
		s.hangUp(CloseRestart, "the gateway restarts")
	}
	h.stop()
	h.done.Wait()
}

func (h *Hub) list() []*Session {
	list := make([]*Session, 0, len(h.sessions))
	for _, s := range h.sessions {
		list = append(list, s)
	}
	return list
}

// Start begins a session for a user's browser and gives it a code.
func (h *Hub) Start(ctx context.Context, info SessionInfo) (*Session, error) {
	info = h.masked(info)
	info.State = StateWaiting
	s, err := h.begin(ctx, info)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renewCode()
	s.lifecycle(userNo, Lifecycle{Type: "started", User: info.User, URL: info.URL, Title: info.Title})
	return s, nil
}

// Open begins a session for an agent, before there is a user, and gives it a
// code that the user enters. A preview leaves no recording.
func (h *Hub) Open(ctx context.Context, a Account, preview bool) (*Session, error) {
	if !a.helps() {
		return nil, ErrNotMember
	}
	s, err := h.begin(ctx, SessionInfo{Org: a.Org, State: StateOffered, Preview: preview})
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.renewCode()
	s.lifecycle(0, Lifecycle{Type: "opened", By: userNo + 1})
	s.add(a)
	s.changed()
	return s, nil
}

// Enter brings a user's browser to the session that an agent opened; guest
// names who tries. info says of the session what the browser does.
func (h *Hub) Enter(guest, code string, info SessionInfo) (*Session, error) {
	s, err := h.offers.redeem(info.Org, guest, code)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.over || s.broken || s.info.State != StateOffered {
		return nil, ErrCode
	}
	s.code, info = "", h.masked(info)
	s.info.State, s.info.Site, s.info.URL, s.info.User, s.info.Visit, s.info.Most = StateAsking, info.Site, info.URL, info.User, info.Visit, info.Most
	s.away = h.opts.Now()
	s.lifecycle(userNo, Lifecycle{Type: "started", User: info.User, URL: info.URL, Level: info.Most})
	s.changed()
	s.toAgents(ToAgent{Type: "state", State: StateAsking})
	return s, nil
}

// Watch lets those above agents into a session of their organisation. The user
// is asked.
func (h *Hub) Watch(a Account, id SessionID) (*Session, error) {
	s := h.Session(id)
	if s == nil || s.Info().Org != a.Org || a.Role != RoleSupervisor && a.Role != RoleAdministrator {
		return nil, ErrNoSession
	}
	if state := s.Info().State; state != StateLive && state != StateAsking {
		return nil, ErrNoSession
	}
	return s, s.join(a, "")
}

// begin enters a new session.
func (h *Hub) begin(ctx context.Context, info SessionInfo) (*Session, error) {
	h.mu.Lock()
	full := len(h.sessions) >= maxSessions
	h.mu.Unlock()
	if full {
		return nil, ErrBusy
	}
	id, err := uuid.NewV7()
	if err != nil {
		return nil, fmt.Errorf("session id: %w", err)
	}
	info.ID, info.Started = SessionID(id.String()), h.opts.Now().UTC()
	if err := h.opts.Directory.Put(ctx, info); err != nil {
		return nil, fmt.Errorf("directory: %w", err)
	}
	s := newSession(h, info)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return nil, errors.New("the gateway restarts")
	}
	h.sessions[info.ID] = s
	return s, nil
}

// Session returns a session that is not over, or nil.
func (h *Hub) Session(id SessionID) *Session {
	if s := h.Lately(id); s != nil && !s.isOver() {
		return s
	}
	return nil
}

// Lately returns a session that is not over for longer than a minute, or nil:
// an agent who comes just then is told how it ended.
func (h *Hub) Lately(id SessionID) *Session {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.sessions[id]
}

// Forget takes a session that is over out of memory: its recording was deleted.
func (h *Hub) Forget(id SessionID) {
	if s := h.Lately(id); s != nil && s.isOver() {
		h.remove(s)
	}
}

// Secret is what a user's browser resumes the session with.
func (h *Hub) Secret(id SessionID) string {
	return string(id) + "." + h.sign(id)
}

func (h *Hub) sign(id SessionID) string {
	mac := hmac.New(sha256.New, h.opts.Key)
	_, _ = mac.Write([]byte("resume:" + string(id))) // never fails (hash.Hash)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// Resume returns the session of a resume secret, or nil when the secret is
// wrong or the session over.
func (h *Hub) Resume(secret string) *Session {
	id, mac, ok := strings.Cut(secret, ".")
	if !ok || !hmac.Equal([]byte(mac), []byte(h.sign(SessionID(id)))) {
		return nil
	}
	return h.Session(SessionID(id))
}

// Account is who acts on the console's side.
type Account struct {
	Name string
	Org  OrgID
	Role Role
}

// helps reports whether an account may help users.
func (a Account) helps() bool {
	return a.Role == RoleAgent || a.Role == RoleSupervisor || a.Role == RoleAdministrator
}

// Redeem uses a code up: the agent joins the session, and the user is asked.
func (h *Hub) Redeem(a Account, code string) (*Session, error) {
	if !a.helps() {
		return nil, ErrCode
	}
	s, err := h.codes.redeem(a.Org, a.Name, code)
	if err != nil {
		return nil, err
	}
	used, _ := ParseCode(code)
	return s, s.join(a, used)
}

// sweep ends what has waited too long.
func (h *Hub) sweep(ctx context.Context) {
	defer h.done.Done()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			h.codes.sweep()
			h.offers.sweep()
			h.mu.Lock()
			list := h.list()
			h.mu.Unlock()
			now := h.opts.Now()
			for _, s := range list {
				s.expire(now)
			}
		}
	}
}

// remove drops a session from memory.
func (h *Hub) remove(s *Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.sessions[s.info.ID] == s {
		delete(h.sessions, s.info.ID)
	}
}

// saver keeps what is to be written to the directory: the newest entry of each session.
type saver struct {
	mu      sync.Mutex
	pending map[SessionID]func(context.Context) error
	wake    chan struct{}
}

func (h *Hub) later(id SessionID, f func(context.Context) error) {
	h.saves.mu.Lock()
	if h.saves.pending == nil {
		h.saves.pending = map[SessionID]func(context.Context) error{}
	}
	h.saves.pending[id] = f
	h.saves.mu.Unlock()
	select {
	case h.saves.wake <- struct{}{}:
	default:
	}
}

// save writes to the directory until the hub closes, and then what is left.
func (h *Hub) save(ctx context.Context) {
	defer h.done.Done()
	for {
		select {
		case <-ctx.Done():
			h.flush()
			return
		case <-h.saves.wake:
			h.flush()
		}
	}
}

func (h *Hub) flush() {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	h.saves.mu.Lock()
	list := h.saves.pending
	h.saves.pending = nil
	h.saves.mu.Unlock()
	for id, f := range list {
		if err := f(ctx); err != nil {
			h.log.Error("session entry not written", "session", id, "error", err)
		}
	}
}

// List returns what is known of every session that is not over.
func (h *Hub) List() []SessionInfo {
	h.mu.Lock()
	list := h.list()
	h.mu.Unlock()
	infos := make([]SessionInfo, 0, len(list))
	for _, s := range list {
		if !s.isOver() {
			infos = append(infos, s.Info())
		}
	}
	return infos
}
