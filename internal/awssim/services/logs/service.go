package logs

import (
	"fmt"
	"regexp"
	"sort"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// MetricWriter takes the data points that metric filters make. The lock is held.
type MetricWriter interface {
	PutMetric(account, region, namespace, name string, dimensions map[string]string, value float64, at time.Time)
}

// Service is the state of CloudWatch Logs in every account and Region.
type Service struct {
	w       *core.World
	metrics MetricWriter // nil: metric filters make no data
	shelf   core.Shelf[state]
	core    *core.Service
}

type state struct {
	account, region string
	groups          map[string]*group
	policies        map[string]*ResourcePolicy
	accountPolicies map[string]*AccountPolicy // by type and name
	queries         map[string]*QueryDefinition
	destinations    map[string]*Destination
}

// New makes the service; metrics may be nil.
func New(w *core.World, metrics MetricWriter) *Service {
	s := &Service{w: w, metrics: metrics}
	s.shelf.New = func(account, region string) *state {
		return &state{
			account: account, region: region, groups: map[string]*group{},
			policies: map[string]*ResourcePolicy{}, accountPolicies: map[string]*AccountPolicy{},
			queries: map[string]*QueryDefinition{}, destinations: map[string]*Destination{},
		}
	}
	s.core = &core.Service{
		Name: "logs", TargetPrefixes: []string{"Logs_20140328"},
		Inventory: s.inventory,
		// "CloudWatch Logs quotas", requests per second per account and Region.
		Rates: map[string]core.Rate{
			"CreateLogGroup": {PerSecond: 10, Burst: 10}, "DeleteLogGroup": {PerSecond: 10, Burst: 10}, "DescribeLogGroups": {PerSecond: 10, Burst: 10},
			"CreateLogStream": {PerSecond: 50, Burst: 50}, "DeleteLogStream": {PerSecond: 15, Burst: 15}, "DescribeLogStreams": {PerSecond: 25, Burst: 25},
			"FilterLogEvents": {PerSecond: 10, Burst: 10}, "GetLogEvents": {PerSecond: 25, Burst: 25},
		},
	}
	for _, ops := range [][]core.Op{
		s.groupOps(), s.streamOps(), s.eventOps(), s.tagOps(), s.metricFilterOps(),
		s.subscriptionOps(), s.resourcePolicyOps(), s.accountPolicyOps(), s.queryOps(), s.destinationOps(),
	} {
		s.core.Ops = append(s.core.Ops, ops...)
	}
	return s
}

// Core is what the world registers.
func (s *Service) Core() *core.Service { return s.core }

func (s *Service) at(c *core.Call) *state { return s.shelf.At(c.Account.ID, c.Region) }

// groupARN is the ARN without the ":*" that IAM wants behind it.
func groupARN(region, account, name string) string {
	return fmt.Sprintf("arn:aws:logs:%s:%s:log-group:%s", region, account, name)
}

// onGroup is the resource of an operation that acts on one group. IAM's log
// group resource ends in ":*"; "Actions, resources, and condition keys for
// Amazon CloudWatch Logs".
func onGroup[In any](name func(*In) string) core.Option {
	return core.On(func(c *core.Call, in *In) string {
		n := nameOf(name(in))
		if n == "" {
			n = "*"
		}
		return groupARN(c.Region, c.Account.ID, n) + ":*"
	})
}

// nameOf takes the name of a group out of an identifier, which may be an ARN.
func nameOf(identifier string) string {
	if !strings.HasPrefix(identifier, "arn:") {
		return identifier
	}
	parts := strings.SplitN(identifier, ":", 7)
	if len(parts) < 7 || parts[5] != "log-group" {
		return identifier
	}
	return strings.TrimSuffix(parts[6], ":*")
}

var groupName = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)

func invalid(format string, args ...any) *core.Error {
	return core.Errorf(400, "InvalidParameterException", format, args...)
}

func constraint(field, value, rule string) *core.Error {
	return invalid("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, field, rule)
}

func notFound(what string) *core.Error {
	return core.Errorf(400, "ResourceNotFoundException", "The specified %s does not exist.", what)
}

func exists(what string) *core.Error {
	return core.Errorf(400, "ResourceAlreadyExistsException", "The specified %s already exists", what)
}

// page is core.Page with the service's limits and error.
func page[T any](items []T, key func(T) string, token string, limit *int, most int) ([]T, string, error) {
	n := most
	if limit != nil {
		if *limit < 1 || *limit > most {
			return nil, "", constraint("limit", fmt.Sprint(*limit), fmt.Sprintf("Member must have value between 1 and %d", most))
		}
		n = *limit
	}
	out, next, ok := core.Page(items, key, token, n)
	if !ok {
		return nil, "", invalid("The specified nextToken is invalid.")
	}
	return out, next, nil
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

func (s *Service) inventory(account string, _ time.Time) []core.Resource {
	var out []core.Resource
	s.shelf.Each(account, func(_, region string, st *state) {
		add := func(kind, id, arn string, children int) {
			out = append(out, core.Resource{Service: "logs", Kind: kind, Region: region, ID: id, ARN: arn, Children: children})
		}
		for _, g := range sorted(st.groups) {
			add("log-group", g.Name, g.LogGroupArn, len(g.streams))
		}
		for _, p := range sorted(st.policies) {
			add("resource-policy", p.PolicyName, "", 0)
		}
		for _, p := range sorted(st.accountPolicies) {
			add("account-policy", p.PolicyName, "", 0)
		}
		for _, q := range sorted(st.queries) {
			add("query-definition", q.ID, "", 0)
		}
		for _, d := range sorted(st.destinations) {
			add("destination", d.Name, d.ARN, 0)
		}
	})
	return out
}
