package iam

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const maxUsers, maxGroupsPerUser = 5000, 10

type boundaryOut struct{ PermissionsBoundaryType, PermissionsBoundaryArn string }

func (h *Holder) boundaryOut() *boundaryOut {
	if h.Boundary == "" {
		return nil
	}
	return &boundaryOut{"Policy", h.Boundary}
}

type userOut struct {
	Path, UserName, UserId, Arn string
	CreateDate                  core.Time
	PasswordLastUsed            *core.Time   `xml:",omitempty"`
	PermissionsBoundary         *boundaryOut `xml:",omitempty"`
	Tags                        members[tag] `xml:",omitempty"`
}

func (u *User) out() userOut {
	o := u.summary()
	o.PermissionsBoundary, o.Tags = u.boundaryOut(), members[tag](u.Tags)
	return o
}

// summary is what lists tell of a user: neither boundary nor tags.
func (u *User) summary() userOut {
	return userOut{Path: u.Path, UserName: u.Name, UserId: u.ID, Arn: u.ARN(),
		CreateDate: core.At(u.Created), PasswordLastUsed: core.Ptr(u.PasswordLastUsed)}
}

func (u *User) sortedGroups() []*Group {
	return slices.SortedFunc(maps.Values(u.groups), func(a, b *Group) int {
		return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name))
	})
}

type createUserIn struct {
	Path, UserName, PermissionsBoundary string
	Tags                                []tag
}

type userIn struct{ UserName string }

func (in *userIn) name() string { return in.UserName }

type oneUserOut struct{ User userOut }

type updateUserIn struct{ UserName, NewPath, NewUserName string }

type listIn struct {
	PathPrefix string
	Paging
}

type usersOut struct {
	Users members[userOut]
	Truncation
}

func (i *IAM) userOps() []core.Op {
	return []core.Op{
		core.Handle("CreateUser", func(c *core.Call, in *createUserIn) (*oneUserOut, error) {
			u, err := i.createUser(c, in)
			if err != nil {
				return nil, err
			}
			return &oneUserOut{u.out()}, nil
		}, creating(i, kindUser, func(in *createUserIn) (string, string, string, []tag) {
			return in.Path, in.UserName, in.PermissionsBoundary, in.Tags
		})),
		core.Handle("GetUser", i.getUser, core.ReadOnly, core.Needs(func(c *core.Call, in *userIn) []core.Permission {
			return []core.Permission{i.permission(c, kindUser, own(c, in.UserName), nil)}
		})),
		core.Handle("ListUsers", func(c *core.Call, in *listIn) (*usersOut, error) {
			page, more, err := cut(under(i.of(c).users.sorted(), in.PathPrefix, userPath), userKey, in.Paging)
			return &usersOut{each(page, (*User).summary), more}, err
		}, core.ReadOnly, core.On(func(c *core.Call, in *listIn) string { return listARN(c, "user", in.PathPrefix) })),
		core.Handle("UpdateUser", i.updateUser, core.Needs(func(c *core.Call, in *updateUserIn) []core.Permission {
			p := i.permission(c, kindUser, in.UserName, nil)
			moved := entityARN(c.Account.ID, "user", in.NewPath, cmp.Or(in.NewUserName, in.UserName))
			return []core.Permission{p, {Resource: moved, Context: p.Context}}
		})),
		core.Handle("DeleteUser", i.deleteUser, on(i, kindUser, (*userIn).name)),
	}
}

func userPath(u *User) string { return u.Path }
func userKey(u *User) string  { return strings.ToLower(u.Name) }

// under keeps what lies under a path prefix.
func under[T any](all []T, prefix string, path func(T) string) []T {
	if prefix == "" || prefix == "/" {
		return all
	}
	return slices.DeleteFunc(all, func(v T) bool { return !strings.HasPrefix(path(v), prefix) })
}

