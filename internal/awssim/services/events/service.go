package events

import (
	"sort"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// Invoker runs Lambda functions. The world's lock is held.
type Invoker interface {
	// InvokeFor runs a function for a service on behalf of a rule; the
	// function's policy must let it.
	InvokeFor(principal, ruleARN, functionARN string, now time.Time) error
}

// Sender gives messages to targets that are no functions: queues, topics. The
// world's lock is held.
type Sender interface {
	// SendFor gives body to the target on behalf of a rule; the target's policy
	// must let the principal in. group is for FIFO queues.
	SendFor(principal, ruleARN, targetARN, body, group string, now time.Time) error
}

// MetricWriter takes the data points of AWS/Events.
type MetricWriter interface {
	PutMetric(account, region, namespace, name string, dimensions map[string]string, value float64, at time.Time)
}

// Service is the state of EventBridge in every account and Region.
type Service struct {
	w       *core.World
	invoker Invoker
	senders map[string]Sender // by the service in the target's ARN
	metrics MetricWriter
	shelf   core.Shelf[state]
	core    *core.Service
}

type state struct {
	account, region string
	buses           map[string]*bus
}

const (
	service    = "events.amazonaws.com"
	defaultBus = "default"
)

// New makes the service; invoker and metrics may be nil. senders reach the
// targets of other services, by the service's name in ARNs ("sqs").
func New(w *core.World, invoker Invoker, senders map[string]Sender, metrics MetricWriter) *Service {
	s := &Service{w: w, invoker: invoker, senders: senders, metrics: metrics}
	s.shelf.New = func(account, region string) *state {
		st := &state{account: account, region: region, buses: map[string]*bus{}}
		st.buses[defaultBus] = st.newBus(defaultBus, time.Time{})
		return st
	}
	s.core = &core.Service{
		Name: "events", TargetPrefixes: []string{"AWSEvents"},
		Settle: s.settle, Inventory: s.inventory, ResourcePolicy: s.resourcePolicy,
	}
	for _, ops := range [][]core.Op{s.busOps(), s.busPolicyOps(), s.ruleOps(), s.targetOps(), s.tagOps(), s.eventOps()} {
		s.core.Ops = append(s.core.Ops, ops...)
	}
	return s
}

// Core is what the world registers.
func (s *Service) Core() *core.Service { return s.core }

func (s *Service) at(c *core.Call) *state { return s.shelf.At(c.Account.ID, c.Region) }

func (s *Service) inventory(account string, now time.Time) []core.Resource {
	var out []core.Resource
	s.shelf.Each(account, func(_, region string, st *state) {
		s.settle(account, region, now)
		for _, b := range sorted(st.buses) {
			out = append(out, core.Resource{Service: "events", Kind: "event-bus", Region: region, ID: b.Name, ARN: b.Arn, Default: b.Name == defaultBus, Children: len(b.rules)})
			for _, r := range sorted(b.rules) {
				out = append(out, core.Resource{Service: "events", Kind: "rule", Region: region, ID: b.Name + "/" + r.Name, ARN: r.Arn, State: r.State, Children: len(r.targets)})
			}
		}
	})
	return out
}

func (s *Service) resourcePolicy(arn string) (*core.ResourcePolicy, string) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) < 6 || !strings.HasPrefix(parts[5], "event-bus/") {
		return nil, ""
	}
	st := s.shelf.Peek(parts[4], parts[3])
	if st == nil {
		return nil, parts[4]
	}
	b := st.buses[strings.TrimPrefix(parts[5], "event-bus/")]
	if b == nil || b.parsed == nil {
		return nil, parts[4]
	}
	return &core.ResourcePolicy{ARN: arn, Policy: b.parsed}, parts[4]
}

func validation(format string, args ...any) *core.Error {
	return core.Errorf(400, "ValidationException", format, args...)
}

func notFound(format string, args ...any) *core.Error {
	return core.Errorf(400, "ResourceNotFoundException", format, args...)
}

func parsePolicy(doc string) (*iameval.Policy, error) {
	p, err := iameval.Parse(doc, iameval.Resource)
	if err != nil {
		return nil, validation("The policy is not valid: %v", err)
	}
	return p, nil
}

// pageSize is the most that a list gives at once.
const pageSize = 100

func page[T any](items []T, key func(T) string, token string, limit *int) ([]T, string, error) {
	n := pageSize
	if limit != nil {
		if n = *limit; n < 1 || n > pageSize {
			return nil, "", validation("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: Member must have value between 1 and 100", n)
		}
	}
	out, next, ok := core.Page(items, key, token, n)
	if !ok {
		return nil, "", validation("The NextToken is not valid.")
	}
	return append([]T{}, out...), next, nil
}

// sorted gives the values of m by key.
func sorted[T any](m map[string]T) []T {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	out := make([]T, len(keys))
	for i, k := range keys {
		out[i] = m[k]
	}
	return out
}
