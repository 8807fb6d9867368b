package iam

import (
	"fmt"
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const maxVersions = 5

type versionOut struct {
	Document         string `xml:",omitempty"`
	VersionId        string
	IsDefaultVersion bool
	CreateDate       core.Time
}

func (p *Policy) versionOut(v *version) versionOut {
	o := p.versionSummary(v)
	o.Document = escaped(v.Text)
	return o
}

// versionSummary leaves out the document, as lists do.
func (p *Policy) versionSummary(v *version) versionOut {
	return versionOut{VersionId: v.ID, IsDefaultVersion: v.ID == p.Default, CreateDate: core.At(v.Created)}
}

type createVersionIn struct {
	PolicyArn, PolicyDocument string
	SetAsDefault              bool
}

type versionIn struct{ PolicyArn, VersionId string }

type oneVersionOut struct{ PolicyVersion versionOut }

type listVersionsIn struct {
	PolicyArn string
	Paging
}

type versionsOut struct {
	Versions members[versionOut]
	Truncation
}

func (i *IAM) versionOps() []core.Op {
	byARN := func(c *core.Call, in *versionIn) []core.Permission {
		return []core.Permission{i.policyPermission(c, in.PolicyArn)}
	}
	return []core.Op{
		core.Handle("CreatePolicyVersion", i.createVersion, core.Needs(func(c *core.Call, in *createVersionIn) []core.Permission {
			return []core.Permission{i.policyPermission(c, in.PolicyArn)}
		})),
		core.Handle("GetPolicyVersion", func(c *core.Call, in *versionIn) (*oneVersionOut, error) {
			p, err := i.of(c).policy(in.PolicyArn)
			if err != nil {
				return nil, err
			}
			v := p.version(in.VersionId)
			if v == nil {
				return nil, noVersion(in)
			}
			return &oneVersionOut{p.versionOut(v)}, nil
		}, core.ReadOnly, core.Needs(byARN)),
		core.Handle("ListPolicyVersions", func(c *core.Call, in *listVersionsIn) (*versionsOut, error) {
			p, err := i.of(c).policy(in.PolicyArn)
			if err != nil {
				return nil, err
			}
			newest := slices.Clone(p.Versions)
			slices.Reverse(newest)
			page, more, err := cut(newest, func(v *version) string { return fmt.Sprintf("%09d", 1e9-1-v.Number) }, in.Paging)
			return &versionsOut{each(page, p.versionSummary), more}, err
		}, core.ReadOnly, core.On(func(_ *core.Call, in *listVersionsIn) string { return in.PolicyArn })),
		core.Handle("SetDefaultPolicyVersion", func(c *core.Call, in *versionIn) (core.None, error) {
			p, err := i.of(c).changeable(in.PolicyArn)
			if err != nil {
				return core.None{}, err
			}
			if p.version(in.VersionId) == nil {
				return core.None{}, noVersion(in)
			}
			p.Default, p.Updated = in.VersionId, c.Now
			i.publishPolicy(c.Now, p)
			return core.None{}, nil
		}, core.Needs(byARN)),
		core.Handle("DeletePolicyVersion", i.deleteVersion, core.Needs(byARN)),
	}
}

func noVersion(in *versionIn) error {
	return notFound("Policy %s version %s does not exist or is not attachable.", in.PolicyArn, in.VersionId)
}

func (i *IAM) createVersion(c *core.Call, in *createVersionIn) (*oneVersionOut, error) {
	p, err := i.of(c).changeable(in.PolicyArn)
	if err != nil {
		return nil, err
	}
	d, err := parseManaged(in.PolicyDocument)
	if err != nil {
		return nil, err
	}
	if len(p.Versions) >= maxVersions {
		return nil, core.Errorf(409, "LimitExceeded", "A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", maxVersions)
	}
	p.last++
	v := &version{ID: fmt.Sprintf("v%d", p.last), Number: p.last, Created: c.Now, document: d}
	p.Versions, p.Updated = append(p.Versions, v), c.Now
	if in.SetAsDefault {
		p.Default = v.ID
		i.publishPolicy(c.Now, p)
	}
	return &oneVersionOut{p.versionSummary(v)}, nil
}

func (i *IAM) deleteVersion(c *core.Call, in *versionIn) (core.None, error) {
	p, err := i.of(c).changeable(in.PolicyArn)
	if err != nil {
		return core.None{}, err
	}
	v := p.version(in.VersionId)
	switch {
	case v == nil:
		return core.None{}, noVersion(in)
	case v.ID == p.Default:
		return core.None{}, conflict("Cannot delete the default version of a policy.")
	}
	p.Versions = slices.DeleteFunc(p.Versions, func(x *version) bool { return x == v })
	p.Updated = c.Now
	return core.None{}, nil
}
