package replayui

import (
	"github.com/pillion-dev/pillion/archive"
	"github.com/pillion-dev/pillion/events"
)

// SiteSettings are what an operator chose for a site's users: how they are
// helped, and what of their pages nobody else sees. They travel in the capture
// script (web/src/capture/settings.ts): without them nothing is captured.
type SiteSettings struct {
	Name  string `json:"-"`               // of the site, as retention and reports have it
	Parts string `json:"parts"`           // version of the script's parts; set by the Server
	Style string `json:"style,omitempty"` // what Place and Colours come to; set by the Server

	Keep *archive.Rules `json:"-"` // what is kept of the site's files; nil for the usual

	Mask  MaskPolicy   `json:"mask,omitzero"`
	Ask   []string     `json:"ask,omitempty"`
	Level events.Level `json:"level,omitempty"`
	Most  events.Level `json:"most,omitempty"`

	Trigger  string                       `json:"trigger,omitempty"`
	Place    string                       `json:"-"`
	Colours  Colours                      `json:"-"`
	StopKey  string                       `json:"stopKey,omitempty"`
	Language string                       `json:"language,omitempty"`
	Words    map[string]map[string]string `json:"words,omitempty"`
}

// MaskPolicy says what is hidden of a site's pages, beyond what always is.
type MaskPolicy struct {
	Rules []MaskRule `json:"rules,omitempty" yaml:"rules"`
	// Query are names of query parameters whose values are hidden.
	Query []string `json:"query,omitempty" yaml:"query"`
}

// MaskRule hides parts of the pages of a path.
type MaskRule struct {
	Path string   `json:"path,omitempty" yaml:"path"` // pattern, as in redirect-assets; every page where empty
	Hide []string `json:"hide,omitempty" yaml:"hide"` // CSS selectors
	Show []string `json:"show,omitempty" yaml:"show"` // CSS selectors; with All: the exceptions
	All  bool     `json:"all,omitempty" yaml:"all"`   // hides all text but what Show allows
}

// Site is a site's side of the gateway.
type Site struct {
	server   *Server
	org      events.OrgID
	settings SiteSettings
	script   []byte // the settings as the script has them
	plain    string // the version without a table of origins
}

// Site returns the side of a site whose users' sessions belong to org.
func (s *Server) Site(org events.OrgID, settings SiteSettings) *Site {
	t := &Site{server: s, org: org, settings: settings, script: s.scripts.settings(settings)}
	t.plain = s.scripts.add(nil, t.script, "")
	return t
}

// Script is the path under which pages load the capture script that knows a
// table of origins: JSON as rewrite.Origins.Script gives it, or nothing. It
// changes with the script's content, so that a browser fetches each version
// once. The Server serves those versions that were asked for here before; for
// another it serves the script without a table.
func (t *Site) Script(origins []byte) string {
	return "/.pillion/capture.js?v=" + t.server.scripts.add(origins, t.script, t.plain)
}
