package iam

import (
	"fmt"
	"slices"
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

type statementOut struct {
	SourcePolicyId, SourcePolicyType string
	span
}

type boundaryDetail struct{ AllowedByPermissionsBoundary bool }

type orgDetail struct{ AllowedByOrganizations bool }

type evaluationOut struct {
	EvalActionName, EvalResourceName, EvalDecision string
	MatchedStatements                              members[statementOut]
	MissingContextValues                           members[string]
	ResourceSpecificResults                        members[resourceOut]
	OrganizationsDecisionDetail                    *orgDetail      `xml:",omitempty"`
	PermissionsBoundaryDecisionDetail              *boundaryDetail `xml:",omitempty"`
}

// resourceOut repeats a result for the resource that was named, and has what is
// missing for it.
type resourceOut struct {
	EvalResourceName, EvalResourceDecision string
	MatchedStatements                      members[statementOut]
	MissingContextValues                   members[string]
	PermissionsBoundaryDecisionDetail      *boundaryDetail `xml:",omitempty"`
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

// simulateCustom evaluates documents alone. There is no principal: what the
// documents ask about one has to be in the context.
func (i *IAM) simulateCustom(c *core.Call, in *simulateIn) (*simulateOut, error) {
	if len(in.PolicyInputList) == 0 {
		return nil, invalidInput("1 validation error detected: Value at 'policyInputList' failed to satisfy constraint: Member must not be null")
	}
	p := iameval.Principal{Account: c.Account.ID, Type: iameval.TypeUser, ARN: in.CallerArn}
	if in.CallerArn != "" {
		p.Account = accountOf(in.CallerArn)
	}
	for _, e := range in.ContextEntries {
		about(&p, e)
	}
	return i.simulate(c, in, iameval.Policies{}, p)
}

// about takes what the context says of the principal.
func about(p *iameval.Principal, e contextEntry) {
	if len(e.ContextKeyValues) == 0 {
		return
	}
	key, value := strings.ToLower(e.ContextKeyName), e.ContextKeyValues[0]
	switch key {
	case "aws:principalarn":
		p.ARN = value
	case "aws:principalaccount":
		p.Account = value
	case "aws:username":
		p.UserName = value
	case "aws:userid":
		p.UserID = value
	}
	if tag, ok := strings.CutPrefix(key, "aws:principaltag/"); ok {
		if p.Tags == nil {
			p.Tags = map[string]string{}
		}
		p.Tags[tag] = value
	}
}

// input is a document of the request.
type input struct {
	iameval.Attached
	spans    []span
	boundary bool
}

func (i *IAM) simulate(c *core.Call, in *simulateIn, pol iameval.Policies, p iameval.Principal) (*simulateOut, error) {
	inputs, err := in.addPolicies(&pol)
	if err != nil {
		return nil, err
	}
	if len(in.ActionNames) == 0 {
		return nil, invalidInput("1 validation error detected: Value at 'actionNames' failed to satisfy constraint: Member must not be null")
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
			req := iameval.Request{Action: action, Resource: resource, Principal: p, Context: ctx}
			all = append(all, result{fmt.Sprintf("%06d", len(all)), evaluated(req, pol, inputs)})
		}
	}
	page, more, err := cut(all, func(r result) string { return r.key }, in.Paging)
	return &simulateOut{each(page, func(r result) evaluationOut { return r.out }), more}, err
}

// addPolicies adds the documents of the request to those of the principal. The
// boundaries are one list, as in the request; IAM takes one.
func (in *simulateIn) addPolicies(pol *iameval.Policies) (inputs []input, err error) {
	for n, text := range in.PolicyInputList {
		d, err := parseInput(text, iameval.Identity)
		if err != nil {
			return nil, err
		}
		a := iameval.Attached{Name: fmt.Sprintf("PolicyInputList.%d", n+1), Policy: d}
		pol.Identity, inputs = append(pol.Identity, a), append(inputs, input{a, spans(text), false})
	}
	if len(in.PermissionsBoundaryPolicyInputList) > 1 {
		return nil, invalidInput("PermissionsBoundaryPolicyInputList: only one policy can be the permissions boundary")
	}
	for n, text := range in.PermissionsBoundaryPolicyInputList {
		d, err := parseInput(text, iameval.Identity)
		if err != nil {
			return nil, err
		}
		a := iameval.Attached{Name: fmt.Sprintf("PermissionsBoundaryPolicyInputList.%d", n+1), Policy: d}
		pol.HasBoundary, pol.Boundary = true, &a
		inputs = append(inputs, input{a, spans(text), true})
	}
	if in.ResourcePolicy != "" {
		d, err := parseInput(in.ResourcePolicy, iameval.Resource)
		if err != nil {
			return nil, err
		}
		pol.Resource = &iameval.Attached{Name: "ResourcePolicy", Policy: d}
	}
	return inputs, nil
}

func parseInput(text string, k iameval.Kind) (*iameval.Policy, error) {
	d, err := iameval.Parse(text, k)
	if err != nil {
		return nil, invalidInput("%v", err)
	}
	return d, nil
}

func evaluated(req iameval.Request, pol iameval.Policies, inputs []input) evaluationOut {
	d := iameval.Evaluate(req, pol)
	o := evaluationOut{EvalActionName: req.Action, EvalResourceName: req.Resource, EvalDecision: "implicitDeny"}
	switch {
	case d.Allowed:
		o.EvalDecision = "allowed"
	case d.Explicit:
		o.EvalDecision = "explicitDeny"
	}
	o.MatchedStatements = matched(req, d, inputs)
	if pol.HasBoundary {
		o.PermissionsBoundaryDecisionDetail = &boundaryDetail{bounds(req, pol.Boundary)}
	}
	if pol.SCPs != nil {
		o.OrganizationsDecisionDetail = &orgDetail{d.Allowed || d.By != "service control policy"}
	}
	var missing members[string]
	for _, in := range inputs {
		for _, key := range in.Policy.Missing(req) {
			if !slices.Contains(missing, key) {
				missing = append(missing, key)
			}
		}
	}
	// "MissingContextValues ... is used when the resource in a simulation is *";
	// for a resource that was named they are told with it.
	if req.Resource == "*" {
		o.MissingContextValues = missing
		return o
	}
	o.ResourceSpecificResults = members[resourceOut]{{req.Resource, o.EvalDecision, o.MatchedStatements, missing, o.PermissionsBoundaryDecisionDetail}}
	return o
}

// bounds says whether the boundary lets a request through, whatever the other
// policies say of it.
func bounds(req iameval.Request, boundary *iameval.Attached) bool {
	return boundary != nil && iameval.Evaluate(req, iameval.Policies{Identity: []iameval.Attached{*boundary}}).Allowed
}

// matched tells the statements that determine the result: those that deny, or
// those that allow; of an implicit denial none. Of documents that came with the
// request it tells the places.
func matched(req iameval.Request, d iameval.Decision, inputs []input) (out members[statementOut]) {
	for _, m := range d.Matched {
		if !slices.ContainsFunc(inputs, func(in input) bool { return in.Name == m.Name }) {
			out = append(out, statementOut{SourcePolicyId: m.Name, SourcePolicyType: "IAM Policy"})
		}
	}
	for _, in := range inputs {
		allow, deny := in.Policy.Covering(req)
		found := allow
		switch {
		case d.Explicit:
			found = deny
		case !d.Allowed, in.boundary:
			continue
		}
		for _, n := range found {
			s := statementOut{SourcePolicyId: in.Name, SourcePolicyType: "IAM Policy"}
			if n < len(in.spans) {
				s.span = in.spans[n]
			}
			out = append(out, s)
		}
	}
	return out
}
