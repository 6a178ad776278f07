package main

import (
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/pillion-dev/pillion/archive"
)

// spoolMeter tells how the spool does. It implements prometheus.Collector.
type spoolMeter struct{ spool *archive.Spool }

func spoolDesc(name, help string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName("pillion", "spool", name), help, nil, nil)
}

var (
	spoolObjects = spoolDesc("objects", "Objects that wait on disk for the bucket, deletions included.")
	spoolBytes   = spoolDesc("bytes", "What they take on disk.")
	spoolOldest  = spoolDesc("oldest_seconds", "How long the oldest of them has waited; 0 for none.")
	spoolAway    = spoolDesc("away_seconds", "How long the bucket has failed; 0 where it does not.")
	spoolDrained = spoolDesc("drained_total", "Objects that reached the bucket and were read back.")
	spoolRetries = spoolDesc("retries_total", "Attempts that failed.")
	spoolDamaged = spoolDesc("damaged_total", "Attempts of which the bucket gave back something else.")
	spoolRefused = spoolDesc("refused_total", "Objects that the spool had no room for: they are lost, or come again.")
)

// Describe implements prometheus.Collector.
func (spoolMeter) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{spoolObjects, spoolBytes, spoolOldest, spoolAway, spoolDrained, spoolRetries, spoolDamaged, spoolRefused} {
		to <- d
	}
}

// Collect implements prometheus.Collector.
func (m spoolMeter) Collect(to chan<- prometheus.Metric) {
	s := m.spool.Status()
	for _, v := range []struct {
		desc  *prometheus.Desc
		kind  prometheus.ValueType
		value float64
	}{
		{spoolObjects, prometheus.GaugeValue, float64(s.Objects)},
		{spoolBytes, prometheus.GaugeValue, float64(s.Bytes)},
		{spoolOldest, prometheus.GaugeValue, secondsSince(s.Oldest)},
		{spoolAway, prometheus.GaugeValue, secondsSince(s.Away)},
		{spoolDrained, prometheus.CounterValue, float64(s.Drained)},
		{spoolRetries, prometheus.CounterValue, float64(s.Retries)},
		{spoolDamaged, prometheus.CounterValue, float64(s.Damaged)},
		{spoolRefused, prometheus.CounterValue, float64(s.Refused)},
	} {
		to <- prometheus.MustNewConstMetric(v.desc, v.kind, v.value)
	}
}

func secondsSince(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return time.Since(t).Seconds()
}

// readiness is what /readyz says. A gateway whose bucket is away is ready: the
// site comes first, and the spool takes what would go there.
func readiness(o *opened) func() string {
	return func() string {
		if o.spool == nil {
			return "ok\n"
		}
		s := o.spool.Status()
		text := fmt.Sprintf("ok\nspool: %d objects of %d bytes wait for the bucket\n", s.Objects, s.Bytes)
		if !s.Away.IsZero() {
			text += fmt.Sprintf("bucket: fails since %s: %v\n", s.Away.UTC().Format(time.RFC3339), s.LastFail)
		}
		return text
	}
}
