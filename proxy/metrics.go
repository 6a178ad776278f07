package proxy

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	requests *prometheus.CounterVec // kind: plain, upgrade
	failures *prometheus.CounterVec // kind: unreachable, timeout, broken
	pages    *prometheus.CounterVec // tag: added, none
	teeLost  prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "pillion", Subsystem: "proxy", Name: name, Help: help}
	}
	m := &metrics{
		requests: prometheus.NewCounterVec(counter("requests_total", "Requests passed to the site."), []string{"kind"}),
		failures: prometheus.NewCounterVec(counter("upstream_failures_total", "Requests that the site did not answer, or not to the end."), []string{"kind"}),
		pages:    prometheus.NewCounterVec(counter("documents_total", "Documents passed, with the capture tag or without."), []string{"tag"}),
		teeLost:  prometheus.NewCounter(counter("tee_lost_total", "Copies for the archive that were given up, so as not to delay the page.")),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.requests, m.failures, m.pages, m.teeLost} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
