package core

import (
	"sort"
	"sync"
	"time"
)

// limiter holds the token buckets. Lock of the world held.
type limiter struct{ m map[string]*bucket }

type bucket struct {
	tokens float64
	last   time.Time
}

func newLimiter() *limiter { return &limiter{m: map[string]*bucket{}} }

func (l *limiter) take(key string, r Rate, now time.Time) bool {
	b, ok := l.m[key]
	if !ok {
		b = &bucket{tokens: r.Burst, last: now}
		l.m[key] = b
	}
	b.tokens = min(r.Burst, b.tokens+now.Sub(b.last).Seconds()*r.PerSecond)
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// allow takes a token for the call; both the operation's and the service's rate count.
func (c *Call) allow() bool {
	if !c.World.Options.Throttle || c.Account == nil {
		return true
	}
	region := c.Region
	if c.Service.Global {
		region = ""
	}
	for _, name := range []string{c.Op.Name, "*"} {
		r, ok := c.Service.Rates[name]
		if ok && !c.World.limits.take(c.Account.ID+"|"+region+"|"+c.Service.Name+"|"+name, r, c.Now) {
			return false
		}
	}
	return true
}

// counters count calls and refusals by service, operation and code.
type counters struct {
	mu sync.Mutex
	m  map[CounterKey]uint64
}

// CounterKey names a counter; Code is "" for calls that succeeded.
type CounterKey struct {
	Account string `json:"account"`
	Role    string `json:"role,omitempty"` // whose session made the call; "" for users
	Service string `json:"service"`
	Op      string `json:"op"`
	Code    string `json:"code,omitempty"`
}

func (k CounterKey) text() string {
	return k.Account + "|" + k.Role + "|" + k.Service + "|" + k.Op + "|" + k.Code
}

// Counter is a counter and its value.
type Counter struct {
	CounterKey
	N uint64 `json:"n"`
}

func newCounters() *counters { return &counters{m: map[CounterKey]uint64{}} }

func (c *counters) add(k CounterKey) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.m[k]++
}

// Counters gives all counters, sorted.
func (w *World) Counters() []Counter {
	w.counters.mu.Lock()
	defer w.counters.mu.Unlock()
	out := make([]Counter, 0, len(w.counters.m))
	for k, n := range w.counters.m {
		out = append(out, Counter{k, n})
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		return a.text() < b.text()
	})
	return out
}
