package iam

import (
	"cmp"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

const maxAttached = 10

// maxInline is what inline policies may hold in total, without white space.
var maxInline = map[kind]int{kindUser: 2048, kindRole: 10240, kindGroup: 5120}

type inlineIn struct {
	Target
	PolicyName, PolicyDocument string
}

type inlineOut struct {
	UserName  string `xml:",omitempty"`
	GroupName string `xml:",omitempty"`
	RoleName  string `xml:",omitempty"`

	PolicyName, PolicyDocument string
}

type holderListIn struct {
	Target
	PathPrefix string
	Paging
}

type namesOut struct {
	PolicyNames members[string]
	Truncation
}

// inlineOps are Put, Get, Delete and List of inline policies, three times over.
func (i *IAM) inlineOps() []core.Op {
	var ops []core.Op
	for _, k := range allKinds {
		name := func(in *inlineIn) string { return in.name(k) }
		bounded := core.Needs(func(c *core.Call, in *inlineIn) []core.Permission {
			return []core.Permission{i.permission(c, k, in.name(k), i.boundaryOf(c, k, in.name(k)))}
		})
		ops = append(ops,
			core.Handle("Put"+k.title()+"Policy", func(c *core.Call, in *inlineIn) (core.None, error) {
				return core.None{}, i.putInline(c, k, in)
			}, bounded),
			core.Handle("Get"+k.title()+"Policy", func(c *core.Call, in *inlineIn) (*inlineOut, error) {
				h, err := i.of(c).holder(k, in.name(k))
				if err != nil {
					return nil, err
				}
				d := h.Inline[in.PolicyName]
				if d == nil {
					return nil, noInline(k, in.PolicyName)
				}
				return &inlineOut{in.UserName, in.GroupName, in.RoleName, d.Name, escaped(d.Text)}, nil
			}, core.ReadOnly, on(i, k, name)),
			core.Handle("Delete"+k.title()+"Policy", func(c *core.Call, in *inlineIn) (core.None, error) {
				h, err := i.of(c).modifiable(k, in.name(k))
				if err != nil {
					return core.None{}, err
				}
				if h.Inline[in.PolicyName] == nil {
					return core.None{}, noInline(k, in.PolicyName)
				}
				delete(h.Inline, in.PolicyName)
				i.republish(c.Now, h)
				return core.None{}, nil
			}, bounded),
			core.Handle("List"+k.title()+"Policies", func(c *core.Call, in *holderListIn) (*namesOut, error) {
				h, err := i.of(c).holder(k, in.name(k))
				if err != nil {
					return nil, err
				}
				page, more, err := cut(h.inlineNames(), func(s string) string { return s }, in.Paging)
				return &namesOut{members[string](page), more}, err
			}, core.ReadOnly, on(i, k, func(in *holderListIn) string { return in.name(k) })))
	}
	return ops
}

func noInline(k kind, name string) error {
	return notFound("The %s policy with name %s cannot be found.", k, name)
}

func (i *IAM) putInline(c *core.Call, k kind, in *inlineIn) error {
	h, err := i.of(c).modifiable(k, in.name(k))
	if err != nil {
		return err
	}
	if v := (&check{}).name("PolicyName", in.PolicyName, 128).required("PolicyDocument", in.PolicyDocument); v.err != nil {
		return v.err
	}
	d, err := parseDocument(in.PolicyDocument, iameval.Identity)
	if err != nil {
		return err
	}
	total := d.size()
	for name, other := range h.Inline {
		if name != in.PolicyName {
			total += other.size()
		}
	}
	if total > maxInline[k] {
		return core.Errorf(409, "LimitExceeded", "Maximum policy size of %d bytes exceeded for %s %s", maxInline[k], k, h.Name)
	}
	h.Inline[in.PolicyName] = &inlineDoc{in.PolicyName, d}
	i.republish(c.Now, h)
	return nil
}

type attachIn struct {
	Target
	PolicyArn string
}

type attachedOut struct{ PolicyName, PolicyArn string }

type attachedListOut struct {
	AttachedPolicies members[attachedOut]
	Truncation
}

// attachOps are Attach, Detach and ListAttached of managed policies.
func (i *IAM) attachOps() []core.Op {
	var ops []core.Op
	for _, k := range allKinds {
		needs := core.Needs(func(c *core.Call, in *attachIn) []core.Permission {
			ctx := i.boundaryOf(c, k, in.name(k))
			ctx["iam:PolicyARN"] = []string{in.PolicyArn}
			return []core.Permission{i.permission(c, k, in.name(k), ctx)}
		})
		ops = append(ops,
			core.Handle("Attach"+k.title()+"Policy", func(c *core.Call, in *attachIn) (core.None, error) {
				return core.None{}, i.attach(c, k, in)
			}, needs),
			core.Handle("Detach"+k.title()+"Policy", func(c *core.Call, in *attachIn) (core.None, error) {
				h, err := i.of(c).modifiable(k, in.name(k))
				if err != nil {
					return core.None{}, err
				}
				if !slices.Contains(h.Attached, in.PolicyArn) {
					return core.None{}, notFound("Policy %s was not found.", in.PolicyArn)
				}
				h.Attached = slices.DeleteFunc(h.Attached, func(arn string) bool { return arn == in.PolicyArn })
				i.republish(c.Now, h)
				return core.None{}, nil
			}, needs),
			core.Handle("ListAttached"+k.title()+"Policies", func(c *core.Call, in *holderListIn) (*attachedListOut, error) {
				h, err := i.of(c).holder(k, in.name(k))
				if err != nil {
					return nil, err
				}
				arns := slices.Sorted(slices.Values(h.Attached))
				arns = under(arns, in.PathPrefix, arnPath)
				page, more, err := cut(arns, func(s string) string { return s }, in.Paging)
				return &attachedListOut{each(page, attachedOf), more}, err
			}, core.ReadOnly, on(i, k, func(in *holderListIn) string { return in.name(k) })))
	}
	return ops
}

func attachedOf(arn string) attachedOut { return attachedOut{afterLast(arn), arn} }

// arnPath is the path in the ARN of an IAM entity: "/" or "/a/b/".
func arnPath(arn string) string {
	f := strings.SplitN(arn, ":", 6)
	_, rest, _ := strings.Cut(f[len(f)-1], "/")
	return "/" + strings.TrimSuffix(rest, afterLast(rest))
}

func (i *IAM) attach(c *core.Call, k kind, in *attachIn) error {
	a := i.of(c)
	h, err := a.modifiable(k, in.name(k))
	if err != nil {
		return err
	}
	if err := a.attachable(in.PolicyArn); err != nil {
		return err
	}
	if slices.Contains(h.Attached, in.PolicyArn) {
		return nil
	}
	if len(h.Attached) >= maxAttached {
		return overLimit("PoliciesPer"+k.title(), maxAttached)
	}
	h.Attached = append(slices.Clip(h.Attached), in.PolicyArn)
	i.republish(c.Now, h)
	return nil
}

func (a *account) attachable(arn string) error {
	if v := (&check{}).required("PolicyArn", arn); v.err != nil {
		return v.err
	}
	if _, err := a.policy(arn); err != nil {
		return notFound("Policy %s does not exist or is not attachable.", arn)
	}
	return nil
}

type boundaryIn struct {
	Target
	PermissionsBoundary string
}

// boundaryOps set and remove permissions boundaries of users and roles.
func (i *IAM) boundaryOps() []core.Op {
	var ops []core.Op
	for _, k := range []kind{kindUser, kindRole} {
		ops = append(ops,
			core.Handle("Put"+k.title()+"PermissionsBoundary", func(c *core.Call, in *boundaryIn) (core.None, error) {
				if v := (&check{}).required("PermissionsBoundary", in.PermissionsBoundary); v.err != nil {
					return core.None{}, v.err
				}
				return core.None{}, i.setBoundary(c, k, in)
			}, core.Needs(func(c *core.Call, in *boundaryIn) []core.Permission {
				ctx := map[string][]string{}
				setBoundaryKey(ctx, in.PermissionsBoundary) // the one asked for, not the one there is
				return []core.Permission{i.permission(c, k, in.name(k), ctx)}
			})),
			core.Handle("Delete"+k.title()+"PermissionsBoundary", func(c *core.Call, in *boundaryIn) (core.None, error) {
				h, err := i.of(c).modifiable(k, in.name(k))
				if err != nil {
					return core.None{}, err
				}
				if h.Boundary == "" {
					return core.None{}, notFound("%s %s does not have a permissions boundary.", k.title(), h.Name)
				}
				h.Boundary = ""
				i.republish(c.Now, h)
				return core.None{}, nil
			}, core.Needs(func(c *core.Call, in *boundaryIn) []core.Permission {
				return []core.Permission{i.permission(c, k, in.name(k), i.boundaryOf(c, k, in.name(k)))}
			})))
	}
	return ops
}

func (i *IAM) setBoundary(c *core.Call, k kind, in *boundaryIn) error {
	a := i.of(c)
	h, err := a.modifiable(k, in.name(k))
	if err != nil {
		return err
	}
	if err := i.boundaryExists(a, in.PermissionsBoundary); err != nil {
		return err
	}
	h.Boundary = in.PermissionsBoundary
	i.republish(c.Now, h)
	return nil
}

// boundaryExists checks an optional boundary: a policy of this account or of AWS.
func (i *IAM) boundaryExists(a *account, arn string) error {
	if arn == "" {
		return nil
	}
	if _, err := a.policy(arn); err != nil {
		return notFound("Scope ARN: %s does not exist or is not attachable.", cmp.Or(arn, "null"))
	}
	return nil
}
