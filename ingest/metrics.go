package ingest

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promauto"

	"tacho"
)

type metrics struct {
	rejected         *prometheus.CounterVec
	batches, samples prometheus.Counter
	group, latency   prometheus.Histogram
	failures         prometheus.Counter
	last             prometheus.Gauge
}

// newMetrics panics on a registerer that already has these metrics, as
// MustRegister does: that is a mistake of the wiring.
func newMetrics(reg prometheus.Registerer, g *Ingester) *metrics {
	f := promauto.With(reg)
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tacho_ingest_queue_bytes", Help: "Memory of batches that are waiting for their commit.",
	}, func() float64 { return float64(g.queued.Load()) })
	f.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "tacho_ingest_queue_age_seconds", Help: "How long the oldest batch has been waiting for its commit.",
	}, func() float64 { return g.age().Seconds() })
	m := &metrics{
		rejected: f.NewCounterVec(prometheus.CounterOpts{
			Name: "tacho_ingest_rejected_total", Help: "Requests that were not stored, by reason.",
		}, []string{"reason"}),
		batches: f.NewCounter(prometheus.CounterOpts{
			Name: "tacho_ingest_batches_total", Help: "Batches stored.",
		}),
		samples: f.NewCounter(prometheus.CounterOpts{
			Name: "tacho_ingest_samples_total", Help: "Samples of the batches stored.",
		}),
		group: f.NewHistogram(prometheus.HistogramOpts{
			Name: "tacho_ingest_commit_batches", Help: "Batches in one commit.",
			Buckets: prometheus.ExponentialBuckets(1, 2, 10),
		}),
		latency: f.NewHistogram(prometheus.HistogramOpts{
			Name: "tacho_ingest_commit_seconds", Help: "Duration of one commit to the store, failed ones included.",
			Buckets: prometheus.ExponentialBuckets(0.0005, 2, 16),
		}),
		failures: f.NewCounter(prometheus.CounterOpts{
			Name: "tacho_ingest_commit_failures_total", Help: "Commits the store refused.",
		}),
		last: f.NewGauge(prometheus.GaugeOpts{
			Name: "tacho_ingest_last_commit_timestamp_seconds", Help: "Unix time of the last successful commit.",
		}),
	}
	for _, reason := range []string{"malformed", "too_large", "invalid", "overloaded", "full", "closing", "failed"} {
		m.rejected.WithLabelValues(reason) // so that a rate over them exists from the start
	}
	return m
}

func (m *metrics) reject(reason string) { m.rejected.WithLabelValues(reason).Inc() }

func (m *metrics) committed(batches []*tacho.Batch, took time.Duration, err error) {
	m.latency.Observe(took.Seconds())
	if err != nil {
		m.failures.Inc()
		return
	}
	m.group.Observe(float64(len(batches)))
	m.batches.Add(float64(len(batches)))
	n := 0
	for _, b := range batches {
		for i := range b.Profiles {
			n += len(b.Profiles[i].Samples)
		}
	}
	m.samples.Add(float64(n))
}
