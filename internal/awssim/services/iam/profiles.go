package iam

import (
	"cmp"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const maxProfiles = 1000

type profileOut struct {
	Path, InstanceProfileName, InstanceProfileId, Arn string
	CreateDate                                        core.Time
	Roles                                             members[roleOut]
	Tags                                              members[tag] `xml:",omitempty"`
}

func (p *profile) out() profileOut {
	o := p.summary()
	o.Tags = members[tag](p.Tags)
	return o
}

func (p *profile) summary() profileOut {
	o := profileOut{Path: p.Path, InstanceProfileName: p.Name, InstanceProfileId: p.ID, Arn: p.ARN(), CreateDate: core.At(p.Created)}
	if p.Role != nil {
		o.Roles = members[roleOut]{p.Role.summary()}
	}
	return o
}

func (a *account) profile(name string) (*profile, error) {
	if p := a.profiles.get(name); p != nil {
		return p, nil
	}
	return nil, notFound("Instance Profile %s cannot be found.", name)
}

func (a *account) profilesOf(r *Role) []*profile {
	var out []*profile
	for _, p := range a.profiles.sorted() {
		if p.Role == r {
			out = append(out, p)
		}
	}
	return out
}

func (i *IAM) profileARN(c *core.Call, name string) string {
	if p := i.of(c).profiles.get(name); p != nil {
		return p.ARN()
	}
	return entityARN(c.Account.ID, "instance-profile", "/", name)
}

type createProfileIn struct {
	InstanceProfileName, Path string

	Tags []tag
}

type profileIn struct{ InstanceProfileName, RoleName string }

type oneProfileOut struct{ InstanceProfile profileOut }

type profilesOut struct {
	InstanceProfiles members[profileOut]
	Truncation
}

type roleListIn struct {
	RoleName string
	Paging
}

func (i *IAM) profileOps() []core.Op {
	onProfile := core.Needs(func(c *core.Call, in *profileIn) []core.Permission {
		ctx := map[string][]string{}
		if p := i.of(c).profiles.get(in.InstanceProfileName); p != nil {
			addResourceTags(ctx, p.Tags)
		}
		return []core.Permission{{Resource: i.profileARN(c, in.InstanceProfileName), Context: ctx}}
	})
	key := func(p *profile) string { return strings.ToLower(p.Name) }
	return []core.Op{
		core.Handle("CreateInstanceProfile", i.createProfile, core.Needs(func(c *core.Call, in *createProfileIn) []core.Permission {
			return []core.Permission{{Resource: entityARN(c.Account.ID, "instance-profile", in.Path, in.InstanceProfileName), Context: requestTags(in.Tags)}}
		})),
		core.Handle("GetInstanceProfile", func(c *core.Call, in *profileIn) (*oneProfileOut, error) {
			p, err := i.of(c).profile(in.InstanceProfileName)
			if err != nil {
				return nil, err
			}
			return &oneProfileOut{p.out()}, nil
		}, core.ReadOnly, onProfile),
		core.Handle("ListInstanceProfiles", func(c *core.Call, in *listIn) (*profilesOut, error) {
			all := under(i.of(c).profiles.sorted(), in.PathPrefix, func(p *profile) string { return p.Path })
			page, more, err := cut(all, key, in.Paging)
			return &profilesOut{each(page, (*profile).summary), more}, err
		}, core.ReadOnly, core.On(func(c *core.Call, in *listIn) string { return listARN(c, "instance-profile", in.PathPrefix) })),
		core.Handle("ListInstanceProfilesForRole", func(c *core.Call, in *roleListIn) (*profilesOut, error) {
			r, err := i.of(c).role(in.RoleName)
			if err != nil {
				return nil, err
			}
			page, more, err := cut(i.of(c).profilesOf(r), key, in.Paging)
			return &profilesOut{each(page, (*profile).summary), more}, err
		}, core.ReadOnly, on(i, kindRole, func(in *roleListIn) string { return in.RoleName })),
		core.Handle("DeleteInstanceProfile", i.deleteProfile, onProfile),
		core.Handle("AddRoleToInstanceProfile", i.addRole, core.Needs(func(c *core.Call, in *profileIn) []core.Permission {
			return []core.Permission{
				{Resource: i.profileARN(c, in.InstanceProfileName)},
				{Action: "iam:PassRole", Resource: i.holderARN(c, kindRole, in.RoleName),
					Context: map[string][]string{"iam:PassedToService": {"ec2.amazonaws.com"}}},
			}
		})),
		core.Handle("RemoveRoleFromInstanceProfile", i.removeRole, onProfile),
	}
}

func (i *IAM) createProfile(c *core.Call, in *createProfileIn) (*oneProfileOut, error) {
	v := (&check{}).name("InstanceProfileName", in.InstanceProfileName, 128).path("Path", in.Path)
	tags, err := tagSet(nil).with(in.Tags)
	if err := firstError(v.err, err); err != nil {
		return nil, err
	}
	a := i.of(c)
	if a.profiles.get(in.InstanceProfileName) != nil {
		return nil, exists("Instance Profile %s already exists.", in.InstanceProfileName)
	}
	if a.profiles.len() >= maxProfiles {
		return nil, overLimit("InstanceProfilesPerAccount", maxProfiles)
	}
	p := &profile{Account: a.id, ID: i.id("AIPA"), Name: in.InstanceProfileName, Path: cmp.Or(in.Path, "/"), Created: c.Now, Tags: tags}
	a.profiles.put(p.Name, p)
	return &oneProfileOut{p.out()}, nil
}

func (i *IAM) deleteProfile(c *core.Call, in *profileIn) (core.None, error) {
	a := i.of(c)
	p, err := a.profile(in.InstanceProfileName)
	if err != nil {
		return core.None{}, err
	}
	if p.Role != nil {
		return core.None{}, conflict("Cannot delete entity, must remove roles from instance profile first.")
	}
	a.profiles.drop(p.Name)
	return core.None{}, nil
}

func (i *IAM) addRole(c *core.Call, in *profileIn) (core.None, error) {
	a := i.of(c)
	p, err := a.profile(in.InstanceProfileName)
	if err != nil {
		return core.None{}, err
	}
	if _, err := a.modifiable(kindRole, in.RoleName); err != nil {
		return core.None{}, err
	}
	if p.Role != nil {
		return core.None{}, overLimit("InstanceSessionsPerInstanceProfile", 1)
	}
	p.Role = a.roles.get(in.RoleName)
	return core.None{}, nil
}

func (i *IAM) removeRole(c *core.Call, in *profileIn) (core.None, error) {
	a := i.of(c)
	p, err := a.profile(in.InstanceProfileName)
	if err != nil {
		return core.None{}, err
	}
	r, err := a.role(in.RoleName)
	if err != nil {
		return core.None{}, err
	}
	if p.Role != r {
		return core.None{}, notFound("The role %s is not in the instance profile %s.", in.RoleName, in.InstanceProfileName)
	}
	p.Role = nil
	return core.None{}, nil
}

// InstanceProfile finds an instance profile by name or ARN for EC2: its ARN, its
// id and its role's ARN. role is "" when the profile is empty; ok is false when
// there is none.
func (i *IAM) InstanceProfile(accountID, nameOrARN string) (arn, id, role string, ok bool) {
	p := i.account(accountID).profiles.get(afterLast(nameOrARN))
	if p == nil || strings.HasPrefix(nameOrARN, "arn:") && p.ARN() != nameOrARN {
		return "", "", "", false
	}
	if p.Role != nil {
		role = p.Role.ARN()
	}
	return p.ARN(), p.ID, role, true
}
