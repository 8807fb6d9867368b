package core

import (
	"sync"
	"time"
)

// FaultKind is what goes wrong.
type FaultKind string

// The faults that can be injected.
const (
	FaultThrottle    FaultKind = "throttle"     // AWS's throttling code of the service
	FaultError       FaultKind = "error"        // Code and Status of the rule (default 500 InternalError)
	FaultTimeout     FaultKind = "timeout"      // no answer until the client gives up
	FaultResetBefore FaultKind = "reset-before" // connection reset, nothing happened
	FaultResetAfter  FaultKind = "reset-after"  // connection reset, the effect stands
)

// FaultRule injects a fault into matching calls. Empty fields match all.
type FaultRule struct {
	ID      string    `json:"id"`
	Service string    `json:"service,omitempty"`
	Op      string    `json:"op,omitempty"`
	Account string    `json:"account,omitempty"`
	Region  string    `json:"region,omitempty"`
	Role    string    `json:"role,omitempty"` // name of the role whose sessions are hit
	Kind    FaultKind `json:"kind"`
	Code    string    `json:"code,omitempty"`
	Status  int       `json:"status,omitempty"`
	Rate    float64   `json:"rate,omitempty"`  // share of calls; 0 means all
	Times   int       `json:"times,omitempty"` // ends after so many hits; 0: never
	Hits    int       `json:"hits"`
}

type faultTable struct {
	mu    sync.Mutex
	rules []*FaultRule
}

func newFaultTable() *faultTable { return &faultTable{} }

// SetFaults replaces the fault rules.
func (w *World) SetFaults(rules []FaultRule) {
	w.faults.mu.Lock()
	defer w.faults.mu.Unlock()
	w.faults.rules = nil
	for i := range rules {
		r := rules[i]
		w.faults.rules = append(w.faults.rules, &r)
	}
}

// Faults gives the rules with their hits.
func (w *World) Faults() []FaultRule {
	w.faults.mu.Lock()
	defer w.faults.mu.Unlock()
	out := make([]FaultRule, 0, len(w.faults.rules))
	for _, r := range w.faults.rules {
		out = append(out, *r)
	}
	return out
}

// match finds the fault that hits this call, if any. roll is in [0,1).
func (t *faultTable) match(service, op, account, region, role string, roll func() float64) *FaultRule {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, r := range t.rules {
		hit := (r.Service == "" || r.Service == service) && (r.Op == "" || r.Op == op) &&
			(r.Account == "" || r.Account == account) && (r.Region == "" || r.Region == region) && (r.Role == "" || r.Role == role) &&
			(r.Times == 0 || r.Hits < r.Times)
		if hit && (r.Rate == 0 || roll() < r.Rate) {
			r.Hits++
			c := *r
			return &c
		}
	}
	return nil
}

// latencyTable gives each service a delay before its answer.
type latencyTable struct {
	mu sync.Mutex
	m  map[string]Distribution // by service; "*" for the rest
}

func newLatencyTable() *latencyTable { return &latencyTable{m: map[string]Distribution{}} }

// SetLatency sets the latency profile: service name (or "*") to a distribution.
func (w *World) SetLatency(m map[string]Distribution) {
	w.latency.mu.Lock()
	defer w.latency.mu.Unlock()
	w.latency.m = m
}

func (t *latencyTable) of(service string, roll float64) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	d, ok := t.m[service]
	if !ok {
		d, ok = t.m["*"]
	}
	if !ok {
		return 0
	}
	return d.Min + time.Duration(roll*float64(max(0, d.Max-d.Min)))
}
