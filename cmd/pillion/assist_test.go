package main

import (
	"bytes"
	"net/http"
	"reflect"
	"strings"
	"testing"

	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/replayui"
)

func TestWhatASiteSaysGoesBeforeWhatAllSay(t *testing.T) {
	name := file(t, `
assist:
  level: propose
  most: act
  ask: [".danger"]
  trigger: "#help"
  place: bottom-left
  colours: {accent: "#00695c", text: "#fff", bar: "#003d33"}
  stop-key: F8
  language: de
  words: {en: {help: "Talk to us"}}
mask:
- hide: ["#ssn", ".balance"]
- path: /account/**
  all: true
  show: [nav]
mask-query: [policy]
sites:
- hosts: [all.example.com]
  upstream: [http://a]
- hosts: [own.example.com]
  upstream: [http://b]
  assist: {most: view, place: top-right}
  mask: [{all: true}]
  mask-query: []
- hosts: [part.example.com]
  upstream: [http://c]
  mask-query: [token]
`)
	configs, _, err := sitesOf(siteFlags{Upstream: []string{"http://d"}}, "main", name)
	if err != nil {
		t.Fatal(err)
	}
	var got []replayui.SiteSettings
	for _, c := range configs {
		if _, err := c.site(func(_ events.OrgID, s replayui.SiteSettings) (http.Handler, func([]byte) string) {
			got = append(got, s)
			return nil, nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	all := replayui.SiteSettings{
		Level: events.LevelPropose, Most: events.LevelAct, Ask: []string{".danger"}, Trigger: "#help", Place: "bottom-left", StopKey: "F8", Language: "de",
		Colours: replayui.Colours{Accent: "#00695c", Text: "#fff", Bar: "#003d33"}, Words: map[string]map[string]string{"en": {"help": "Talk to us"}},
		Mask: replayui.MaskPolicy{Query: []string{"policy"}, Rules: []replayui.MaskRule{{Hide: []string{"#ssn", ".balance"}}, {Path: "/account/**", All: true, Show: []string{"nav"}}}},
	}
	part := all
	part.Mask.Query = []string{"token"}
	own := replayui.SiteSettings{Most: events.LevelView, Place: "top-right", Mask: replayui.MaskPolicy{Query: []string{}, Rules: []replayui.MaskRule{{All: true}}}}
	for i, want := range []replayui.SiteSettings{all, own, part, all} {
		want.Name = configs[i].name()
		if !reflect.DeepEqual(got[i], want) {
			t.Errorf("site %d:\ngot  %+v\nwant %+v", i, got[i], want)
		}
	}
}

func TestSettingsThatMeanNothingStopTheStart(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"a level of no name":            {"assist: {level: all}", "view, point, propose or act"},
		"a highest level of no name":    {"assist: {most: control}", "view, point, propose or act"},
		"a level above the highest":     {"assist: {level: act, most: point}", "level act is above most, which is point"},
		"a place of no name":            {"assist: {place: centre}", "bottom-right, bottom-left, top-right, top-left"},
		"a key of another kind":         {"assist: {stop-key: a}", "F1 to F12"},
		"a key that is none":            {"assist: {stop-key: F13}", "F1 to F12"},
		"a colour by name":              {"assist: {colours: {accent: red}}", "#rgb or #rrggbb"},
		"a colour with a style in it":   {`assist: {colours: {bar: "#fff;background:url(x)"}}`, "#rgb or #rrggbb"},
		"a colour of eight digits":      {`assist: {colours: {text: "#ffffff00"}}`, "#rgb or #rrggbb"},
		"a setting of no name":          {"assist: {colors: {}}", "colors"},
		"a colour of no name":           {`assist: {colours: {background: "#fff"}}`, "background"},
		"a text of no name":             {"assist: {words: {en: {hepl: Talk to us}}}", `no text is called "hepl"`},
		"a language of no name":         {"assist: {words: {es: {help: Ayuda}}}", "en, de and fr"},
		"a rule that hides nothing":     {"mask: [{show: [nav]}]", "rule 1 hides nothing"},
		"the second rule":               {"mask: [{all: true}, {path: /x}]", "rule 2 hides nothing"},
		"a path without a slash":        {"mask: [{path: account, all: true}]", "starts with a slash"},
		"a rule with a word of no name": {"mask: [{hide: [a], alll: true}]", "alll"},
		"a rule that is none":           {"mask: [a]", "mask"},
		"rules that are no list":        {"mask: {hide: [a]}", ""},
		"a pattern that is none":        {"mask-patterns: ['(']", "mask-patterns"},
		"a name nearly right":           {"masks: [{all: true}]", `"masks" means nothing`},
		"a name with an underscore":     {"mask_query: [a]", `"mask_query" means nothing`},
		"a flag nearly right":           {"listenn: 127.0.0.1:0", `"listenn" means nothing`},
	} {
		for where, text := range map[string]string{"for all": c.text + "\nupstream: http://h\n", "for a site": "sites:\n- upstream: [http://h]\n  " + c.text + "\n"} {
			var out bytes.Buffer
			status := run(t.Context(), []string{"serve", "--config", file(t, text), "--data", t.TempDir(), "--listen", "127.0.0.1:0", "--console", "127.0.0.1:0", "--admin", "127.0.0.1:0"}, strings.NewReader(""), &out, &out)
			says := c.says
			if where == "for a site" && strings.Contains(says, "means nothing") {
				says = "means nothing; a site has"
			}
			if status != 2 || !strings.Contains(out.String(), says) {
				t.Errorf("%s, %s: status %d: %s", name, where, status, out.String())
			}
		}
	}
}

func TestWhereBrowsersReachASite(t *testing.T) {
	secure := tlsFlags{TLSCert: "c", TLSKey: "k"}
	for name, c := range map[string]struct {
		site siteConfig
		f    gatewayFlags
		want string
	}{
		"what is said":               {siteConfig{Flags: siteFlags{PublicURL: "https://help.example.com/"}}, gatewayFlags{Listen: "127.0.0.1:8080"}, "https://help.example.com"},
		"the listener's address":     {siteConfig{}, gatewayFlags{Listen: "127.0.0.1:8080"}, "http://127.0.0.1:8080"},
		"of version 6":               {siteConfig{}, gatewayFlags{Listen: "[::1]:8080"}, "http://[::1]:8080"},
		"of version 6, port 80":      {siteConfig{}, gatewayFlags{Listen: "[::1]:80"}, "http://[::1]"},
		"with a certificate":         {siteConfig{}, gatewayFlags{Listen: "127.0.0.1:8443", tlsFlags: secure}, "https://127.0.0.1:8443"},
		"the scheme's own port":      {siteConfig{Hosts: []string{"a.test"}}, gatewayFlags{Listen: "0.0.0.0:443", tlsFlags: secure}, "https://a.test"},
		"the other scheme's port":    {siteConfig{Hosts: []string{"a.test"}}, gatewayFlags{Listen: ":443"}, "http://a.test:443"},
		"port 80":                    {siteConfig{Hosts: []string{"a.test", "b.test"}}, gatewayFlags{Listen: ":80"}, "http://a.test"},
		"a host with a port":         {siteConfig{Hosts: []string{"a.test:9"}}, gatewayFlags{Listen: ":8080"}, "http://a.test:8080"},
		"every address":              {siteConfig{}, gatewayFlags{Listen: "0.0.0.0:8080"}, ""},
		"every address of version 6": {siteConfig{}, gatewayFlags{Listen: "[::]:8080"}, ""},
		"no address":                 {siteConfig{}, gatewayFlags{Listen: ":8080"}, ""},
		"a pattern":                  {siteConfig{Hosts: []string{"*.test"}}, gatewayFlags{Listen: ":8080"}, ""},
		"any port":                   {siteConfig{}, gatewayFlags{Listen: "127.0.0.1:0"}, ""},
		"no listener":                {siteConfig{}, gatewayFlags{}, ""},
		"behind a proxy":             {siteConfig{Hosts: []string{"a.test"}}, gatewayFlags{Listen: ":8080", TrustProxy: true}, ""},
		"behind one, said":           {siteConfig{Flags: siteFlags{PublicURL: "https://a.test"}}, gatewayFlags{Listen: ":8080", TrustProxy: true}, "https://a.test"},
	} {
		if got := c.site.publicURL(c.f); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	link := linkTo(gatewayFlags{Listen: ":80"}, []siteConfig{{Org: "a"}, {Org: "b", Hosts: []string{"*.test"}}, {Org: "b", Hosts: []string{"b.test"}}, {Org: "b", Hosts: []string{"c.test"}}})
	for org, want := range map[events.OrgID]string{"a": "", "b": "http://b.test/#pillion=123456789012", "c": ""} {
		if got := link(org, "123456789012"); got != want {
			t.Errorf("%s: %q, want %q", org, got, want)
		}
	}
}
