package iam

import (
	"cmp"
	"strings"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const maxGroups = 300

type groupOut struct {
	Path, GroupName, GroupId, Arn string
	CreateDate                    core.Time
}

func (g *Group) out() groupOut {
	return groupOut{g.Path, g.Name, g.ID, g.ARN(), core.At(g.Created)}
}

type createGroupIn struct{ Path, GroupName string }

type groupIn struct {
	GroupName string
	Paging
}

func (in *groupIn) name() string { return in.GroupName }

type oneGroupOut struct{ Group groupOut }

type getGroupOut struct {
	Group groupOut
	Users members[userOut]
	Truncation
}

type groupsOut struct {
	Groups members[groupOut]
	Truncation
}

type updateGroupIn struct{ GroupName, NewPath, NewGroupName string }

type membershipIn struct{ GroupName, UserName string }

func (in *membershipIn) group() string { return in.GroupName }

type userListIn struct {
	UserName string
	Paging
}

func (in *userListIn) name() string { return in.UserName }

func (i *IAM) groupOps() []core.Op {
	return []core.Op{
		core.Handle("CreateGroup", i.createGroup, creating(i, kindGroup, func(in *createGroupIn) (string, string, string, []tag) {
			return in.Path, in.GroupName, "", nil
		})),
		core.Handle("GetGroup", i.getGroup, core.ReadOnly, on(i, kindGroup, (*groupIn).name)),
		core.Handle("ListGroups", func(c *core.Call, in *listIn) (*groupsOut, error) {
			all := under(i.of(c).groups.sorted(), in.PathPrefix, func(g *Group) string { return g.Path })
			page, more, err := cut(all, groupKey, in.Paging)
			return &groupsOut{each(page, (*Group).out), more}, err
		}, core.ReadOnly, core.On(func(c *core.Call, in *listIn) string { return listARN(c, "group", in.PathPrefix) })),
		core.Handle("ListGroupsForUser", func(c *core.Call, in *userListIn) (*groupsOut, error) {
			u, err := i.of(c).user(in.UserName)
			if err != nil {
				return nil, err
			}
			page, more, err := cut(u.sortedGroups(), groupKey, in.Paging)
			return &groupsOut{each(page, (*Group).out), more}, err
		}, core.ReadOnly, on(i, kindUser, (*userListIn).name)),
		core.Handle("UpdateGroup", i.updateGroup, on(i, kindGroup, func(in *updateGroupIn) string { return in.GroupName })),
		core.Handle("DeleteGroup", i.deleteGroup, on(i, kindGroup, (*groupIn).name)),
		core.Handle("AddUserToGroup", i.addToGroup, on(i, kindGroup, (*membershipIn).group)),
		core.Handle("RemoveUserFromGroup", i.removeFromGroup, on(i, kindGroup, (*membershipIn).group)),
	}
}

func groupKey(g *Group) string { return strings.ToLower(g.Name) }

func (i *IAM) createGroup(c *core.Call, in *createGroupIn) (*oneGroupOut, error) {
	if v := (&check{}).name("GroupName", in.GroupName, 128).path("Path", in.Path); v.err != nil {
		return nil, v.err
	}
	a := i.of(c)
	if a.groups.get(in.GroupName) != nil {
		return nil, exists("Group with name %s already exists.", in.GroupName)
	}
	if a.groups.len() >= maxGroups {
		return nil, overLimit("GroupsPerAccount", maxGroups)
	}
	g := &Group{Holder: Holder{Kind: kindGroup, Account: a.id, ID: i.id("AGPA"), Name: in.GroupName,
		Path: cmp.Or(in.Path, "/"), Created: c.Now, Inline: map[string]*inlineDoc{}}, members: map[string]*User{}}
	a.groups.put(g.Name, g)
	i.publish(c.Now, &g.Holder)
	return &oneGroupOut{g.out()}, nil
}

func (i *IAM) getGroup(c *core.Call, in *groupIn) (*getGroupOut, error) {
	a := i.of(c)
	g, err := a.group(in.GroupName)
	if err != nil {
		return nil, err
	}
	var all []*User
	for _, u := range a.users.sorted() {
		if g.members[u.ID] != nil {
			all = append(all, u)
		}
	}
	page, more, err := cut(all, userKey, in.Paging)
	return &getGroupOut{g.out(), each(page, (*User).summary), more}, err
}

func (i *IAM) updateGroup(c *core.Call, in *updateGroupIn) (core.None, error) {
	a := i.of(c)
	g, err := a.group(in.GroupName)
	v := (&check{}).path("NewPath", in.NewPath)
	if in.NewGroupName != "" {
		v.name("NewGroupName", in.NewGroupName, 128)
	}
	if err := firstError(err, v.err); err != nil {
		return core.None{}, err
	}
	if other := a.groups.get(in.NewGroupName); other != nil && other != g {
		return core.None{}, exists("Group with name %s already exists.", in.NewGroupName)
	}
	a.groups.drop(g.Name)
	g.Name, g.Path = cmp.Or(in.NewGroupName, g.Name), cmp.Or(in.NewPath, g.Path)
	a.groups.put(g.Name, g)
	i.publish(c.Now, &g.Holder)
	return core.None{}, nil
}

func (i *IAM) deleteGroup(c *core.Call, in *groupIn) (core.None, error) {
	a := i.of(c)
	g, err := a.group(in.GroupName)
	switch {
	case err != nil:
		return core.None{}, err
	case len(g.members) > 0:
		return core.None{}, conflict("Cannot delete entity, must remove users from group first.")
	case len(g.Attached) > 0:
		return core.None{}, conflict("Cannot delete entity, must detach all policies first.")
	case len(g.Inline) > 0:
		return core.None{}, conflict("Cannot delete entity, must delete policies first.")
	}
	a.groups.drop(g.Name)
	i.hideHolder(c.Now, &g.Holder)
	return core.None{}, nil
}

func (i *IAM) membership(c *core.Call, in *membershipIn) (*Group, *User, error) {
	a := i.of(c)
	g, err := a.group(in.GroupName)
	if err != nil {
		return nil, nil, err
	}
	u, err := a.user(in.UserName)
	return g, u, err
}

func (i *IAM) addToGroup(c *core.Call, in *membershipIn) (core.None, error) {
	g, u, err := i.membership(c, in)
	if err != nil {
		return core.None{}, err
	}
	if u.groups[g.ID] == nil && len(u.groups) >= maxGroupsPerUser {
		return core.None{}, overLimit("GroupsPerUser", maxGroupsPerUser)
	}
	u.groups[g.ID], g.members[u.ID] = g, u
	i.publishUser(c.Now, u)
	return core.None{}, nil
}

func (i *IAM) removeFromGroup(c *core.Call, in *membershipIn) (core.None, error) {
	g, u, err := i.membership(c, in)
	if err != nil {
		return core.None{}, err
	}
	delete(u.groups, g.ID)
	delete(g.members, u.ID)
	i.publishUser(c.Now, u)
	return core.None{}, nil
}
