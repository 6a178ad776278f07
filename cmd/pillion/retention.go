package main

import (
	"fmt"
	"regexp"
	"strconv"
	"time"

	"github.com/pillion-dev/pillion/events"
)

// lifetime is a time span as people set it for recordings: 36h, 400d, 10y.
var lifetime = regexp.MustCompile(`^(\d{1,6})(h|d|w|y)$`)

const day = 24 * time.Hour

// parseLifetime reads a lifetime; "" and "forever" are 0, which is without end.
func parseLifetime(text string) (time.Duration, error) {
	if text == "" || text == "forever" {
		return 0, nil
	}
	m := lifetime.FindStringSubmatch(text)
	if m == nil {
		return 0, fmt.Errorf("retention %q: a number and h, d, w or y, like 400d, or forever", text)
	}
	n, err := strconv.Atoi(m[1])
	unit := map[string]time.Duration{"h": time.Hour, "d": day, "w": 7 * day, "y": 365 * day}[m[2]]
	if err != nil || n == 0 || time.Duration(n) > 100*365*day/unit {
		return 0, fmt.Errorf("retention %q: between 1h and 100y, or forever", text)
	}
	return time.Duration(n) * unit, nil
}

// retention tells how long recordings are kept: as their site says, else their
// organisation; for a site that is no longer there as its organisation says, else
// as long as the longest of its sites; else as the flag says.
func retention(flag string, sites []siteConfig, orgs organisations) (func(events.OrgID, string) time.Duration, error) {
	common, err := parseLifetime(flag)
	if err != nil {
		return nil, err
	}
	type key struct {
		org  events.OrgID
		site string
	}
	known := map[key]time.Duration{}
	byOrg := map[events.OrgID]time.Duration{}
	for _, c := range sites {
		life := common
		if c.Shared.Retention != "" {
			if life, err = parseLifetime(c.Shared.Retention); err != nil {
				return nil, err
			}
		}
		org := events.OrgID(c.Org)
		known[key{org, c.name()}] = life
		// A site that is gone from the file: the longest of its organisation's.
		if before, has := byOrg[org]; !has || before != 0 && (life == 0 || life > before) {
			byOrg[org] = life
		}
	}
	for name, org := range orgs {
		if org.Retention == "" {
			continue
		}
		if byOrg[events.OrgID(name)], err = parseLifetime(org.Retention); err != nil {
			return nil, fmt.Errorf("organisation %s: %w", name, err)
		}
	}
	return func(org events.OrgID, site string) time.Duration {
		if life, ok := known[key{org, site}]; ok {
			return life
		}
		if life, ok := byOrg[org]; ok {
			return life
		}
		return common
	}, nil
}
