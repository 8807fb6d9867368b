package organizations

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

const (
	maxContent  = 5120
	maxAttached = 5
	maxSCPs     = 2000
)

type summaryOut struct {
	Id, Arn, Name, Description, Type string
	AwsManaged                       bool
}

type policyOut struct {
	PolicySummary summaryOut
	Content       string
}

type onePolicyOut struct{ Policy policyOut }

type createPolicyIn struct {
	Content, Description, Name, Type string
	Tags                             []tag
}

type updatePolicyIn struct {
	PolicyId                   string
	Name, Description, Content *string
}

type policyIn struct{ PolicyId string }

type listPoliciesIn struct {
	Filter, TargetId string
	Paging
}

type policiesOut struct {
	Policies  []summaryOut
	NextToken *string `json:",omitempty"`
}

type typeIn struct{ RootId, PolicyType string }

type oneRootOut struct{ Root rootOut }

func (p *scp) summary() summaryOut {
	return summaryOut{p.id, p.arn, p.name, p.description, scpType, p.aws}
}

func (p *scp) out() *onePolicyOut { return &onePolicyOut{policyOut{p.summary(), p.content}} }

func (g *organization) policy(id string) (*scp, error) {
	if p := g.scps[id]; p != nil {
		return p, nil
	}
	return nil, missing("PolicyNotFoundException", "a policy")
}

// ownPolicy finds a policy that the organization may change.
func (g *organization) ownPolicy(id string) (*scp, error) {
	p, err := g.policy(id)
	if err == nil && p.aws {
		return nil, invalid("IMMUTABLE_POLICY", "You can't change an AWS managed policy")
	}
	return p, err
}

func checkType(t string) error {
	if t != scpType {
		return core.Errorf(400, "PolicyTypeNotAvailableForOrganizationException", "The simulated organization knows no policies of type %s", t)
	}
	return nil
}

// parse reads a policy. Unlike IAM's, its limit counts white space.
func parse(content, arn, name string) (*iameval.Policy, error) {
	if len(content) > maxContent {
		return nil, violation("POLICY_CONTENT_LIMIT_EXCEEDED", "You have exceeded the maximum size of a policy: %d characters", maxContent)
	}
	p, err := iameval.Parse(content, iameval.SCP)
	if err != nil {
		return nil, core.Errorf(400, "MalformedPolicyDocumentException", "%v", err)
	}
	return p.Named(arn, name), nil
}

func (o *Organizations) policyOps() []core.Op {
	return []core.Op{
		managing(o, "CreatePolicy", o.createPolicy),
		managing(o, "UpdatePolicy", o.updatePolicy),
		managing(o, "DescribePolicy", func(_ *core.Call, g *organization, in *policyIn) (*onePolicyOut, error) {
			p, err := g.policy(in.PolicyId)
			if err != nil {
				return nil, err
			}
			return p.out(), nil
		}, core.ReadOnly),
		managing(o, "DeletePolicy", func(_ *core.Call, g *organization, in *policyIn) (core.None, error) {
			p, err := g.ownPolicy(in.PolicyId)
			if err != nil {
				return core.None{}, err
			}
			if len(g.targetsOf(p)) > 0 {
				return core.None{}, core.Errorf(400, "PolicyInUseException", "The policy is attached to one or more entities. You must detach it from all roots, OUs, and accounts before performing this operation.")
			}
			delete(g.scps, p.id)
			return core.None{}, nil
		}),
		managing(o, "ListPolicies", func(_ *core.Call, g *organization, in *listPoliciesIn) (*policiesOut, error) {
			if err := checkType(in.Filter); err != nil {
				return nil, err
			}
			return listed(slices.Collect(maps.Values(g.scps)), in.Paging)
		}, core.ReadOnly),
		managing(o, "EnablePolicyType", func(c *core.Call, g *organization, in *typeIn) (*oneRootOut, error) {
			return o.switchType(c, g, in, true)
		}),
		managing(o, "DisablePolicyType", func(c *core.Call, g *organization, in *typeIn) (*oneRootOut, error) {
			return o.switchType(c, g, in, false)
		}),
	}
}

