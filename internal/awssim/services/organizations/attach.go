package organizations

import (
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

type attachIn struct{ PolicyId, TargetId string }

type targetsIn struct {
	PolicyId string
	Paging
}

type targetOut struct{ TargetId, Arn, Name, Type string }

type targetsOut struct {
	Targets   []targetOut
	NextToken *string `json:",omitempty"`
}

func (o *Organizations) attachOps() []core.Op {
	needs := core.Needs(func(c *core.Call, in *attachIn) []core.Permission {
		perms := []core.Permission{{Resource: o.arnOf(c, in.TargetId)}}
		if g := o.in[c.Account.ID]; g != nil && g.scps[in.PolicyId] != nil {
			perms = append(perms, core.Permission{Resource: g.scps[in.PolicyId].arn})
		}
		return perms
	})
	return []core.Op{
		managing(o, "AttachPolicy", o.attach, needs),
		managing(o, "DetachPolicy", o.detach, needs),
		managing(o, "ListPoliciesForTarget", func(_ *core.Call, g *organization, in *listPoliciesIn) (*policiesOut, error) {
			if err := checkType(in.Filter); err != nil {
				return nil, err
			}
			t := g.target(in.TargetId)
			if t == nil {
				return nil, missing("TargetNotFoundException", "a root, OU, or account")
			}
			return listed(slices.Clone(t.attached), in.Paging)
		}, core.ReadOnly),
		managing(o, "ListTargetsForPolicy", func(_ *core.Call, g *organization, in *targetsIn) (*targetsOut, error) {
			p, err := g.policy(in.PolicyId)
			if err != nil {
				return nil, err
			}
			page, next, err := cut(g.targetsOf(p), func(t *target) string { return t.id }, in.Paging)
			return &targetsOut{each(page, func(t *target) targetOut {
				kind, arn := g.kindOf(t.id)
				return targetOut{t.id, arn, t.name, kind}
			}), next}, err
		}, core.ReadOnly),
	}
}

func (g *organization) attachment(in *attachIn) (*target, *scp, error) {
	p, err := g.policy(in.PolicyId)
	if err != nil {
		return nil, nil, err
	}
	t := g.target(in.TargetId)
	switch {
	case t == nil:
		return nil, nil, missing("TargetNotFoundException", "a root, OU, or account")
	case !g.scpEnabled:
		return nil, nil, core.Errorf(400, "PolicyTypeNotEnabledException", "The specified policy type isn't currently enabled in this root.")
	}
	return t, p, nil
}

func (o *Organizations) attach(c *core.Call, g *organization, in *attachIn) (core.None, error) {
	t, p, err := g.attachment(in)
	switch {
	case err != nil:
		return core.None{}, err
	case slices.Contains(t.attached, p):
		return core.None{}, core.Errorf(400, "DuplicatePolicyAttachmentException", "The selected policy is already attached to the specified target.")
	case len(t.attached) >= maxAttached:
		return core.None{}, violation("MAX_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", "You have reached the limit of %d policies for the target.", maxAttached)
	}
	o.setPolicies(t, c.Now, append(slices.Clip(t.attached), p))
	return core.None{}, nil
}

func (o *Organizations) detach(c *core.Call, g *organization, in *attachIn) (core.None, error) {
	t, p, err := g.attachment(in)
	switch {
	case err != nil:
		return core.None{}, err
	case !slices.Contains(t.attached, p):
		return core.None{}, core.Errorf(400, "PolicyNotAttachedException", "The policy isn't attached to the specified target in the specified root.")
	case len(t.attached) == 1:
		return core.None{}, violation("MIN_POLICY_TYPE_ATTACHMENT_LIMIT_EXCEEDED", "You cannot remove the last service control policy attached to the specified target.")
	}
	o.setPolicies(t, c.Now, slices.DeleteFunc(slices.Clone(t.attached), func(x *scp) bool { return x == p }))
	return core.None{}, nil
}
