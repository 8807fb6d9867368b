// Package metrics is what Prometheus sees of the fleet.
//
// Invariants:
//   - Labels are bounded: states, kinds, services, error codes, lab types. No
//     account, student or session ever becomes a label.
//   - What is counted in documents (accounts, sessions, queues) is read when it
//     is scraped; a source that cannot be read is missing from the answer, with
//     kml_scrape_errors_total raised, and never zero.
package metrics

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kodekloud/kml/internal/fleet"
)

// Metrics holds the instruments.
type Metrics struct {
	registry    *prometheus.Registry
	credentials *prometheus.HistogramVec
	cleaning    *prometheus.HistogramVec
	phases      *prometheus.HistogramVec
	tasks       *prometheus.HistogramVec
	aws         *prometheus.HistogramVec
	awsErrors   *prometheus.CounterVec
	requests    *prometheus.HistogramVec
	deliveries  *prometheus.CounterVec
	scrapeErr   *prometheus.CounterVec
}

// Queue is what is known of a task queue.
type Queue struct {
	Name                                        string
	Pending, Active, Scheduled, Retry, Archived int
	OldestAge                                   time.Duration
}

// Source gives what is read at scrape time; a nil function leaves its part out.
type Source struct {
	Accounts func(context.Context) ([]fleet.AccountCount, error)
	Sessions func(context.Context) (map[fleet.SessionState]int, error)
	Queues   func(context.Context) ([]Queue, error)
}

// New makes the instruments on a registry of their own.
func New(src Source) *Metrics {
	r := prometheus.NewRegistry()
	histogram := func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
		h := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
		r.MustRegister(h)
		return h
	}
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	fast := []float64{.05, .1, .2, .4, .6, .8, 1, 1.5, 2, 3, 5, 10, 30, 60, 300}
	// Most calls ask a store, in milliseconds; a wait for a lab takes up to 30 s.
	calls := []float64{.0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}
	slow := []float64{1, 2, 5, 10, 20, 40, 60, 120, 300, 600, 1200, 2400, 4800}
	m := &Metrics{
		registry:    r,
		credentials: histogram("kml_time_to_credentials_seconds", "From the accepted request to working credentials.", fast, "lab_type"),
		cleaning:    histogram("kml_cleaning_seconds", "From the end of a lab to the account at rest.", slow, "lab_type"),
		phases:      histogram("kml_cleaning_phase_seconds", "Time spent in a phase of a cleaning (verify among them).", slow, "phase"),
		tasks:       histogram("kml_task_seconds", "Time spent in a task, by kind and outcome.", fast, "kind", "outcome"),
		aws:         histogram("kml_aws_call_seconds", "AWS calls by service and operation.", fast, "service", "operation"),
		awsErrors:   counter("kml_aws_errors_total", "AWS errors by service and code.", "service", "code"),
		requests:    histogram("kml_http_request_seconds", "Calls to the API, waiting included, by operation and status.", calls, "operation", "status"),
		deliveries:  counter("kml_webhook_attempts_total", "Attempts to deliver an event, by what became of them.", "outcome"),
		scrapeErr:   counter("kml_scrape_errors_total", "Sources that could not be read at scrape time.", "source"),
	}
	r.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}), &collector{src, m.scrapeErr})
	return m
}

// Handler serves /metrics.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
}

// Served notes that a session got its credentials d after its request.
func (m *Metrics) Served(labType string, d time.Duration) {
	m.credentials.WithLabelValues(labType).Observe(d.Seconds())
}

// Cleaned notes that an account came to rest d after its lab ended.
func (m *Metrics) Cleaned(labType string, d time.Duration) {
	m.cleaning.WithLabelValues(labType).Observe(d.Seconds())
}

// Phase notes how long a phase of a cleaning took.
func (m *Metrics) Phase(phase string, d time.Duration) {
	m.phases.WithLabelValues(phase).Observe(d.Seconds())
}

// Task notes a task's run.
func (m *Metrics) Task(kind string, d time.Duration, err error) {
	outcome := "done"
	if err != nil {
		outcome = "again or failed"
	}
	m.tasks.WithLabelValues(kind, outcome).Observe(d.Seconds())
}

// Call notes an AWS call; code is "" for success.
func (m *Metrics) Call(service, op, code string, d time.Duration) {
	m.aws.WithLabelValues(service, op).Observe(d.Seconds())
	if code != "" {
		m.awsErrors.WithLabelValues(service, code).Inc()
	}
}

// Request notes a call to the API that is over.
func (m *Metrics) Request(operation string, status int, took time.Duration) {
	m.requests.WithLabelValues(operation, strconv.Itoa(status)).Observe(took.Seconds())
}

// Delivery notes an attempt to deliver an event: its outcome is the state that
// the delivery is in after it.
func (m *Metrics) Delivery(outcome string) { m.deliveries.WithLabelValues(outcome).Inc() }