// listARN is what listing under a path prefix acts on.
func listARN(c *core.Call, typ, prefix string) string {
	return entityARN(c.Account.ID, typ, cmp.Or(prefix, "/"), "")
}

func (i *IAM) createUser(c *core.Call, in *createUserIn) (*User, error) {
	v := (&check{}).name("UserName", in.UserName, 64).path("Path", in.Path)
	tags, err := tagSet(nil).with(in.Tags)
	if err := firstError(v.err, err); err != nil {
		return nil, err
	}
	a := i.of(c)
	if a.users.get(in.UserName) != nil {
		return nil, exists("User with name %s already exists.", in.UserName)
	}
	if a.users.len() >= maxUsers {
		return nil, overLimit("UsersPerAccount", maxUsers)
	}
	if err := i.boundaryExists(a, in.PermissionsBoundary); err != nil {
		return nil, err
	}
	u := &User{Holder: Holder{Kind: kindUser, Account: a.id, ID: i.id("AIDA"), Name: in.UserName, Path: cmp.Or(in.Path, "/"),
		Created: c.Now, Tags: tags, Boundary: in.PermissionsBoundary, Inline: map[string]*inlineDoc{}}, groups: map[string]*Group{}}
	a.users.put(u.Name, u)
	i.publishUser(c.Now, u)
	return u, nil
}

func (i *IAM) getUser(c *core.Call, in *userIn) (*oneUserOut, error) {
	name := own(c, in.UserName)
	if name == "" && c.Principal.ARN == rootARN(c.Account.ID) {
		return &oneUserOut{userOut{Path: "/", UserName: c.Account.Name, UserId: c.Account.ID,
			Arn: c.Principal.ARN, CreateDate: core.At(c.Account.Created)}}, nil
	}
	if name == "" {
		return nil, invalid("Must specify userName when calling with non-User credentials")
	}
	u, err := i.of(c).user(name)
	if err != nil {
		return nil, err
	}
	return &oneUserOut{u.out()}, nil
}

func (i *IAM) updateUser(c *core.Call, in *updateUserIn) (core.None, error) {
	a := i.of(c)
	u, err := a.user(in.UserName)
	v := (&check{}).path("NewPath", in.NewPath)
	if in.NewUserName != "" {
		v.name("NewUserName", in.NewUserName, 64)
	}
	if err := firstError(err, v.err); err != nil {
		return core.None{}, err
	}
	if other := a.users.get(in.NewUserName); other != nil && other != u {
		return core.None{}, exists("User with name %s already exists.", in.NewUserName)
	}
	a.users.drop(u.Name)
	u.Name, u.Path = cmp.Or(in.NewUserName, u.Name), cmp.Or(in.NewPath, u.Path)
	a.users.put(u.Name, u)
	i.publishUser(c.Now, u)
	return core.None{}, nil
}

// deleteUser refuses while anything hangs on the user. A boundary does not.
func (i *IAM) deleteUser(c *core.Call, in *userIn) (core.None, error) {
	a := i.of(c)
	u, err := a.user(in.UserName)
	if err != nil {
		return core.None{}, err
	}
	for _, x := range []struct {
		n    int
		what string
	}{
		{len(u.groups), "remove users from group"},
		{len(u.Attached), "detach all policies"},
		{len(u.Inline), "delete policies"},
		{len(u.Keys), "delete access keys"},
		{len(a.devicesOf(u)), "delete MFA device"},
		{len(u.Certificates), "delete signing certificates"},
		{len(u.SSH), "delete SSH public keys"},
		{len(u.ServiceCreds), "delete service specific credentials"},
	} {
		if x.n > 0 {
			return core.None{}, conflict("Cannot delete entity, must %s first.", x.what)
		}
	}
	if u.Login != nil {
		return core.None{}, conflict("Cannot delete entity, must delete login profile first.")
	}
	a.users.drop(u.Name)
	i.hideHolder(c.Now, &u.Holder)
	return core.None{}, nil
}
