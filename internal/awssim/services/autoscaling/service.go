package autoscaling

import (
	"sort"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/services/ec2"
)

// principal is who Auto Scaling acts as in EC2.
const principal = "autoscaling.amazonaws.com"

// Roles is what Auto Scaling asks the IAM service. The lock is held.
type Roles interface {
	// EnsureServiceLinkedRole makes the account's service-linked role for a
	// service unless it is there, and gives its ARN.
	EnsureServiceLinkedRole(account, service string, now time.Time) (arn string)
}

// Service is Auto Scaling in every account and Region.
type Service struct {
	w     *core.World
	ec2   *ec2.Service
	roles Roles
	shelf core.Shelf[state]
	core  *core.Service
}

// state is Auto Scaling in one account and Region.
type state struct {
	account, region string
	groups          map[string]*Group
	configs         map[string]*LaunchConfiguration
	activities      []*Activity // oldest first
}

// New makes the service on top of EC2. Without roles (nil) no service-linked
// role is made.
func New(w *core.World, machines *ec2.Service, roles Roles) *Service {
	s := &Service{w: w, ec2: machines, roles: roles}
	s.shelf.New = func(account, region string) *state {
		return &state{account: account, region: region, groups: map[string]*Group{}, configs: map[string]*LaunchConfiguration{}}
	}
	s.core = &core.Service{
		Name: "autoscaling", Namespace: "http://autoscaling.amazonaws.com/doc/2011-01-01/",
		Settle: s.Settle, Inventory: s.inventory,
	}
	for _, ops := range [][]core.Op{s.groupOps(), s.capacityOps(), s.configOps(), s.activityOps(), s.tagOps(), s.policyOps(), s.scheduleOps()} {
		s.core.Ops = append(s.core.Ops, ops...)
	}
	return s
}

// Core is what the world registers.
func (s *Service) Core() *core.Service { return s.core }

// call is a request with the state that it acts on.
type call struct {
	*core.Call
	*state
	s *Service
}

func (s *Service) call(c *core.Call) *call {
	return &call{c, s.shelf.At(c.Account.ID, c.Region), s}
}

// op makes an operation; on names the thing acted on by its ARN, nil means "*".
func op[In, Out any](s *Service, name string, h func(*call, *In) (Out, error), on func(*call, *In) core.Permission, opts ...core.Option) core.Op {
	if on != nil {
		opts = append(opts, core.Needs(func(c *core.Call, in *In) []core.Permission { return []core.Permission{on(s.call(c), in)} }))
	}
	return core.Handle(name, func(c *core.Call, in *In) (Out, error) { return h(s.call(c), in) }, opts...)
}

// List is a list with <member> elements, written also when empty.
type List[T any] struct {
	Members []T `xml:"member"`
}

func invalid(format string, args ...any) error {
	return core.Errorf(400, "ValidationError", format, args...)
}

// names gives the keys of a map, sorted.
func names[T any](m map[string]T) []string {
	out := make([]string, 0, len(m))
	for n := range m {
		out = append(out, n)
	}
	sort.Strings(out)
	return out
}

// Paged is the part that describing requests have.
type Paged struct {
	MaxRecords int
	NextToken  string
}

func page[T any](p Paged, items []T, key func(T) string) ([]T, string, error) {
	limit := p.MaxRecords
	if limit <= 0 {
		limit = 50
	}
	out, next, ok := core.Page(items, key, p.NextToken, min(limit, 100))
	if !ok {
		return nil, "", core.Errorf(400, "InvalidNextToken", "The token '%s' is invalid.", p.NextToken)
	}
	return out, next, nil
}

// inventory tells the groups and launch configurations; instances are EC2's.
func (s *Service) inventory(account string, now time.Time) []core.Resource {
	var out []core.Resource
	s.shelf.Each(account, func(account, region string, st *state) {
		s.Settle(account, region, now)
		for _, n := range names(st.groups) {
			g := st.groups[n]
			out = append(out, core.Resource{
				Service: "autoscaling", Kind: "auto-scaling-group", Region: region, ID: n, ARN: g.AutoScalingGroupARN,
				State: g.Status, Children: len(g.Instances.Members),
			})
		}
		for _, n := range names(st.configs) {
			out = append(out, core.Resource{
				Service: "autoscaling", Kind: "launch-configuration", Region: region, ID: n, ARN: st.configs[n].LaunchConfigurationARN,
			})
		}
	})
	return out
}
