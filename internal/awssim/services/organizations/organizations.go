// Package organizations simulates AWS Organizations: trees of accounts, the
// service control policies on them, and the guardrails that the pipeline asks
// for on every call.
//
// Invariants:
//   - An account is in at most one organization, at exactly one place of it.
//   - The API reads and writes at once; authorization sees changes of policies
//     and places after Options.IAMDelay, as it does those of IAM.
//   - Every target carries at least one and at most five service control
//     policies while the type is enabled.
package organizations

import (
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
	"github.com/kodekloud/kml/internal/awssim/services/iam"
)

// Organizations is the simulated service and the world's guardrails.
type Organizations struct {
	w    *core.World
	iam  *iam.IAM
	orgs []*organization
	in   map[string]*organization // by account
}

// New makes the service, registers it with the world and becomes its guardrails.
func New(w *core.World, directory *iam.IAM) *Organizations {
	o := &Organizations{w: w, iam: directory, in: map[string]*organization{}}
	w.Guardrails = o
	w.Add(&core.Service{
		Name: "organizations", TargetPrefixes: []string{"AWSOrganizationsV20161128"}, Global: true,
		Settle: o.settle, Inventory: o.inventory, Rates: rates, Ops: o.ops(),
	})
	return o
}

// rates are those of "Quotas and service limits for AWS Organizations"; the
// lists and descriptions it does not name have those of their like.
var rates = map[string]core.Rate{
	"ListAccounts":                     {PerSecond: 8, Burst: 12},
	"ListAccountsForParent":            {PerSecond: 5, Burst: 8},
	"ListParents":                      {PerSecond: 5, Burst: 8},
	"ListChildren":                     {PerSecond: 5, Burst: 8},
	"ListOrganizationalUnitsForParent": {PerSecond: 5, Burst: 8},
	"DescribeAccount":                  {PerSecond: 20, Burst: 30},
	"MoveAccount":                      {PerSecond: 2, Burst: 3},
	"AttachPolicy":                     {PerSecond: 2, Burst: 3},
	"DetachPolicy":                     {PerSecond: 2, Burst: 3},
	"CreatePolicy":                     {PerSecond: 2, Burst: 3},
	"UpdatePolicy":                     {PerSecond: 2, Burst: 3},
	"CreateAccount":                    {PerSecond: 0.1, Burst: 3},
	"CloseAccount":                     {PerSecond: 0.05, Burst: 1},
}

func (o *Organizations) ops() []core.Op {
	var ops []core.Op
	for _, more := range [][]core.Op{o.treeOps(), o.unitOps(), o.accountOps(), o.createOps(), o.policyOps(), o.attachOps(), o.tagOps()} {
		ops = append(ops, more...)
	}
	return ops
}

// managed gives the organization that the caller manages.
func (o *Organizations) managed(c *core.Call) (*organization, error) {
	g := o.in[c.Account.ID]
	switch {
	case g == nil:
		return nil, core.Errorf(400, "AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
	case g.management != c.Account.ID:
		return nil, core.Errorf(400, "AccessDeniedException", "You don't have permissions to access this resource.")
	}
	return g, nil
}

// managing makes a handler that runs on the organization the caller manages.
func managing[In, Out any](o *Organizations, name string, f func(*core.Call, *organization, *In) (Out, error), opts ...core.Option) core.Op {
	return core.Handle(name, func(c *core.Call, in *In) (Out, error) {
		g, err := o.managed(c)
		if err != nil {
			var none Out
			return none, err
		}
		return f(c, g, in)
	}, opts...)
}

// SCPs gives the policies that bind an account, the root's first, as
// authorization sees them now; nil for a management account, for one outside
// any organization, and while the policy type is not enabled.
func (o *Organizations) SCPs(account string) [][]*iameval.Policy {
	g := o.in[account]
	if g == nil || g.management == account {
		return nil
	}
	now := o.w.Clock.Now()
	m := g.accounts[account]
	parent, ok := m.place.At(now)
	if on, _ := g.enforced.At(now); !on || !ok {
		return nil
	}
	levels := [][]*iameval.Policy{m.policies(now)}
	for n := parent; n != nil; n = n.parent {
		levels = append(levels, n.policies(now))
	}
	for a, b := 0, len(levels)-1; a < b; a, b = a+1, b-1 {
		levels[a], levels[b] = levels[b], levels[a]
	}
	return levels
}

func (o *Organizations) effective(now time.Time) time.Time { return now.Add(o.w.Options.IAMDelay) }

func (o *Organizations) settle(account, _ string, now time.Time) {
	g := o.in[account]
	if g == nil {
		return
	}
	o.settleCreations(g, now)
	o.settleClosures(g, now)
}

// inventory tells nothing: what an organization consists of belongs to no
// member account, and its management account is not cleaned.
func (o *Organizations) inventory(string, time.Time) []core.Resource { return nil }
