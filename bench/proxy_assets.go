package main

import (
	"context"
	"fmt"
	"time"
)

const (
	assetClients = 16
	// assetPause keeps the load below what the archive can store: what it gives
	// up costs nothing, and would flatter it.
	assetPause = 10 * time.Millisecond
)

// measureAssets tells what it costs to keep copies of assets.
func measureAssets(ctx context.Context, set settings, rep *report) error {
	return withStage(ctx, set, rep, []string{plain, oursFull, oursHash, oursStore}, func(s *stage) error {
		var requests []request
		for n := range assetKinds {
			requests = append(requests, request{fmt.Sprintf("/asset?n=%d", n), "image", "identity"})
		}
		fleets := s.fleets(assetClients, requests...)
		for _, f := range fleets {
			f.pause = assetPause
		}
		set.window *= 2 // fewer requests than elsewhere
		got, err := s.compare(ctx, set, fleets)
		if err != nil {
			return err
		}
		t := rep.table("Assets of 40 KB", fmt.Sprintf("%d images, %d browsers that pause for %v after each, %d rounds. Of each answer a copy is hashed, and stored where it is new.",
			assetKinds, assetClients, assetPause, set.rounds), "", "CPU µs an asset", "× "+plain+" (lowest–highest)", "assets/s", "p50 ms", "p99 ms", "copies lost")
		for _, p := range s.proxies {
			if err := assetRow(t, p, got); err != nil {
				return err
			}
		}
		t.print()
		rep.atMost("CPU an asset, hashed and stored, against "+plain, 1.1, median(got.ratios(oursStore, plain, cpuOf)))
		return nil
	})
}

func assetRow(t *table, p running, got turns) error {
	c, err := p.ask(askCounters)
	if err != nil {
		return err
	}
	name := p.contender.name
	t.row(name, fmt.Sprintf("%.0f", got.of(name, cpuOf)), spread(got.ratios(name, plain, cpuOf)),
		fmt.Sprintf("%.0f", got.of(name, rateOf)), fmt.Sprintf("%.2f", got.of(name, p50Of)), fmt.Sprintf("%.2f", got.of(name, p99Of)), fmt.Sprint(c.Lost))
	return nil
}
