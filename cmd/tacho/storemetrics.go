package main

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tacho/store/local"
)

// storeMetrics shows what a store says of itself. Nothing is asked of it more
// than once a scrape.
type storeMetrics struct {
	stats func() local.Stats
	ready func() error

	disk, free, oldest, dropped, commits, seconds, last, wait, sealed, healthy *prometheus.Desc

	retention, tenantRetention, tenantBytes, tenantMost, tenantDropped *prometheus.Desc
}

func newStoreMetrics(stats func() local.Stats, health func() error) *storeMetrics {
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("tacho_store_"+name, help, labels, nil)
	}
	return &storeMetrics{
		stats: stats, ready: health,
		disk:    desc("disk_bytes", "What the store takes on disk."),
		free:    desc("free_bytes", "Free space of the store's disk, as last measured."),
		oldest:  desc("oldest_day_timestamp_seconds", "Start of the oldest day of which anything is stored."),
		dropped: desc("dropped_days_total", "Days dropped, by reason: age, size of the store, space left on the disk.", "reason"),
		commits: desc("commits_total", "Commits of batches to disk."),
		seconds: desc("commit_seconds_total", "Time spent in commits of batches."),
		last:    desc("last_commit_timestamp_seconds", "When a commit last went well."),
		wait:    desc("commit_wait_seconds", "How long the oldest commit under way has been waiting for the disk."),
		sealed:  desc("rollups_total", "Minutes, hours and days summed up."),
		healthy: desc("healthy", "1 when batches can be stored, else 0; /readyz says why."),

		retention:       desc("retention_seconds", "How long everything is kept of tenants without a limit of their own."),
		tenantRetention: desc("tenant_retention_seconds", "How long everything is kept, of tenants with a limit of their own.", "tenant"),
		tenantBytes:     desc("tenant_bytes", "Keys and values before compression, of tenants with a limit on them; counted every minute or more seldom.", "tenant"),
		tenantMost:      desc("tenant_max_bytes", "The limit on tacho_store_tenant_bytes above which the tenant's oldest day goes.", "tenant"),
		tenantDropped:   desc("tenant_dropped_days_total", "Days dropped of one tenant alone, by reason: age, size.", "tenant", "reason"),
	}
}

func (m *storeMetrics) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{m.disk, m.free, m.oldest, m.dropped, m.commits, m.seconds, m.last, m.wait, m.sealed, m.healthy,
		m.retention, m.tenantRetention, m.tenantBytes, m.tenantMost, m.tenantDropped} {
		ch <- d
	}
}

func (m *storeMetrics) Collect(ch chan<- prometheus.Metric) {
	st := m.stats()
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	count := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, v, labels...)
	}
	at := func(d *prometheus.Desc, t time.Time) {
		if !t.IsZero() {
			gauge(d, float64(t.UnixMilli())/1000)
		}
	}
	gauge(m.disk, float64(st.DiskBytes))
	gauge(m.free, float64(st.FreeBytes))
	at(m.oldest, st.OldestDay)
	for why, n := range st.DaysDropped {
		count(m.dropped, float64(n), why)
	}
	gauge(m.retention, st.Retention.Seconds())
	for tenant, t := range st.Tenants {
		of := func(d *prometheus.Desc, v float64) {
			ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, tenant)
		}
		of(m.tenantRetention, t.Retention.Seconds())
		if t.MaxBytes > 0 {
			of(m.tenantBytes, float64(t.Bytes))
			of(m.tenantMost, float64(t.MaxBytes))
		}
		for why, n := range t.DaysDropped {
			count(m.tenantDropped, float64(n), tenant, why)
		}
	}
	count(m.commits, float64(st.Commits))
	count(m.seconds, st.CommitTime.Seconds())
	at(m.last, st.LastCommit)
	gauge(m.wait, st.OldestWait.Seconds())
	count(m.sealed, float64(st.Sealed))
	healthy := 1.0
	if m.ready() != nil {
		healthy = 0
	}
	gauge(m.healthy, healthy)
}
