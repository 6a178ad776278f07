package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/events"
)

func TestALifetimeIsReadAsPeopleWriteIt(t *testing.T) {
	for text, want := range map[string]time.Duration{
		"": 0, "forever": 0, "36h": 36 * time.Hour, "400d": 400 * day, "2w": 14 * day, "10y": 3650 * day,
	} {
		if got, err := parseLifetime(text); err != nil || got != want {
			t.Errorf("%q: %v %v", text, got, err)
		}
	}
	for _, text := range []string{"0d", "-1d", "5", "d", "1.5d", "400 d", "101y", "999999y", "never"} {
		if got, err := parseLifetime(text); err == nil {
			t.Errorf("%q is %v", text, got)
		}
	}
}

func TestASiteIsKeptForItsOwnTime(t *testing.T) {
	site := func(org, host, life string) siteConfig {
		return siteConfig{Org: org, Hosts: []string{host}, Shared: sharedConfig{Retention: life}}
	}
	keep, err := retention("30d", []siteConfig{site("east", "a", "10d"), site("east", "b", ""), site("west", "a", "forever"), site("west", "c", "5d")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []struct {
		org, site string
		want      time.Duration
	}{
		{"east", "a", 10 * day}, {"east", "b", 30 * day}, {"east", "gone", 30 * day},
		{"west", "a", 0}, {"west", "c", 5 * day}, {"west", "gone", 0}, {"north", "a", 30 * day},
	} {
		if got := keep(events.OrgID(q.org), q.site); got != q.want {
			t.Errorf("%s of %s: %v, want %v", q.site, q.org, got, q.want)
		}
	}
	if _, err := retention("soon", nil, nil); err == nil {
		t.Error("no lifetime at all was taken for one")
	}
}

func TestAnOrganisationsRecordingsAreKeptForItsTime(t *testing.T) {
	file := func(text string) string {
		name := filepath.Join(t.TempDir(), "pillion.yaml")
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return name
	}
	sites, orgs, err := sitesOf(siteFlags{Upstream: []string{"http://d"}}, "main", file(`
retention: 30d
organisations:
  bank: {retention: 10y}
  shop: {retention: 5d}
sites:
  - {hosts: [a], org: bank, upstream: ["http://a"]}
  - {hosts: [b], org: bank, upstream: ["http://b"], retention: 400d}
`))
	if err != nil {
		t.Fatal(err)
	}
	keep, err := retention("30d", sites, orgs)
	if err != nil {
		t.Fatal(err)
	}
	for _, q := range []struct {
		org, site string
		want      time.Duration
	}{
		{"bank", "a", 3650 * day}, {"bank", "b", 400 * day}, {"bank", "gone", 3650 * day},
		{"shop", "all of it is gone", 5 * day}, {"main", "d", 30 * day}, {"other", "x", 30 * day},
	} {
		if got := keep(events.OrgID(q.org), q.site); got != q.want {
			t.Errorf("%s of %s: %v, want %v", q.site, q.org, got, q.want)
		}
	}
	if _, _, err := sitesOf(siteFlags{Upstream: []string{"http://d"}}, "main", file("organisations:\n  bank: {keep: 10y}\n")); err == nil || !strings.Contains(err.Error(), `"keep" means nothing`) {
		t.Errorf("a name that means nothing: %v", err)
	}
	if _, err := retention("30d", nil, organisations{"bank": {Retention: "long"}}); err == nil || !strings.Contains(err.Error(), "organisation bank") {
		t.Errorf("no lifetime at all was taken for one: %v", err)
	}
}
