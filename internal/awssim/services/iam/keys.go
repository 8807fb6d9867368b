package iam

import (
	"slices"
	"strings"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

const maxKeys = 2

type accessKeyOut struct {
	UserName, AccessKeyId, Status string
	SecretAccessKey               string `trail:"-"`
	CreateDate                    core.Time
}

type keyMetadata struct {
	UserName            string `xml:",omitempty"`
	AccessKeyId, Status string
	CreateDate          core.Time
}

type accessKeyIn struct{ UserName, AccessKeyId, Status string }

func (in *accessKeyIn) name() string { return in.UserName }

type oneKeyOut struct{ AccessKey accessKeyOut }

type keysOut struct {
	UserName          string `xml:",omitempty"`
	AccessKeyMetadata members[keyMetadata]
	Truncation
}

type keyLastUsed struct {
	LastUsedDate        *core.Time `xml:",omitempty"`
	ServiceName, Region string
}

type keyLastUsedOut struct {
	UserName          string `xml:",omitempty"`
	AccessKeyLastUsed keyLastUsed
}

func status(active bool) string {
	if active {
		return "Active"
	}
	return "Inactive"
}

func (i *IAM) keyOps() []core.Op {
	onSelf := on(i, kindUser, (*accessKeyIn).name)
	return []core.Op{
		core.Handle("CreateAccessKey", i.createAccessKey, onSelf),
		core.Handle("ListAccessKeys", i.listAccessKeys, core.ReadOnly, on(i, kindUser, (*userListIn).name)),
		core.Handle("UpdateAccessKey", i.updateAccessKey, onSelf),
		core.Handle("DeleteAccessKey", func(c *core.Call, in *accessKeyIn) (core.None, error) {
			keys, k, err := i.accessKey(c, in)
			if err != nil {
				return core.None{}, err
			}
			*keys = slices.DeleteFunc(*keys, func(x *Key) bool { return x == k })
			i.hideKey(c.Now, k)
			return core.None{}, nil
		}, onSelf),
		core.Handle("GetAccessKeyLastUsed", i.keyLastUsed, core.ReadOnly, core.Needs(func(c *core.Call, in *accessKeyIn) []core.Permission {
			if k := i.findKey(i.of(c), in.AccessKeyId); k != nil && k.User != nil {
				return []core.Permission{i.permission(c, kindUser, k.User.Name, nil)}
			}
			return []core.Permission{{Resource: entityARN(c.Account.ID, "user", "/", "*")}}
		})),
	}
}

// keysOf gives the keys of the user in a request, or of the caller: also of the
// root user, who has no user name.
func (i *IAM) keysOf(c *core.Call, name string) (*[]*Key, *User, error) {
	a := i.of(c)
	name = own(c, name)
	if name == "" {
		if c.Principal.ARN == rootARN(a.id) {
			return &a.rootKeys, nil, nil
		}
		return nil, nil, invalid("Must specify userName when calling with non-User credentials")
	}
	u, err := a.user(name)
	if err != nil {
		return nil, nil, err
	}
	return &u.Keys, u, nil
}

func (i *IAM) accessKey(c *core.Call, in *accessKeyIn) (*[]*Key, *Key, error) {
	keys, _, err := i.keysOf(c, in.UserName)
	if err != nil {
		return nil, nil, err
	}
	for _, k := range *keys {
		if k.ID == in.AccessKeyId {
			return keys, k, nil
		}
	}
	return nil, nil, notFound("The Access Key with id %s cannot be found.", in.AccessKeyId)
}

func (i *IAM) createAccessKey(c *core.Call, in *accessKeyIn) (*oneKeyOut, error) {
	keys, u, err := i.keysOf(c, in.UserName)
	if err != nil {
		return nil, err
	}
	if len(*keys) >= maxKeys {
		return nil, overLimit("AccessKeysPerUser", maxKeys)
	}
	k := i.newKey(c.Now, c.Account.ID, u)
	*keys = append(*keys, k)
	o := accessKeyOut{AccessKeyId: k.ID, SecretAccessKey: k.Secret, Status: "Active", CreateDate: core.At(k.Created)}
	if u != nil {
		o.UserName = u.Name
	}
	return &oneKeyOut{o}, nil
}

func (i *IAM) newKey(now time.Time, accountID string, u *User) *Key {
	k := &Key{ID: i.accessKeyID("AKIA", accountID), Secret: i.w.Secret(40), User: u, Active: true, Created: now}
	i.publishKey(now, accountID, k)
	return k
}

func (i *IAM) listAccessKeys(c *core.Call, in *userListIn) (*keysOut, error) {
	keys, u, err := i.keysOf(c, in.UserName)
	if err != nil {
		return nil, err
	}
	all := slices.SortedFunc(slices.Values(*keys), func(a, b *Key) int { return strings.Compare(a.ID, b.ID) })
	page, more, err := cut(all, func(k *Key) string { return k.ID }, in.Paging)
	out := &keysOut{Truncation: more}
	if u != nil {
		out.UserName = u.Name
	}
	out.AccessKeyMetadata = each(page, func(k *Key) keyMetadata {
		return keyMetadata{out.UserName, k.ID, status(k.Active), core.At(k.Created)}
	})
	return out, err
}

func (i *IAM) updateAccessKey(c *core.Call, in *accessKeyIn) (core.None, error) {
	if v := (&check{}).oneOf("Status", in.Status, "Active", "Inactive"); v.err != nil {
		return core.None{}, v.err
	}
	_, k, err := i.accessKey(c, in)
	if err != nil {
		return core.None{}, err
	}
	k.Active = in.Status == "Active"
	i.publishKey(c.Now, c.Account.ID, k)
	return core.None{}, nil
}

func (i *IAM) findKey(a *account, id string) *Key {
	for _, k := range a.rootKeys {
		if k.ID == id {
			return k
		}
	}
	for _, u := range a.users.m {
		for _, k := range u.Keys {
			if k.ID == id {
				return k
			}
		}
	}
	return nil
}

// keyLastUsed answers for unknown keys too, as AWS does: access denied.
func (i *IAM) keyLastUsed(c *core.Call, in *accessKeyIn) (*keyLastUsedOut, error) {
	k := i.findKey(i.of(c), in.AccessKeyId)
	if k == nil {
		return nil, core.Errorf(403, "AccessDenied", "User: %s is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key %s", c.Principal.ARN, in.AccessKeyId)
	}
	o := &keyLastUsedOut{AccessKeyLastUsed: keyLastUsed{core.Ptr(k.LastUsed), "N/A", "N/A"}}
	if !k.LastUsed.IsZero() {
		o.AccessKeyLastUsed.ServiceName, o.AccessKeyLastUsed.Region = k.LastService, k.LastRegion
	}
	if k.User != nil {
		o.UserName = k.User.Name
	}
	return o, nil
}

// Used notes the last use of a key or role, as the pipeline tells it after a
// signature was verified.
func (i *IAM) Used(p *core.Principal, service, region string, now time.Time) {
	a := i.account(p.Account)
	if p.RoleARN != "" {
		if r := a.roles.get(afterLast(p.RoleARN)); r != nil && r.ID == p.Session.RoleID {
			r.LastUsed, r.LastRegion = now, region
		}
		return
	}
	keys := a.rootKeys
	if u := a.users.get(p.UserName); u != nil {
		keys = u.Keys
	}
	for _, k := range keys {
		if k.ID == p.AccessKeyID {
			k.LastUsed, k.LastService, k.LastRegion = now, service, region
		}
	}
}
