package main

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/replayui"
)

// assistConfig is how a site's users are helped, in the configuration file.
type assistConfig struct {
	Level    string                       `yaml:"level"` // chosen beforehand where the user is asked
	Most     string                       `yaml:"most"`  // the highest level that a user can grant
	Ask      []string                     `yaml:"ask"`   // CSS selectors of what is asked each time
	Trigger  string                       `yaml:"trigger"`
	Place    string                       `yaml:"place"`
	Colours  replayui.Colours             `yaml:"colours"`
	StopKey  string                       `yaml:"stop-key"`
	Language string                       `yaml:"language"`
	Words    map[string]map[string]string `yaml:"words"`
}

// sharedConfig is what can be set for each site, or for all that have none.
type sharedConfig struct {
	Assist    *assistConfig       `yaml:"assist"`
	Mask      []replayui.MaskRule `yaml:"mask"`
	MaskQuery []string            `yaml:"mask-query"`
	// MaskPatterns are looked for in the gateway, in the pages of all sites.
	MaskPatterns []string `yaml:"mask-patterns"`
	// Retention is how long recordings are kept.
	Retention string         `yaml:"retention"`
	Archive   *archiveConfig `yaml:"archive"`
}

// sharedNames are their names in the file.
var sharedNames = []string{"assist", "mask", "mask-query", "mask-patterns", "retention", "archive"}

// or takes from all what a site does not say itself.
func (c sharedConfig) or(all sharedConfig) sharedConfig {
	if c.Assist == nil {
		c.Assist = all.Assist
	}
	if c.Mask == nil {
		c.Mask = all.Mask
	}
	if c.MaskQuery == nil {
		c.MaskQuery = all.MaskQuery
	}
	if c.MaskPatterns == nil {
		c.MaskPatterns = all.MaskPatterns
	}
	if c.Retention == "" {
		c.Retention = all.Retention
	}
	if c.Archive == nil {
		c.Archive = all.Archive
	}
	return c
}

var (
	places  = []string{"", "bottom-right", "bottom-left", "top-right", "top-left"}
	levels  = []string{"", string(events.LevelView), string(events.LevelPoint), string(events.LevelPropose), string(events.LevelAct)}
	colour  = regexp.MustCompile(`^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6})$`)
	stopKey = regexp.MustCompile(`^(F([1-9]|1[0-2])|Escape|Pause|ScrollLock)$`)
)

// patternsOf are the patterns of all sites, each once.
func patternsOf(sites []siteConfig) (list []*regexp.Regexp, err error) {
	var texts []string
	for _, site := range sites {
		texts = append(texts, site.Shared.MaskPatterns...)
	}
	slices.Sort(texts)
	for _, text := range slices.Compact(texts) {
		p, err := regexp.Compile(text)
		if err != nil {
			return nil, fmt.Errorf("mask-patterns: %w", err)
		}
		list = append(list, p)
	}
	return list, nil
}

// settings checks what the file says: a mask that is silently ignored is worse
// than a start that fails.
func (c sharedConfig) settings() (s replayui.SiteSettings, err error) {
	if err := c.Archive.check(); err != nil {
		return s, err
	}
	s.Keep = c.Archive.rules()
	s.Mask = replayui.MaskPolicy{Rules: c.Mask, Query: c.MaskQuery}
	for i, rule := range c.Mask {
		if len(rule.Hide) == 0 && !rule.All {
			return s, fmt.Errorf("mask: rule %d hides nothing: give hide with CSS selectors, or all: true", i+1)
		}
		if rule.Path != "" && !strings.HasPrefix(rule.Path, "/") {
			return s, fmt.Errorf("mask: path %q: it starts with a slash, like /account/**", rule.Path)
		}
	}
	a := c.Assist
	if a == nil {
		return s, nil
	}
	switch {
	case !slices.Contains(levels, a.Level), !slices.Contains(levels, a.Most):
		err = errors.New("assist: level and most are view, point, propose or act")
	case a.Most != "" && slices.Index(levels, a.Level) > slices.Index(levels, a.Most):
		err = fmt.Errorf("assist: level %s is above most, which is %s", a.Level, a.Most)
	case !slices.Contains(places, a.Place):
		err = fmt.Errorf("assist: place %q: %s", a.Place, strings.Join(places[1:], ", "))
	case a.StopKey != "" && !stopKey.MatchString(a.StopKey):
		err = fmt.Errorf("assist: stop-key %q: F1 to F12, Escape, Pause or ScrollLock", a.StopKey)
	}
	for _, v := range []string{a.Colours.Accent, a.Colours.Text, a.Colours.Bar} {
		if v != "" && !colour.MatchString(v) {
			err = fmt.Errorf("assist: colour %q: #rgb or #rrggbb", v)
		}
	}
	if err == nil {
		err = replayui.CheckWords(a.Words)
	}
	s.Level, s.Most = events.Level(a.Level), events.Level(a.Most)
	s.Ask, s.Trigger, s.Place, s.Colours, s.StopKey, s.Language, s.Words = a.Ask, a.Trigger, a.Place, a.Colours, a.StopKey, a.Language, a.Words
	return s, err
}
