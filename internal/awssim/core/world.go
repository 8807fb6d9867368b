package core

import (
	"fmt"
	"math/rand/v2"
	"sort"
	"sync"
	"time"
)

// World is everything that the simulated AWS knows.
type World struct {
	mu       sync.Mutex
	Clock    *Clock
	Options  Options
	accounts map[string]*Account
	services map[string]*Service // by signing name
	targets  map[string]*Service // by X-Amz-Target prefix
	rng      *rand.Rand

	// Directory and Guardrails are given by the iam and organizations services.
	Directory  Directory
	Guardrails Guardrails

	Trail    *Trail
	limits   *limiter
	faults   *faultTable
	latency  *latencyTable
	counters *counters
}

// Options are the properties of the world that a test or a demo may choose.
type Options struct {
	Seed uint64 // ids and delays; the same seed gives the same world
	// IAMDelay is how long an IAM change takes to be seen by authorization.
	IAMDelay time.Duration
	// TrailDelay gives the delay after which an event can be looked up.
	TrailDelay Distribution
	// StateDelay is the scale of asynchronous changes: an instance is pending
	// for one, a NAT gateway deleting for two. Zero means: on the next look.
	StateDelay time.Duration
	// Throttle switches AWS's request rates on.
	Throttle bool
}

// Distribution of a delay: uniform between Min and Max.
type Distribution struct{ Min, Max time.Duration }

// Account is one AWS account.
type Account struct {
	ID      string
	Name    string
	Email   string
	Created time.Time
	// Closed accounts refuse every call.
	Closed bool
}

// NewWorld makes an empty world; services are added with Add.
func NewWorld(o Options) *World {
	w := &World{
		Clock: NewClock(), Options: o,
		accounts: map[string]*Account{}, services: map[string]*Service{}, targets: map[string]*Service{},
		rng: rand.New(rand.NewPCG(o.Seed, 0x6b6d6c)), // #nosec: ids of a simulation
	}
	w.Trail = newTrail(w)
	w.limits, w.faults, w.latency, w.counters = newLimiter(), newFaultTable(), newLatencyTable(), newCounters()
	return w
}

// Do runs f with the world's lock held. Services never call it: the pipeline
// already holds the lock. It is for the admin door and for background work.
func (w *World) Do(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
}

// AddAccount puts an account into the world. Lock held.
func (w *World) AddAccount(a *Account) {
	if a.Created.IsZero() {
		a.Created = w.Clock.Now()
	}
	w.accounts[a.ID] = a
}

// Account finds an account, or nil. Lock held.
func (w *World) Account(id string) *Account { return w.accounts[id] }

// Accounts lists all accounts by id. Lock held.
func (w *World) Accounts() []*Account {
	out := make([]*Account, 0, len(w.accounts))
	for _, a := range w.accounts {
		out = append(out, a)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].ID < out[j].ID })
	return out
}

// Add registers a service. A second one of the same name is a programming error.
func (w *World) Add(s *Service) {
	if _, dup := w.services[s.Name]; dup {
		panic("awssim: service registered twice: " + s.Name)
	}
	s.index()
	w.services[s.Name] = s
	for _, p := range s.TargetPrefixes {
		w.targets[p] = s
	}
}

// Service finds a service by its signing name, or nil.
func (w *World) Service(name string) *Service { return w.services[name] }

// Services lists all services by signing name.
func (w *World) Services() []*Service {
	out := make([]*Service, 0, len(w.services))
	for _, n := range w.serviceNames() {
		out = append(out, w.services[n])
	}
	return out
}

const hexDigits = "0123456789abcdef"
const base32Digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"

// Hex gives n random hex digits, deterministic by the world's seed. Lock held.
func (w *World) Hex(n int) string { return w.pick(n, hexDigits) }

// Base32 gives n characters as in AWS's unique ids (AKIA…, AIDA…). Lock held.
func (w *World) Base32(n int) string { return w.pick(n, base32Digits) }

// Secret gives n characters as in a secret access key. Lock held.
func (w *World) Secret(n int) string {
	return w.pick(n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
}

// ID gives an id as EC2 makes them: prefix-0123456789abcdef0. Lock held.
func (w *World) ID(prefix string) string { return prefix + "-" + w.Hex(17) }

// UUID gives a random version-4 UUID. Lock held.
func (w *World) UUID() string {
	h := w.Hex(32)
	return fmt.Sprintf("%s-%s-4%s-a%s-%s", h[:8], h[8:12], h[13:16], h[17:20], h[20:32])
}

// Float gives a random number in [0,1). Lock held.
func (w *World) Float() float64 { return w.rng.Float64() }

func (w *World) pick(n int, from string) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = from[w.rng.IntN(len(from))]
	}
	return string(b)
}

// Shelf holds one T per account and Region: a service's state. Global services
// use Region "". The zero Shelf with New set is ready. Lock held in all methods.
type Shelf[T any] struct {
	New func(account, region string) *T // called on the first look
	m   map[[2]string]*T
}

// At gives the state of one account and Region, made on the first look.
func (s *Shelf[T]) At(account, region string) *T {
	k := [2]string{account, region}
	if v, ok := s.m[k]; ok {
		return v
	}
	if s.m == nil {
		s.m = map[[2]string]*T{}
	}
	v := s.New(account, region)
	s.m[k] = v
	return v
}

// Peek gives the state if it was ever made, else nil.
func (s *Shelf[T]) Peek(account, region string) *T { return s.m[[2]string{account, region}] }

// Each visits the states of an account (of all accounts if account is ""), in order.
func (s *Shelf[T]) Each(account string, f func(account, region string, v *T)) {
	keys := make([][2]string, 0, len(s.m))
	for k := range s.m {
		if account == "" || k[0] == account {
			keys = append(keys, k)
		}
	}
	sort.Slice(keys, func(i, j int) bool {
		return keys[i][0] < keys[j][0] || keys[i][0] == keys[j][0] && keys[i][1] < keys[j][1]
	})
	for _, k := range keys {
		f(k[0], k[1], s.m[k])
	}
}

// Drop forgets the state of an account (all Regions).
func (s *Shelf[T]) Drop(account string) {
	for k := range s.m {
		if k[0] == account {
			delete(s.m, k)
		}
	}
}

func (w *World) serviceNames() []string {
	names := make([]string, 0, len(w.services))
	for n := range w.services {
		names = append(names, n)
	}
	sort.Strings(names)
	return names
}
