package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

func TestServeWithEverythingSwitchedOn(t *testing.T) {
	help, store, legacy := named(t, "help"), named(t, "store"), named(t, "legacy")
	s := startServe(t, fmt.Sprintf("sites:\n- hosts: [help.test]\n  org: east\n  upstream: [%s]\n- hosts: [store.test]\n  org: west\n  upstream: [%s]\nforward-host: [%q, \"*.intranet.test\"]\n",
		help, store, strings.TrimPrefix(legacy, "http://")), "help.test", "store.test")
	t.Run("it says where it is", func(t *testing.T) { s.says(t, help, store) })
	t.Run("two names lead to two sites", s.twoSites)
	t.Run("each site's sessions are its organisation's", s.twoOrgs)
	t.Run("a listed host by the forward listener, and no other", func(t *testing.T) { s.forwards(t, legacy, store) })
	t.Run("the metrics know both ways", func(t *testing.T) {
		_, text := ask(t, s.browser(t, 1), http.MethodGet, s.admin+"/metrics", "")
		for _, mode := range []string{"reverse", "forward"} {
			if !strings.Contains(text, `mode="`+mode+`"`) {
				t.Errorf("no mode %s in the metrics", mode)
			}
		}
	})
	s.end(t)
	nothingIsLeft(t)
}

func (s *served) says(t *testing.T, help, store string) {
	text := s.out.String()
	for _, want := range []string{
		"site     " + s.site + "  as help.test in front of " + help + "\n",
		"site     " + s.site + "  as store.test in front of " + store + "\n",
		"*.intranet.test; it says there how browsers are set up\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %q in\n%s", want, text)
		}
	}
	for url, scheme := range map[string]string{s.site: "https://127.0.0.1:", s.console: "https://127.0.0.1:", s.admin: "http://127.0.0.1:", s.forward: "http://127.0.0.1:"} {
		if !strings.HasPrefix(url, scheme) || strings.HasSuffix(url, ":0") {
			t.Errorf("%s is no address of a listener", url)
		}
	}
	if strings.Contains(text, "Nobody can sign in") {
		t.Error("there are accounts")
	}
}

func (s *served) twoSites(t *testing.T) {
	for version, proto := range map[int]string{1: "HTTP/1.1", 2: "HTTP/2.0", 3: "HTTP/3.0"} {
		c := s.browser(t, version)
		for _, name := range []string{"help", "store"} {
			resp, page := ask(t, c, http.MethodGet, "https://"+name+".test/", "")
			if resp.Proto != proto || !strings.Contains(page, name+" ") || !strings.Contains(page, `src="/.pillion/capture.js`) {
				t.Errorf("%s by %s: %s", name, resp.Proto, page)
			}
			if cookies := resp.Header["Set-Cookie"]; len(cookies) != 1 || !strings.Contains(cookies[0], "; Secure") {
				t.Errorf("the visit's cookie: %q", cookies)
			}
			if alt := resp.Header.Get("Alt-Svc"); version == 2 && alt != `h3=":443"; ma=86400` {
				t.Errorf("Alt-Svc %q", alt)
			}
		}
	}
	config := s.roots.Clone()
	config.ServerName = "help.test"
	tr := &http.Transport{TLSClientConfig: config}
	defer tr.CloseIdleConnections()
	if resp, _ := ask(t, &http.Client{Transport: tr}, http.MethodGet, s.site, ""); resp.StatusCode != http.StatusMisdirectedRequest {
		t.Errorf("another name: %s", resp.Status)
	}
}

func (s *served) twoOrgs(t *testing.T) {
	codes := map[string]string{}
	for org, site := range map[string]string{"east": "help", "west": "store"} {
		user := s.browser(t, 2)
		ask(t, user, http.MethodGet, "https://"+site+".test/", "")
		resp, body := ask(t, user, http.MethodPost, "https://"+site+".test/.pillion/session", `{"url":"https://`+site+`.test/","title":"t","user":""}`)
		var answer struct{ Code string }
		if err := json.Unmarshal([]byte(body), &answer); err != nil || answer.Code == "" || resp.StatusCode != http.StatusCreated {
			t.Fatalf("%s: %s %s", site, resp.Status, body)
		}
		codes[org] = answer.Code
	}
	for agent, orgs := range map[string][2]string{"Ann": {"west", "east"}, "Bob": {"east", "west"}} {
		desk := s.browser(t, 2)
		if resp, body := ask(t, desk, http.MethodPost, s.console+"/api/signin", `{"name":"`+agent+`","password":"pass-word"}`); resp.StatusCode != http.StatusOK {
			t.Fatalf("%s signs in: %s %s", agent, resp.Status, body)
		}
		for i, org := range orgs {
			resp, body := ask(t, desk, http.MethodPost, s.console+"/api/join", `{"code":"`+codes[org]+`"}`)
			if own := i == 1; own != (resp.StatusCode == http.StatusOK) {
				t.Errorf("%s joins a session of %s: %s %s", agent, org, resp.Status, body)
			}
		}
	}
}

func (s *served) forwards(t *testing.T, listed, other string) {
	by, err := url.Parse(s.forward)
	if err != nil {
		t.Fatal(err)
	}
	tr := &http.Transport{Proxy: http.ProxyURL(by)}
	defer tr.CloseIdleConnections()
	c := &http.Client{Transport: tr}
	if _, page := ask(t, c, http.MethodGet, listed+"/", ""); !strings.Contains(page, "legacy "+strings.TrimPrefix(listed, "http://")) || !strings.Contains(page, "capture.js") {
		t.Errorf("the listed host: %s", page)
	}
	if resp, page := ask(t, c, http.MethodGet, other+"/", ""); resp.StatusCode != http.StatusForbidden || !strings.Contains(page, "This proxy is for other sites") {
		t.Errorf("another host: %s %s", resp.Status, page)
	}
	_, pac := ask(t, http.DefaultClient, http.MethodGet, s.forward+"/proxy.pac", "")
	if !strings.Contains(pac, `return "PROXY `+by.Host+`"`) || !strings.Contains(pac, ".intranet.test") {
		t.Errorf("the browsers' set-up: %s", pac)
	}
}
