package replayui

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/pillion-dev/pillion/events"
)

const (
	signInCookie = "pillion_console"
	signInLife   = 12 * time.Hour
	// signInFailures within signInWindow lock a name.
	signInFailures = 10
	signInWindow   = 15 * time.Minute
)

type identityKey struct{}

// identity is the account behind a request.
func identity(r *http.Request) Account {
	a, _ := r.Context().Value(identityKey{}).(Account)
	return a
}

// token names an account until a time, signed.
func (s *Server) token(name string, until time.Time) string {
	body := base64.RawURLEncoding.EncodeToString([]byte(name)) + "." + strconv.FormatInt(until.Unix(), 10)
	return body + "." + s.sign("console:"+body)
}

func (s *Server) sign(text string) string {
	mac := hmac.New(sha256.New, s.opts.Key)
	_, _ = mac.Write([]byte(text)) // never fails (hash.Hash)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// account is the account of a token, as it is now: a role taken away is gone at once.
func (s *Server) account(token string) (Account, bool) {
	body, mac := cutLast(token, ".")
	name, until, _ := strings.Cut(body, ".")
	if !hmac.Equal([]byte(mac), []byte(s.sign("console:"+body))) {
		return Account{}, false
	}
	unix, err := strconv.ParseInt(until, 10, 64)
	raw, derr := base64.RawURLEncoding.DecodeString(name)
	if err != nil || derr != nil || s.opts.Now().Unix() >= unix {
		return Account{}, false
	}
	return s.opts.Accounts.Get(string(raw))
}

func cutLast(s, sep string) (before, after string) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, ""
	}
	return s[:i], s[i+len(sep):]
}

func (s *Server) signedIn(r *http.Request) (Account, bool) {
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok {
		return s.account(token)
	}
	c, err := r.Cookie(signInCookie)
	if err != nil {
		return Account{}, false
	}
	return s.account(c.Value)
}

// only lets accounts with one of the roles in; none means every role.
func (s *Server) only(h func(http.ResponseWriter, *http.Request) error, roles ...events.Role) http.HandlerFunc {
	return s.api(func(w http.ResponseWriter, r *http.Request) error {
		a, ok := s.signedIn(r)
		if !ok {
			return newProblem(http.StatusUnauthorized, "Sign in first.")
		}
		if len(roles) > 0 && !slices.Contains(roles, a.Role) {
			return newProblem(http.StatusForbidden, "Your role does not allow this.")
		}
		return h(w, r.WithContext(context.WithValue(r.Context(), identityKey{}, a)))
	})
}

// api answers errors as problems, and refuses what other sites send.
func (s *Server) api(h func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead && !sameOrigin(r) {
			s.fail(w, r, newProblem(http.StatusForbidden, "This request came from another site."))
			return
		}
		if err := h(w, r); err != nil {
			s.fail(w, r, err)
		}
	}
}

// sameOrigin reports whether a request was sent by a page of this listener's,
// or by no page at all.
func sameOrigin(r *http.Request) bool {
	if site := r.Header.Get("Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return false
	}
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && strings.EqualFold(u.Host, r.Host)
}

// attempts counts failed sign-ins by name.
type attempts struct {
	mu     sync.Mutex
	failed map[string]attempt
}

type attempt struct {
	count int
	since time.Time
}

func (a *attempts) locked(name string, now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	t := a.failed[name]
	return t.count >= signInFailures && now.Sub(t.since) < signInWindow
}

func (a *attempts) note(name string, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.failed) > 10_000 {
		clear(a.failed)
	}
	t := a.failed[name]
	if now.Sub(t.since) >= signInWindow {
		t = attempt{since: now}
	}
	t.count++
	a.failed[name] = t
}

func (s *Server) postSignIn(w http.ResponseWriter, r *http.Request) error {
	var in struct{ Name, Password string }
	if err := readJSON(w, r, &in); err != nil {
		return err
	}
	now := s.opts.Now()
	if s.attempts.locked(in.Name, now) {
		return newProblem(http.StatusTooManyRequests, "Too many failed sign-ins. Wait 15 minutes, then try again.")
	}
	a, ok, err := s.opts.Accounts.Check(in.Name, in.Password)
	if err != nil {
		return err
	}
	if !ok {
		s.attempts.note(in.Name, now)
		return newProblem(http.StatusUnauthorized, "Name or password is wrong.")
	}
	until := now.Add(signInLife)
	token := s.token(a.Name, until)
	http.SetCookie(w, &http.Cookie{
		Name: signInCookie, Value: token, Path: "/", Expires: until, HttpOnly: true,
		SameSite: http.SameSiteStrictMode, Secure: s.secure(r),
	})
	return answer(w, http.StatusOK, map[string]any{"account": a, "token": token})
}

func (s *Server) postSignOut(w http.ResponseWriter, r *http.Request) error {
	http.SetCookie(w, &http.Cookie{
		Name: signInCookie, Path: "/", MaxAge: -1, HttpOnly: true, SameSite: http.SameSiteStrictMode, Secure: s.secure(r),
	})
	return answer(w, http.StatusOK, struct{}{})
}

func (s *Server) getMe(w http.ResponseWriter, r *http.Request) error {
	return answer(w, http.StatusOK, map[string]any{"account": identity(r)})
}
