package iam

import (
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

func (i *IAM) inventory(accountID string, _ time.Time) []core.Resource {
	a := i.accounts[accountID]
	if a == nil {
		return nil
	}
	var out []core.Resource
	add := func(kind, id, arn, path, state string) *core.Resource {
		out = append(out, core.Resource{Kind: kind, ID: id, ARN: arn, Path: path, State: state})
		return &out[len(out)-1]
	}
	for _, u := range a.users.sorted() {
		add("user", u.Name, u.ARN(), u.Path, "")
		for _, k := range u.Keys {
			add("access-key", k.ID, "", u.Path, status(k.Active))
		}
		if u.Login != nil {
			add("login-profile", u.Name, "", u.Path, "")
		}
		for _, k := range u.SSH {
			add("ssh-public-key", k.ID, "", u.Path, status(k.Active))
		}
		for _, k := range u.Certificates {
			add("signing-certificate", k.ID, "", u.Path, status(k.Active))
		}
		for _, k := range u.ServiceCreds {
			add("service-specific-credential", k.ID, "", u.Path, status(k.Active))
		}
	}
	for _, k := range a.rootKeys {
		add("root-access-key", k.ID, "", "", status(k.Active))
	}
	for _, g := range a.groups.sorted() {
		add("group", g.Name, g.ARN(), g.Path, "").Children = len(g.members)
	}
	for _, r := range a.roles.sorted() {
		add("role", r.Name, r.ARN(), r.Path, "").Default = r.byOrganization
	}
	for _, p := range a.policies.sorted() {
		add("policy", p.Name, p.ARN(), p.Path, "").Children = len(p.Versions)
	}
	for _, p := range a.profiles.sorted() {
		add("instance-profile", p.Name, p.ARN(), p.Path, "")
	}
	for _, d := range a.mfa.sorted() {
		state := "Unassigned"
		if d.user != nil {
			state = "Assigned"
		}
		add("mfa-device", d.Serial, d.Serial, arnPath(d.Serial), state)
	}
	for _, p := range a.oidc.sorted() {
		add("oidc-provider", p.ARN, p.ARN, "", "")
	}
	for _, p := range a.saml.sorted() {
		add("saml-provider", p.Name, p.ARN, "", "")
	}
	for _, s := range a.certs.sorted() {
		add("server-certificate", s.Name, s.ARN, s.Path, "")
	}
	if a.alias != "" {
		add("account-alias", a.alias, "", "", "")
	}
	if a.password != nil {
		add("password-policy", a.id, "", "", "")
	}
	return out
}
