package main

import (
	"net/http"
	"reflect"
	"testing"
	"time"

	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/proxy"
	"github.com/pillion-dev/pillion/replayui"
)

func TestSitesOfAFileAndTheFlags(t *testing.T) {
	name := file(t, `
sites:
- hosts: [help.example.com]
  upstream: [http://10.0.0.7:8080, 10.0.0.8:8080]
  alias: [https://legacy.internal]
  assets: [cdn.example.com]
  redirect-assets: [/static/**]
  rewrite: inject
  health-path: /ok
  health-every: 3s
  sticky: true
  org: east
`)
	configs, _, err := sitesOf(siteFlags{Upstream: []string{"https://other.internal"}, PreserveHost: true}, "main", name)
	if err != nil {
		t.Fatal(err)
	}
	var got []proxy.Site
	var orgs []events.OrgID
	for _, c := range configs {
		s, err := c.site(func(org events.OrgID, _ replayui.SiteSettings) (http.Handler, func([]byte) string) {
			orgs = append(orgs, org)
			return nil, nil
		})
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, s)
	}
	want := []proxy.Site{
		{
			Hosts: []string{"help.example.com"}, Upstreams: []string{"http://10.0.0.7:8080", "http://10.0.0.8:8080"},
			Aliases: []string{"https://legacy.internal"}, Assets: []string{"cdn.example.com"}, RedirectAssets: []string{"/static/**"},
			Rewrite: proxy.RewriteInject, Health: proxy.Health{Path: "/ok", Every: 3 * time.Second}, Sticky: true,
		},
		{Upstreams: []string{"https://other.internal"}, PreserveHost: true},
	}
	if !reflect.DeepEqual(got, want) || !reflect.DeepEqual(orgs, []events.OrgID{"east", "main"}) {
		t.Errorf("got  %+v %v\nwant %+v", got, orgs, want)
	}
}

func TestMasksOfASiteComeBeforeThoseOfAll(t *testing.T) {
	name := file(t, `
mask: [{hide: [.balance]}]
mask-patterns: ['K-\d{6}']
sites:
- upstream: [10.0.0.7]
- upstream: [10.0.0.8]
  mask: [{path: /in/**, all: true}]
  mask-patterns: ['A\d+', 'K-\d{6}']
`)
	configs, _, err := sitesOf(siteFlags{}, "main", name)
	if err != nil {
		t.Fatal(err)
	}
	patterns, err := patternsOf(configs)
	if err != nil {
		t.Fatal(err)
	}
	if len(patterns) != 2 || patterns[0].String() != `A\d+` || patterns[1].String() != `K-\d{6}` {
		t.Errorf("patterns %v", patterns)
	}
	if got := configs[0].Shared.Mask; len(got) != 1 || got[0].Hide[0] != ".balance" {
		t.Errorf("the first site's masks: %+v", got)
	}
	if got := configs[1].Shared.Mask; len(got) != 1 || !got[0].All || got[0].Path != "/in/**" {
		t.Errorf("the second site's masks: %+v", got)
	}
	if _, err := patternsOf([]siteConfig{{Shared: sharedConfig{MaskPatterns: []string{"("}}}}); err == nil {
		t.Error("a pattern that is none was taken")
	}
}
