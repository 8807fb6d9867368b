package iam

import (
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// Seeding, for tests and the admin door. The world's lock is held; what is
// seeded is known to authorization at once, as if it had long been there.

// longAgo is before anything that a lag could hide.
func (i *IAM) longAgo(now time.Time) time.Time { return now.Add(-i.w.Options.IAMDelay) }

// AddAccount puts an account into the world, with nothing in it but its root
// user, who has no key. An account that is there already is left alone.
func (i *IAM) AddAccount(id, name string) *core.Account {
	if a := i.w.Account(id); a != nil {
		return a
	}
	a := &core.Account{ID: id, Name: name, Email: "aws+" + id + "@example.com"}
	i.w.AddAccount(a)
	i.account(id)
	return a
}

// RootKey makes an access key of the root user.
func (i *IAM) RootKey(accountID string) Credentials {
	now := i.longAgo(i.w.Clock.Now())
	k := i.newKey(now, accountID, nil)
	a := i.account(accountID)
	a.rootKeys = append(a.rootKeys, k)
	return Credentials{AccessKeyID: k.ID, SecretAccessKey: k.Secret}
}

// AddUser makes a user with an inline policy (none if "") and an access key.
// Errors are those of the API.
func (i *IAM) AddUser(accountID, path, name, policy string) (Credentials, error) {
	now := i.longAgo(i.w.Clock.Now())
	c := &core.Call{World: i.w, Account: i.w.Account(accountID), Now: now, Principal: &core.Principal{}}
	if c.Account == nil {
		return Credentials{}, fmt.Errorf("seed user %s: no account %s in the world", name, accountID)
	}
	u, err := i.createUser(c, &createUserIn{UserName: name, Path: path})
	if err != nil {
		return Credentials{}, fmt.Errorf("seed user %s: %w", name, err)
	}
	if policy != "" {
		in := &inlineIn{Target: Target{UserName: name}, PolicyName: "seeded", PolicyDocument: policy}
		if err := i.putInline(c, kindUser, in); err != nil {
			return Credentials{}, fmt.Errorf("seed user %s: %w", name, err)
		}
	}
	k := i.newKey(now, accountID, u)
	u.Keys = append(u.Keys, k)
	return Credentials{AccessKeyID: k.ID, SecretAccessKey: k.Secret}, nil
}

// AddRole makes a role with a trust policy and managed policies.
func (i *IAM) AddRole(accountID, path, name, trust string, policyARNs ...string) (*Role, error) {
	now := i.longAgo(i.w.Clock.Now())
	a := i.account(accountID)
	r, err := i.createRole(now, a, &createRoleIn{RoleName: name, Path: path, AssumeRolePolicyDocument: trust})
	if err != nil {
		return nil, fmt.Errorf("seed role %s: %w", name, err)
	}
	for _, arn := range policyARNs {
		if err := a.attachable(arn); err != nil {
			return nil, fmt.Errorf("seed role %s: %w", name, err)
		}
		r.Attached = append(r.Attached, arn)
	}
	i.publishRole(now, r)
	return r, nil
}

// AddOrgRole makes the role by which the management account reaches an account
// that its organization created.
func (i *IAM) AddOrgRole(accountID, managementID, name string) error {
	if name == "" {
		name = "OrganizationAccountAccessRole"
	}
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + rootARN(managementID) + `"},"Action":"sts:AssumeRole"}]}`
	r, err := i.AddRole(accountID, "/", name, trust, "arn:aws:iam::aws:policy/AdministratorAccess")
	if err != nil {
		return err
	}
	r.byOrganization = true
	return nil
}
