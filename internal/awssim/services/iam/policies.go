package iam

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

const (
	maxPolicies   = 1500
	maxPolicySize = 6144
)

type policyOut struct {
	PolicyName, PolicyId, Arn, Path, DefaultVersionId string
	AttachmentCount, PermissionsBoundaryUsageCount    int
	IsAttachable                                      bool
	Description                                       string `xml:",omitempty"`
	CreateDate, UpdateDate                            core.Time
	Tags                                              members[tag] `xml:",omitempty"`
}

// usage counts what hangs on each managed policy, by ARN.
type usage map[string]struct{ attached, bounded int }

func (a *account) usage() usage {
	n := usage{}
	for _, h := range a.holders() {
		for _, arn := range h.Attached {
			u := n[arn]
			u.attached++
			n[arn] = u
		}
		if h.Boundary != "" {
			u := n[h.Boundary]
			u.bounded++
			n[h.Boundary] = u
		}
	}
	return n
}

func (p *Policy) out(n usage) policyOut {
	o := p.summary(n)
	o.Tags, o.Description = members[tag](p.Tags), p.Description
	return o
}

// summary is what ListPolicies tells: neither tags nor description.
func (p *Policy) summary(n usage) policyOut {
	u := n[p.ARN()]
	return policyOut{PolicyName: p.Name, PolicyId: p.ID, Arn: p.ARN(), Path: p.Path, DefaultVersionId: p.Default,
		AttachmentCount: u.attached, PermissionsBoundaryUsageCount: u.bounded,
		IsAttachable: true, CreateDate: core.At(p.Created), UpdateDate: core.At(p.Updated)}
}

// ownPolicy finds a customer managed policy by ARN.
func (a *account) ownPolicy(arn string) (*Policy, error) {
	if p := a.policies.get(afterLast(arn)); p != nil && p.ARN() == arn {
		return p, nil
	}
	if !strings.HasPrefix(arn, "arn:aws:iam::") || !strings.Contains(arn, ":policy/") {
		return nil, invalid("Invalid ARN: %s is not the ARN of a policy", arn)
	}
	return nil, notFound("Policy %s was not found.", arn)
}

// policy finds a customer managed or AWS-managed policy by ARN.
func (a *account) policy(arn string) (*Policy, error) {
	if p := awsPolicy(arn); p != nil {
		return p, nil
	}
	return a.ownPolicy(arn)
}

type createPolicyIn struct {
	PolicyName, Path, PolicyDocument, Description string

	Tags []tag
}

type policyIn struct{ PolicyArn string }

type onePolicyOut struct{ Policy policyOut }

type listPoliciesIn struct {
	Scope, PathPrefix, PolicyUsageFilter string

	OnlyAttached bool
	Paging
}

type policiesOut struct {
	Policies members[policyOut]
	Truncation
}

func (i *IAM) policyOps() []core.Op {
	return []core.Op{
		core.Handle("CreatePolicy", func(c *core.Call, in *createPolicyIn) (*onePolicyOut, error) {
			p, err := i.createPolicy(c, in)
			if err != nil {
				return nil, err
			}
			return &onePolicyOut{p.out(i.of(c).usage())}, nil
		}, core.Needs(func(c *core.Call, in *createPolicyIn) []core.Permission {
			return []core.Permission{{Resource: entityARN(c.Account.ID, "policy", in.Path, in.PolicyName), Context: requestTags(in.Tags)}}
		})),
		core.Handle("GetPolicy", func(c *core.Call, in *policyIn) (*onePolicyOut, error) {
			p, err := i.of(c).policy(in.PolicyArn)
			if err != nil {
				return nil, err
			}
			return &onePolicyOut{p.out(i.of(c).usage())}, nil
		}, core.ReadOnly, i.onPolicy()),
		core.Handle("ListPolicies", i.listPolicies, core.ReadOnly,
			core.On(func(c *core.Call, in *listPoliciesIn) string { return listARN(c, "policy", in.PathPrefix) })),
		core.Handle("DeletePolicy", i.deletePolicy, i.onPolicy()),
		core.Handle("ListEntitiesForPolicy", i.listEntities, core.ReadOnly,
			core.On(func(_ *core.Call, in *entitiesIn) string { return in.PolicyArn })),
	}
}

// onPolicy is the option of operations on one managed policy.
func (i *IAM) onPolicy() core.Option {
	return core.Needs(func(c *core.Call, in *policyIn) []core.Permission {
		return []core.Permission{i.policyPermission(c, in.PolicyArn)}
	})
}

func (i *IAM) policyPermission(c *core.Call, arn string) core.Permission {
	ctx := map[string][]string{}
	if p, err := i.of(c).policy(arn); err == nil {
		addResourceTags(ctx, p.Tags)
	}
	return core.Permission{Resource: arn, Context: ctx}
}

func parseManaged(text string) (document, error) {
	d, err := parseDocument(text, iameval.Identity)
	if err == nil && d.size() > maxPolicySize {
		return d, overLimit("PolicySize", maxPolicySize)
	}
	return d, err
}

