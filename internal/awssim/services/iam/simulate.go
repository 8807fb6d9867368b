package iam

import (
	"fmt"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

type contextEntry struct {
	ContextKeyName, ContextKeyType string
	ContextKeyValues               []string
}

type simulateIn struct {
	PolicySourceArn, CallerArn, ResourcePolicy, ResourceOwner, ResourceHandlingOption string

	PolicyInputList, PermissionsBoundaryPolicyInputList, ActionNames, ResourceArns []string

	ContextEntries []contextEntry
	Paging
}

type statementOut struct{ SourcePolicyId, SourcePolicyType string }

type boundaryDetail struct{ AllowedByPermissionsBoundary bool }

type orgDetail struct{ AllowedByOrganizations bool }

type evaluationOut struct {
	EvalActionName, EvalResourceName, EvalDecision string
	MatchedStatements                              members[statementOut]
	MissingContextValues                           members[string]
	OrganizationsDecisionDetail                    *orgDetail      `xml:",omitempty"`
	PermissionsBoundaryDecisionDetail              *boundaryDetail `xml:",omitempty"`
}

type simulateOut struct {
	EvaluationResults members[evaluationOut]
	Truncation
}

func (i *IAM) simulateOps() []core.Op {
	return []core.Op{
		core.Handle("SimulatePrincipalPolicy", i.simulatePrincipal, core.ReadOnly, core.Needs(func(_ *core.Call, in *simulateIn) []core.Permission {
			return []core.Permission{{Resource: in.PolicySourceArn}}
		})),
		core.Handle("SimulateCustomPolicy", i.simulateCustom, core.ReadOnly),
	}
}

// simulatePrincipal evaluates the policies of a user, group or role as they
// stand. Like AWS's simulator it knows the organization's policies.
func (i *IAM) simulatePrincipal(c *core.Call, in *simulateIn) (*simulateOut, error) {
	a := i.of(c)
	typ, _, _ := strings.Cut(strings.TrimPrefix(in.PolicySourceArn, "arn:aws:iam::"+a.id+":"), "/")
	h, err := a.holder(kind(typ), afterLast(in.PolicySourceArn))
	if err != nil || h.ARN() != in.PolicySourceArn {
		return nil, notFound("The principal %s cannot be found.", in.PolicySourceArn)
	}
	var pol iameval.Policies
	pol.Identity = i.holderPolicies(a, h)
	if h.Kind == kindUser {
		for _, g := range a.users.get(h.Name).sortedGroups() {
			pol.Identity = append(pol.Identity, i.holderPolicies(a, &g.Holder)...)
		}
	}
	if h.Boundary != "" {
		pol.HasBoundary = true
		if p, err := a.policy(h.Boundary); err == nil {
			pol.Boundary = &iameval.Attached{ARN: h.Boundary, Name: p.Name, Policy: p.version(p.Default).Policy}
		}
	}
	if i.w.Guardrails != nil {
		pol.SCPs = i.w.Guardrails.SCPs(a.id)
	}
	return i.simulate(c, in, pol, simulated(in, h))
}

// simulated is who the simulation is about: CallerArn, or the source itself.
func simulated(in *simulateIn, h *Holder) iameval.Principal {
	p := iameval.Principal{ARN: h.ARN(), Account: h.Account, UserID: h.ID, Tags: h.Tags.asMap()}
	switch h.Kind {
	case kindUser:
		p.Type, p.UserName = iameval.TypeUser, h.Name
	case kindRole:
		p.Type, p.RoleARN = iameval.TypeAssumedRole, h.ARN()
	default:
		p.Type = iameval.TypeUser // a group stands for a user in it
	}
	if in.CallerArn != "" {
		p.ARN, p.Account = in.CallerArn, accountOf(in.CallerArn)
	}
	return p
}

func (i *IAM) holderPolicies(a *account, h *Holder) []iameval.Attached {
	out := h.view().inline
	for _, arn := range h.Attached {
		if p, err := a.policy(arn); err == nil {
			out = append(out, iameval.Attached{ARN: arn, Name: p.Name, Policy: p.version(p.Default).Policy})
		}
	}
	return out
}

func (i *IAM) simulateCustom(c *core.Call, in *simulateIn) (*simulateOut, error) {
	p := iameval.Principal{ARN: rootARN(c.Account.ID) + "/simulated", Account: c.Account.ID, Type: iameval.TypeUser}
	if in.CallerArn != "" {
		p.ARN, p.Account = in.CallerArn, accountOf(in.CallerArn)
	}
	return i.simulate(c, in, iameval.Policies{}, p)
}

func (i *IAM) simulate(c *core.Call, in *simulateIn, pol iameval.Policies, p iameval.Principal) (*simulateOut, error) {
	if err := in.addPolicies(&pol); err != nil {
		return nil, err
	}
	ctx := map[string][]string{"aws:CurrentTime": {c.Now.Format("2006-01-02T15:04:05Z")}, "aws:EpochTime": {fmt.Sprint(c.Now.Unix())}}
	for _, e := range in.ContextEntries {
		ctx[e.ContextKeyName] = e.ContextKeyValues
	}
	resources := in.ResourceArns
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	if pol.Resource != nil {
		pol.ResourceAccount = accountOf(in.ResourceOwner)
	}
	type result struct {
		key string
		out evaluationOut
	}
	var all []result
	for _, action := range in.ActionNames {
		if !strings.Contains(action, ":") {
			return nil, invalidInput("Invalid ActionName %s: it must be of the form service:action", action)
		}
		for _, resource := range resources {
			d := iameval.Evaluate(iameval.Request{Action: action, Resource: resource, Principal: p, Context: ctx}, pol)
			all = append(all, result{fmt.Sprintf("%06d", len(all)), evaluated(action, resource, d, pol)})
		}
	}
	page, more, err := cut(all, func(r result) string { return r.key }, in.Paging)
	return &simulateOut{each(page, func(r result) evaluationOut { return r.out }), more}, err
}

// addPolicies adds the documents of the request to those of the principal.
func (in *simulateIn) addPolicies(pol *iameval.Policies) error {
	for n, text := range in.PolicyInputList {
		d, err := parseInput(text, iameval.Identity)
		if err != nil {
			return err
		}
		pol.Identity = append(pol.Identity, iameval.Attached{Name: fmt.Sprintf("PolicyInputList.%d", n+1), Policy: d})
	}
	for n, text := range in.PermissionsBoundaryPolicyInputList {
		d, err := parseInput(text, iameval.Identity)
		if err != nil {
			return err
		}
		pol.HasBoundary, pol.Boundary = true, &iameval.Attached{Name: fmt.Sprintf("PermissionsBoundaryPolicyInputList.%d", n+1), Policy: d}
	}
	if in.ResourcePolicy != "" {
		d, err := parseInput(in.ResourcePolicy, iameval.Resource)
		if err != nil {
			return err
		}
		pol.Resource = &iameval.Attached{Name: "ResourcePolicy", Policy: d}
	}
	return nil
}

func parseInput(text string, k iameval.Kind) (*iameval.Policy, error) {
	d, err := iameval.Parse(text, k)
	if err != nil {
		return nil, invalidInput("%v", err)
	}
	return d, nil
}

func evaluated(action, resource string, d iameval.Decision, pol iameval.Policies) evaluationOut {
	o := evaluationOut{EvalActionName: action, EvalResourceName: resource, EvalDecision: "implicitDeny"}
	switch {
	case d.Allowed:
		o.EvalDecision = "allowed"
	case d.Explicit:
		o.EvalDecision = "explicitDeny"
	}
	for _, m := range d.Matched {
		o.MatchedStatements = append(o.MatchedStatements, statementOut{m.Name, "IAM Policy"})
	}
	if pol.HasBoundary {
		o.PermissionsBoundaryDecisionDetail = &boundaryDetail{d.Allowed || d.By != "permissions boundary"}
	}
	if pol.SCPs != nil {
		o.OrganizationsDecisionDetail = &orgDetail{d.Allowed || d.By != "service control policy"}
	}
	return o
}