func listed(all []*scp, p Paging) (*policiesOut, error) {
	slices.SortFunc(all, func(a, b *scp) int { return strings.Compare(a.id, b.id) })
	page, next, err := cut(all, func(p *scp) string { return p.id }, p)
	return &policiesOut{each(page, (*scp).summary), next}, err
}

func (g *organization) freePolicyName(name string, except *scp) error {
	for _, p := range g.scps {
		if p != except && p.name == name {
			return core.Errorf(400, "DuplicatePolicyException", "A policy with the same name already exists.")
		}
	}
	return nil
}

func (o *Organizations) createPolicy(c *core.Call, g *organization, in *createPolicyIn) (*onePolicyOut, error) {
	if err := checkType(in.Type); err != nil {
		return nil, err
	}
	if in.Name == "" {
		return nil, invalid("INPUT_REQUIRED", "Name is required")
	}
	if err := g.freePolicyName(in.Name, nil); err != nil {
		return nil, err
	}
	if len(g.scps) >= maxSCPs {
		return nil, violation("POLICY_NUMBER_LIMIT_EXCEEDED", "You have exceeded the allowed number of policies")
	}
	p := &scp{id: "p-" + o.lower(8), name: in.Name, description: in.Description, content: in.Content, tags: in.Tags}
	p.arn = g.arn("policy", "service_control_policy/"+p.id)
	doc, err := parse(p.content, p.arn, p.name)
	if err != nil {
		return nil, err
	}
	p.seen.Set(c.Now, c.Now, doc)
	g.scps[p.id] = p
	return p.out(), nil
}

func given(v *string, old string) string {
	if v == nil {
		return old
	}
	return *v
}

func (o *Organizations) updatePolicy(c *core.Call, g *organization, in *updatePolicyIn) (*onePolicyOut, error) {
	p, err := g.ownPolicy(in.PolicyId)
	if err != nil {
		return nil, err
	}
	name, content := given(in.Name, p.name), given(in.Content, p.content)
	if err := g.freePolicyName(name, p); err != nil {
		return nil, err
	}
	doc, err := parse(content, p.arn, name)
	if err != nil {
		return nil, err
	}
	p.name, p.content, p.description = name, content, given(in.Description, p.description)
	p.seen.Set(c.Now, o.effective(c.Now), doc)
	return p.out(), nil
}

// switchType enables or disables policies. Enabling attaches FullAWSAccess
// everywhere; disabling takes every policy off for good.
func (o *Organizations) switchType(c *core.Call, g *organization, in *typeIn, on bool) (*oneRootOut, error) {
	switch {
	case in.RootId != g.root.id:
		return nil, missing("RootNotFoundException", "a root")
	case checkType(in.PolicyType) != nil:
		return nil, checkType(in.PolicyType)
	case on && g.scpEnabled:
		return nil, core.Errorf(400, "PolicyTypeAlreadyEnabledException", "The specified policy type is already enabled.")
	case !on && !g.scpEnabled:
		return nil, core.Errorf(400, "PolicyTypeNotEnabledException", "The specified policy type isn't currently enabled in this root.")
	}
	o.setType(g, c.Now, on)
	return &oneRootOut{g.rootOut()}, nil
}

func (o *Organizations) setType(g *organization, now time.Time, on bool) {
	g.scpEnabled = on
	for _, t := range g.targets() {
		o.setPolicies(t, now, nil)
		o.giveFullAccess(g, t, now)
	}
	g.enforced.Set(now, o.effective(now), on)
}

// giveFullAccess attaches FullAWSAccess to a target that has nothing yet.
func (o *Organizations) giveFullAccess(g *organization, t *target, now time.Time) {
	if g.scpEnabled {
		o.setPolicies(t, now, []*scp{g.scps[fullAccessID]})
	}
}

func (g *organization) targets() []*target {
	all := []*target{&g.root.target}
	for _, n := range g.units {
		all = append(all, &n.target)
	}
	for _, m := range g.accounts {
		all = append(all, &m.target)
	}
	slices.SortFunc(all, func(a, b *target) int { return cmp.Compare(a.id, b.id) })
	return all
}

func (g *organization) targetsOf(p *scp) []*target {
	return slices.DeleteFunc(g.targets(), func(t *target) bool { return !slices.Contains(t.attached, p) })
}
