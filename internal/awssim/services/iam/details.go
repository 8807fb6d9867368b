package iam

import (
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

type detailsIn struct {
	Filter []string
	Paging
}

type inlineDetail struct{ PolicyName, PolicyDocument string }

type userDetail struct {
	Path, UserName, UserId, Arn string
	CreateDate                  core.Time
	UserPolicyList              members[inlineDetail]
	GroupList                   members[string]
	AttachedManagedPolicies     members[attachedOut]
	PermissionsBoundary         *boundaryOut `xml:",omitempty"`
	Tags                        members[tag]
}

type groupDetail struct {
	Path, GroupName, GroupId, Arn string
	CreateDate                    core.Time
	GroupPolicyList               members[inlineDetail]
	AttachedManagedPolicies       members[attachedOut]
}

type roleDetail struct {
	Path, RoleName, RoleId, Arn string
	CreateDate                  core.Time
	AssumeRolePolicyDocument    string
	InstanceProfileList         members[profileOut]
	RolePolicyList              members[inlineDetail]
	AttachedManagedPolicies     members[attachedOut]
	PermissionsBoundary         *boundaryOut `xml:",omitempty"`
	Tags                        members[tag]
	RoleLastUsed                roleLastUsed
}

type policyDetail struct {
	PolicyName, PolicyId, Arn, Path, DefaultVersionId string
	AttachmentCount, PermissionsBoundaryUsageCount    int
	IsAttachable                                      bool
	CreateDate, UpdateDate                            core.Time
	PolicyVersionList                                 members[versionOut]
}

type detailsOut struct {
	UserDetailList  members[userDetail]
	GroupDetailList members[groupDetail]
	RoleDetailList  members[roleDetail]
	Policies        members[policyDetail]
	Truncation
}

// detail is one entry of GetAccountAuthorizationDetails, of any kind.
type detail struct {
	key string
	add func(*detailsOut)
}

func (i *IAM) detailOps() []core.Op {
	return []core.Op{core.Handle("GetAccountAuthorizationDetails", func(c *core.Call, in *detailsIn) (*detailsOut, error) {
		all := i.of(c).details(in.Filter)
		page, more, err := cut(all, func(d detail) string { return d.key }, in.Paging)
		out := &detailsOut{Truncation: more}
		for _, d := range page {
			d.add(out)
		}
		return out, err
	}, core.ReadOnly)}
}

func (h *Holder) inlineDetails() members[inlineDetail] {
	return each(h.inlineNames(), func(n string) inlineDetail { return inlineDetail{n, escaped(h.Inline[n].Text)} })
}

func (a *account) details(filter []string) []detail {
	wanted := func(name string) bool { return len(filter) == 0 || slices.Contains(filter, name) }
	var all []detail
	if wanted("User") {
		for _, u := range a.users.sorted() {
			all = append(all, detail{"1/" + strings.ToLower(u.Name), func(o *detailsOut) { o.UserDetailList = append(o.UserDetailList, u.detail()) }})
		}
	}
	if wanted("Group") {
		for _, g := range a.groups.sorted() {
			all = append(all, detail{"2/" + strings.ToLower(g.Name), func(o *detailsOut) {
				o.GroupDetailList = append(o.GroupDetailList, groupDetail{g.Path, g.Name, g.ID, g.ARN(), core.At(g.Created), g.inlineDetails(), each(g.Attached, attachedOf)})
			}})
		}
	}
	if wanted("Role") {
		for _, r := range a.roles.sorted() {
			all = append(all, detail{"3/" + strings.ToLower(r.Name), func(o *detailsOut) { o.RoleDetailList = append(o.RoleDetailList, a.roleDetail(r)) }})
		}
	}
	n := a.usage()
	policies := []*Policy{}
	if wanted("LocalManagedPolicy") {
		policies = append(policies, a.policies.sorted()...)
	}
	if wanted("AWSManagedPolicy") { // only those in use
		policies = append(policies, slices.DeleteFunc(awsPolicies(), func(p *Policy) bool {
			u := n[p.ARN()]
			return u.attached+u.bounded == 0
		})...)
	}
	slices.SortFunc(policies, func(x, y *Policy) int { return strings.Compare(x.ARN(), y.ARN()) })
	for _, p := range policies {
		all = append(all, detail{"4/" + p.ARN(), func(o *detailsOut) { o.Policies = append(o.Policies, p.detail(n)) }})
	}
	return all
}

func (u *User) detail() userDetail {
	return userDetail{u.Path, u.Name, u.ID, u.ARN(), core.At(u.Created), u.inlineDetails(),
		each(u.sortedGroups(), func(g *Group) string { return g.Name }), each(u.Attached, attachedOf), u.boundaryOut(), members[tag](u.Tags)}
}

func (a *account) roleDetail(r *Role) roleDetail {
	return roleDetail{r.Path, r.Name, r.ID, r.ARN(), core.At(r.Created), escaped(r.Trust.Text), each(a.profilesOf(r), (*profile).summary),
		r.inlineDetails(), each(r.Attached, attachedOf), r.boundaryOut(), members[tag](r.Tags), roleLastUsed{core.Ptr(r.LastUsed), r.LastRegion}}
}

func (p *Policy) detail(n usage) policyDetail {
	o := p.summary(n)
	return policyDetail{p.Name, p.ID, p.ARN(), p.Path, p.Default, o.AttachmentCount, o.PermissionsBoundaryUsageCount, true,
		o.CreateDate, o.UpdateDate, each(p.Versions, p.versionOut)}
}
