package metrics

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

const scrapeTimeout = 5 * time.Second

var (
	accountsDesc = prometheus.NewDesc("kml_accounts", "Accounts by organization, purpose and state.", []string{"org", "purpose", "state"}, nil)
	sessionsDesc = prometheus.NewDesc("kml_sessions", "Sessions by state; waiting is the waiting list.", []string{"state"}, nil)
	queueDesc    = prometheus.NewDesc("kml_queue_tasks", "Tasks by queue and state.", []string{"queue", "state"}, nil)
	ageDesc      = prometheus.NewDesc("kml_queue_oldest_seconds", "Age of the oldest pending task of a queue.", []string{"queue"}, nil)
)

// collector reads the sources when it is scraped.
type collector struct {
	src  Source
	errs *prometheus.CounterVec
}

// Describe implements prometheus.Collector.
func (c *collector) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{accountsDesc, sessionsDesc, queueDesc, ageDesc} {
		ch <- d
	}
}

// Collect implements prometheus.Collector.
func (c *collector) Collect(ch chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), scrapeTimeout)
	defer cancel()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	if c.src.Accounts != nil {
		counts, err := c.src.Accounts(ctx)
		c.note("accounts", err)
		type key struct{ org, purpose, state string }
		sum := map[key]int{}
		for _, n := range counts {
			sum[key{n.Org, string(n.Purpose), string(n.State)}] += n.N
		}
		for k, n := range sum {
			gauge(accountsDesc, float64(n), k.org, k.purpose, k.state)
		}
	}
	if c.src.Sessions != nil {
		counts, err := c.src.Sessions(ctx)
		c.note("sessions", err)
		for state, n := range counts {
			gauge(sessionsDesc, float64(n), string(state))
		}
	}
	if c.src.Queues != nil {
		queues, err := c.src.Queues(ctx)
		c.note("queues", err)
		for _, q := range queues {
			for state, n := range map[string]int{"pending": q.Pending, "active": q.Active, "scheduled": q.Scheduled, "retry": q.Retry, "archived": q.Archived} {
				gauge(queueDesc, float64(n), q.Name, state)
			}
			gauge(ageDesc, q.OldestAge.Seconds(), q.Name)
		}
	}
}

func (c *collector) note(source string, err error) {
	if err != nil {
		c.errs.WithLabelValues(source).Inc()
	}
}
