package main

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/pillion-dev/pillion/events"
	"github.com/pillion-dev/pillion/replayui"
)

// meter counts what happens in live sessions. It implements events.Meter.
type meter struct {
	drift, requests, slipped prometheus.Counter
	denied                   *prometheus.CounterVec
}

func newMeter(registry prometheus.Registerer) *meter {
	count := func(name, help string) prometheus.CounterOpts {
		return prometheus.CounterOpts{Namespace: "pillion", Subsystem: "live", Name: name, Help: help}
	}
	m := &meter{
		drift:    prometheus.NewCounter(count("drift_total", "Times a copy was not the user's page; the page was sent again.")),
		requests: prometheus.NewCounter(count("requests_total", "Requests by agents.")),
		denied:   prometheus.NewCounterVec(count("denied_total", "Requests that were denied, by the user's browser or before it."), []string{"reason"}),
	}
	m.slipped = prometheus.NewCounter(prometheus.CounterOpts{
		Namespace: "pillion", Subsystem: "masking", Name: "slipped_total",
		Help: "Texts and values that a browser should have masked; the gateway masked them.",
	})
	registry.MustRegister(m.drift, m.requests, m.denied, m.slipped)
	return m
}

// Drift implements events.Meter.
func (m *meter) Drift() { m.drift.Inc() }

// Request implements events.Meter.
func (m *meter) Request() { m.requests.Inc() }

// Denied implements events.Meter.
func (m *meter) Denied(why events.Reason) { m.denied.WithLabelValues(string(why)).Inc() }

// Slipped implements events.Meter.
func (m *meter) Slipped(n int) { m.slipped.Add(float64(n)) }

// sealMetrics tells how sealing goes.
func sealMetrics(s *replayui.Sealer) []prometheus.Collector {
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Namespace: "pillion", Subsystem: "seal", Name: "waiting", Help: "Sessions that are over and not sealed yet.",
		}, func() float64 { return float64(s.Waiting()) }),
		prometheus.NewCounterFunc(prometheus.CounterOpts{
			Namespace: "pillion", Subsystem: "seal", Name: "failed_total", Help: "Tries to seal a session that failed; each is tried again.",
		}, func() float64 { return float64(s.Failed()) }),
	}
}
