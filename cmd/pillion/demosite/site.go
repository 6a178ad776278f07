// Package demosite is a small insurer's site in the old manner: framed and
// table markup, several pages, a sign-in, an enrolment form, a page that
// updates itself. It knows nothing of Pillion.
package demosite

import (
	"crypto/rand"
	"embed"
	"encoding/json"
	"html/template"
	"io/fs"
	"net/http"
	"sync"
	"time"
)

// User and Password sign in to the sample site.
const (
	User     = "maria"
	Password = "alder"
)

//go:embed pages style images fonts
var files embed.FS

const cookieName = "ALDERSID"

// plan is what the enrolment form offers.
type plan struct {
	ID, Name, Price, Text string
}

var plans = []plan{
	{"A", "Plan A ($100/Mo)", "$100", "Doctor's visits and emergencies."},
	{"B", "Plan B ($200/Mo)", "$200", "Plan A, and dentist and glasses."},
	{"C", "Plan C ($300/Mo)", "$300", "Plan B, and a private room in hospital."},
}

// enrolment is what a person sent.
type enrolment struct {
	Name, Street, City, Birth, Phone, State, Plan string
	Family                                        bool
	At                                            time.Time
}

type site struct {
	pages *template.Template
	start time.Time

	mu       sync.Mutex
	sessions map[string]string // cookie to user
	sent     []enrolment
}

// maxKept bounds what a demonstration that runs for long keeps.
const maxKept = 1000

// New returns the site.
func New() http.Handler {
	s := &site{pages: template.Must(template.ParseFS(files, "pages/*.html")), start: time.Now(), sessions: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", s.page("home", "Welcome"))
	mux.HandleFunc("GET /plans", s.page("plans", "Our plans"))
	mux.HandleFunc("GET /enrol", s.page("enrol", "Enrolment"))
	mux.HandleFunc("POST /enrol", s.postEnrol)
	mux.HandleFunc("GET /thanks", s.page("thanks", "Thank you"))
	mux.HandleFunc("GET /offices", s.page("offices", "Offices"))
	mux.HandleFunc("GET /offices/list", s.bare("officelist"))
	mux.HandleFunc("GET /status", s.page("status", "Claims desk"))
	mux.HandleFunc("GET /status.json", s.getStatus)
	mux.HandleFunc("GET /signin", s.page("signin", "Sign in"))
	mux.HandleFunc("POST /signin", s.postSignIn)
	mux.HandleFunc("GET /signout", s.getSignOut)
	mux.HandleFunc("GET /account", s.getAccount)
	for _, dir := range []string{"style", "images", "fonts"} {
		sub, err := fs.Sub(files, dir)
		if err != nil {
			panic(err) // the folders are embedded above
		}
		mux.Handle("GET /"+dir+"/", cached(http.StripPrefix("/"+dir+"/", http.FileServerFS(sub))))
	}
	return mux
}

func cached(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=600")
		next.ServeHTTP(w, r)
	})
}

// view is what a page's template gets.
type view struct {
	Title, Here, User, Error string
	Plans                    []plan
	Sent                     enrolment
	List                     []enrolment
	Form                     enrolment
}

func (s *site) user(r *http.Request) string {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.sessions[c.Value]
}

func (s *site) show(w http.ResponseWriter, r *http.Request, name string, v view) {
	v.Here, v.User, v.Plans = name, s.user(r), plans
	w.Header().Set("Content-Type", "text/html; charset=iso-8859-1")
	w.Header().Set("Cache-Control", "no-cache")
	_ = s.pages.ExecuteTemplate(w, name, v) // the client is gone, if anything
}

func (s *site) page(name, title string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { s.show(w, r, name, view{Title: title, Sent: s.last()}) }
}

func (s *site) bare(name string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { s.show(w, r, name, view{}) }
}

func (s *site) last() enrolment {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.sent) == 0 {
		return enrolment{}
	}
	return s.sent[len(s.sent)-1]
}

func (s *site) postEnrol(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form could not be read.", http.StatusBadRequest)
		return
	}
	f := r.PostForm
	e := enrolment{
		Name: f.Get("name"), Street: f.Get("street"), City: f.Get("city"), Birth: f.Get("birth"), Phone: f.Get("phone"),
		State: f.Get("state"), Plan: f.Get("plan"), Family: f.Get("family") != "", At: time.Now(),
	}
	if e.Name == "" || e.Plan == "" {
		s.show(w, r, "enrol", view{Title: "Enrolment", Error: "Please fill in your name and choose a plan.", Form: e})
		return
	}
	s.mu.Lock()
	s.sent = append(s.sent, e)
	if len(s.sent) > maxKept {
		s.sent = s.sent[1:]
	}
	s.mu.Unlock()
	http.Redirect(w, r, "/thanks", http.StatusSeeOther)
}

func (s *site) postSignIn(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 64<<10)
	if r.FormValue("user") != User || r.FormValue("password") != Password {
		s.show(w, r, "signin", view{Title: "Sign in", Error: "User or password is wrong."})
		return
	}
	id := rand.Text()
	s.mu.Lock()
	if len(s.sessions) > maxKept {
		clear(s.sessions)
	}
	s.sessions[id] = User
	s.mu.Unlock()
	http.SetCookie(w, &http.Cookie{Name: cookieName, Value: id, Path: "/", HttpOnly: true, SameSite: http.SameSiteLaxMode})
	http.Redirect(w, r, "/account", http.StatusSeeOther)
}

func (s *site) getSignOut(w http.ResponseWriter, r *http.Request) {
	if c, err := r.Cookie(cookieName); err == nil {
		s.mu.Lock()
		delete(s.sessions, c.Value)
		s.mu.Unlock()
	}
	http.SetCookie(w, &http.Cookie{Name: cookieName, Path: "/", MaxAge: -1})
	http.Redirect(w, r, "/", http.StatusSeeOther)
}

func (s *site) getAccount(w http.ResponseWriter, r *http.Request) {
	if s.user(r) == "" {
		http.Redirect(w, r, "/signin", http.StatusSeeOther)
		return
	}
	s.mu.Lock()
	list := append([]enrolment(nil), s.sent...)
	s.mu.Unlock()
	s.show(w, r, "account", view{Title: "Your account", List: list})
}

// getStatus is what the claims desk's page asks for every few seconds.
func (s *site) getStatus(w http.ResponseWriter, _ *http.Request) {
	n := int(time.Since(s.start).Seconds())
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_ = json.NewEncoder(w).Encode(map[string]any{ // the client is gone, if anything
		"waiting": 3 + n/2%9, "serving": 1000 + n, "desks": []string{"open", []string{"open", "closed"}[n/10%2], "open"},
	})
}
