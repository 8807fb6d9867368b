package iam

import (
	"cmp"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Target names a user, group or role in a request; one of the fields is set.
type Target struct{ UserName, GroupName, RoleName string }

func (t Target) name(k kind) string {
	switch k {
	case kindUser:
		return t.UserName
	case kindGroup:
		return t.GroupName
	}
	return t.RoleName
}

func (k kind) title() string { return strings.ToUpper(string(k[:1])) + string(k[1:]) }

var allKinds = []kind{kindUser, kindGroup, kindRole}

func (a *account) user(name string) (*User, error) {
	if u := a.users.get(name); u != nil {
		return u, nil
	}
	return nil, notFound("The user with name %s cannot be found.", name)
}

func (a *account) group(name string) (*Group, error) {
	if g := a.groups.get(name); g != nil {
		return g, nil
	}
	return nil, notFound("The group with name %s cannot be found.", name)
}

func (a *account) role(name string) (*Role, error) {
	if r := a.roles.get(name); r != nil {
		return r, nil
	}
	return nil, notFound("The role with name %s cannot be found.", name)
}

func (a *account) holder(k kind, name string) (*Holder, error) {
	switch k {
	case kindUser:
		u, err := a.user(name)
		if err != nil {
			return nil, err
		}
		return &u.Holder, nil
	case kindGroup:
		g, err := a.group(name)
		if err != nil {
			return nil, err
		}
		return &g.Holder, nil
	}
	r, err := a.role(name)
	if err != nil {
		return nil, err
	}
	return &r.Holder, nil
}

// holders gives all users, groups and roles.
func (a *account) holders() []*Holder {
	var out []*Holder
	for _, u := range a.users.sorted() {
		out = append(out, &u.Holder)
	}
	for _, g := range a.groups.sorted() {
		out = append(out, &g.Holder)
	}
	for _, r := range a.roles.sorted() {
		out = append(out, &r.Holder)
	}
	return out
}

// modifiable finds a holder to be changed; only its service changes a
// service-linked role.
func (a *account) modifiable(k kind, name string) (*Holder, error) {
	h, err := a.holder(k, name)
	if err == nil && strings.HasPrefix(h.Path, linkedPath) && k == kindRole {
		return nil, core.Errorf(400, "UnmodifiableEntity", "Cannot perform the operation on the protected role '%s' - this role is only modifiable by AWS", h.Name)
	}
	return h, err
}

// holderARN names a holder also when there is none: then without a path.
func (i *IAM) holderARN(c *core.Call, k kind, name string) string {
	if h, err := i.of(c).holder(k, name); err == nil {
		return h.ARN()
	}
	return entityARN(c.Account.ID, string(k), "/", name)
}

// own gives the name in a request, or the caller's own user name.
func own(c *core.Call, name string) string { return cmp.Or(name, c.Principal.UserName) }

// permission is what an operation on a holder needs. ctx may be nil.
func (i *IAM) permission(c *core.Call, k kind, name string, ctx map[string][]string) core.Permission {
	if ctx == nil {
		ctx = map[string][]string{}
	}
	if h, err := i.of(c).holder(k, name); err == nil {
		addResourceTags(ctx, h.Tags)
	}
	return core.Permission{Resource: i.holderARN(c, k, name), Context: ctx}
}

// boundaryOf is the condition key of the boundary that a holder has.
func (i *IAM) boundaryOf(c *core.Call, k kind, name string) map[string][]string {
	ctx := map[string][]string{}
	if h, err := i.of(c).holder(k, name); err == nil {
		setBoundaryKey(ctx, h.Boundary)
	}
	return ctx
}

func setBoundaryKey(ctx map[string][]string, arn string) {
	if arn != "" {
		ctx["iam:PermissionsBoundary"] = []string{arn}
	}
}

// on is the option of operations that act on one holder named by Target.
func on[In any](i *IAM, k kind, name func(*In) string) core.Option {
	return core.Needs(func(c *core.Call, in *In) []core.Permission {
		return []core.Permission{i.permission(c, k, own(c, name(in)), nil)}
	})
}

// creating is the option of operations that make a holder.
func creating[In any](i *IAM, k kind, f func(*In) (path, name, boundary string, tags []tag)) core.Option {
	return core.Needs(func(c *core.Call, in *In) []core.Permission {
		path, name, boundary, tags := f(in)
		ctx := requestTags(tags)
		setBoundaryKey(ctx, boundary)
		return []core.Permission{{Resource: entityARN(c.Account.ID, string(k), path, name), Context: ctx}}
	})
}
