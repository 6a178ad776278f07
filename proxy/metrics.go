package proxy

import "github.com/prometheus/client_golang/prometheus"

type metrics struct {
	plain, upgrades   prometheus.Counter
	failures          *prometheus.CounterVec // kind: unreachable, timeout, broken
	tagged, unchanged prometheus.Counter
	fallbacks         *prometheus.CounterVec // stage: rewrite
	healthy           *prometheus.GaugeVec   // upstream
	teeLost           prometheus.Counter
}

func newMetrics(r prometheus.Registerer) (*metrics, error) {
	counter := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "pillion", Subsystem: "proxy", Name: name, Help: help}
	}
	requests := prometheus.NewCounterVec(counter("requests_total", "Requests passed to the site."), []string{"kind"})
	documents := prometheus.NewCounterVec(counter("documents_total", "Documents passed, with the capture tag or without."), []string{"tag"})
	m := &metrics{
		plain: requests.WithLabelValues("plain"), upgrades: requests.WithLabelValues("upgrade"),
		tagged: documents.WithLabelValues("added"), unchanged: documents.WithLabelValues("none"),
		failures:  prometheus.NewCounterVec(counter("upstream_failures_total", "Requests that the site did not answer, or not to the end."), []string{"kind"}),
		fallbacks: prometheus.NewCounterVec(counter("fallbacks_total", "Answers passed as they came because a stage of ours failed."), []string{"stage"}),
		teeLost:   prometheus.NewCounter(counter("tee_lost_total", "Copies for the archive that were given up, so as not to delay the page.")),
		healthy: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Namespace: "pillion", Subsystem: "proxy", Name: "upstream_healthy", Help: "1 where the upstream's last health check was good.",
		}, []string{"upstream"}),
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{requests, documents, m.failures, m.fallbacks, m.healthy, m.teeLost} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return m, nil
}