func (i *IAM) createPolicy(c *core.Call, in *createPolicyIn) (*Policy, error) {
	v := (&check{}).name("PolicyName", in.PolicyName, 128).path("Path", in.Path).
		required("PolicyDocument", in.PolicyDocument).text("Description", in.Description, 1000)
	tags, err := tagSet(nil).with(in.Tags)
	if err := firstError(v.err, err); err != nil {
		return nil, err
	}
	a := i.of(c)
	if a.policies.get(in.PolicyName) != nil {
		return nil, exists("A policy called %s already exists. Duplicate names are not allowed.", in.PolicyName)
	}
	if a.policies.len() >= maxPolicies {
		return nil, overLimit("PoliciesPerAccount", maxPolicies)
	}
	d, err := parseManaged(in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	p := &Policy{Account: a.id, ID: i.id("ANPA"), Name: in.PolicyName, Path: cmp.Or(in.Path, "/"), Description: in.Description,
		Created: c.Now, Updated: c.Now, Tags: tags, Default: "v1", last: 1,
		Versions: []*version{{ID: "v1", Number: 1, Created: c.Now, document: d}}}
	a.policies.put(p.Name, p)
	i.publishPolicy(c.Now, p)
	return p, nil
}

func (i *IAM) listPolicies(c *core.Call, in *listPoliciesIn) (*policiesOut, error) {
	v := (&check{}).oneOf("Scope", cmp.Or(in.Scope, "All"), "All", "AWS", "Local").
		oneOf("PolicyUsageFilter", cmp.Or(in.PolicyUsageFilter, "PermissionsPolicy"), "PermissionsPolicy", "PermissionsBoundary")
	if v.err != nil {
		return nil, v.err
	}
	a := i.of(c)
	var all []*Policy
	if in.Scope != "AWS" {
		all = append(all, a.policies.sorted()...)
	}
	if in.Scope != "Local" {
		all = append(all, awsPolicies()...)
	}
	slices.SortFunc(all, func(x, y *Policy) int { return strings.Compare(x.ARN(), y.ARN()) })
	all = under(all, in.PathPrefix, func(p *Policy) string { return p.Path })
	n := a.usage()
	all = slices.DeleteFunc(all, func(p *Policy) bool {
		switch u := n[p.ARN()]; {
		case in.PolicyUsageFilter == "PermissionsBoundary":
			return u.bounded == 0
		case in.OnlyAttached:
			return u.attached == 0
		}
		return false
	})
	page, more, err := cut(all, (*Policy).ARN, in.Paging)
	return &policiesOut{each(page, func(p *Policy) policyOut { return p.summary(n) }), more}, err
}

func (i *IAM) deletePolicy(c *core.Call, in *policyIn) (core.None, error) {
	a := i.of(c)
	p, err := a.changeable(in.PolicyArn)
	if err != nil {
		return core.None{}, err
	}
	if u := a.usage()[in.PolicyArn]; u.attached+u.bounded > 0 {
		return core.None{}, conflict("Cannot delete a policy attached to entities.")
	}
	if len(p.Versions) > 1 {
		return core.None{}, conflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
	}
	a.policies.drop(p.Name)
	hide(&i.views, i.views.policies, p.ARN(), c.Now, i.effective(c.Now))
	return core.None{}, nil
}

// changeable finds a policy that the account may change: one of its own.
func (a *account) changeable(arn string) (*Policy, error) {
	if awsPolicy(arn) != nil {
		return nil, core.Errorf(403, "AccessDenied", "User is not authorized to change the AWS managed policy %s", arn)
	}
	return a.ownPolicy(arn)
}

type entitiesIn struct {
	PolicyArn, EntityFilter, PathPrefix, PolicyUsageFilter string
	Paging
}

type (
	policyGroup struct{ GroupName, GroupId string }
	policyUser  struct{ UserName, UserId string }
	policyRole  struct{ RoleName, RoleId string }
)

type entitiesOut struct {
	PolicyGroups members[policyGroup]
	PolicyUsers  members[policyUser]
	PolicyRoles  members[policyRole]
	Truncation
}

func (i *IAM) listEntities(c *core.Call, in *entitiesIn) (*entitiesOut, error) {
	a := i.of(c)
	if _, err := a.policy(in.PolicyArn); err != nil {
		return nil, err
	}
	filter := cmp.Or(in.EntityFilter, "All")
	v := (&check{}).oneOf("EntityFilter", filter, "User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy", "All")
	if v.err != nil {
		return nil, v.err
	}
	var all []*Holder
	for _, h := range a.holders() {
		attached, bounded := slices.Contains(h.Attached, in.PolicyArn), h.Boundary == in.PolicyArn
		if in.PolicyUsageFilter == "PermissionsPolicy" {
			bounded = false
		}
		if in.PolicyUsageFilter == "PermissionsBoundary" {
			attached = false
		}
		if (attached || bounded) && (filter == "All" || filter == h.Kind.title()) && strings.HasPrefix(h.Path, in.PathPrefix) {
			all = append(all, h)
		}
	}
	key := func(h *Holder) string { return string(h.Kind) + "/" + strings.ToLower(h.Name) }
	slices.SortFunc(all, func(x, y *Holder) int { return strings.Compare(key(x), key(y)) })
	page, more, err := cut(all, key, in.Paging)
	out := &entitiesOut{Truncation: more}
	for _, h := range page {
		switch h.Kind {
		case kindGroup:
			out.PolicyGroups = append(out.PolicyGroups, policyGroup{h.Name, h.ID})
		case kindUser:
			out.PolicyUsers = append(out.PolicyUsers, policyUser{h.Name, h.ID})
		case kindRole:
			out.PolicyRoles = append(out.PolicyRoles, policyRole{h.Name, h.ID})
		}
	}
	return out, err
}
