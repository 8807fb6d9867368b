package organizations

import (
	"fmt"
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
	"github.com/kodekloud/kml/internal/awssim/iameval"
)

// Seeding, for tests and the admin door. The world's lock is held; what is
// seeded is known to authorization at once, as if it had long been there.

// longAgo is before anything that a lag could hide.
func (o *Organizations) longAgo() time.Time { return o.w.Clock.Now().Add(-o.w.Options.IAMDelay) }

// AddOrganization makes an organization with all features, service control
// policies enabled, and a management account, which is made if the world does
// not have it. It gives the ids of organization and root.
func (o *Organizations) AddOrganization(managementID, name string) (orgID, rootID string, err error) {
	if o.in[managementID] != nil {
		return "", "", fmt.Errorf("seed organization: account %s is in organization %s already", managementID, o.in[managementID].id)
	}
	now := o.longAgo()
	g := &organization{id: "o-" + o.lower(10), management: managementID, features: "ALL",
		root:  &node{target: target{id: "r-" + o.lower(4), name: "Root"}},
		units: map[string]*node{}, accounts: map[string]*member{}, scps: map[string]*scp{}, requests: map[string]*creation{}}
	full := &scp{id: fullAccessID, name: "FullAWSAccess", description: "Allows access to every operation", content: fullAccess, aws: true,
		arn: "arn:aws:organizations::aws:policy/service_control_policy/" + fullAccessID}
	doc, err := iameval.Parse(fullAccess, iameval.SCP)
	if err != nil {
		return "", "", fmt.Errorf("seed organization: %w", err)
	}
	full.seen.Set(now, now, doc.Named(full.arn, full.name))
	g.scps[full.id] = full
	o.orgs = append(o.orgs, g)
	if _, err := o.addMember(g, managementID, name, "", g.root, "", false); err != nil {
		return "", "", err
	}
	o.setType(g, now, true)
	return g.id, g.root.id, nil
}

func (o *Organizations) byID(orgID string) (*organization, error) {
	for _, g := range o.orgs {
		if g.id == orgID {
			return g, nil
		}
	}
	return nil, fmt.Errorf("seed organization: no organization %q", orgID)
}

// AddUnit makes an organizational unit under a root or unit and gives its id.
func (o *Organizations) AddUnit(orgID, parentID, name string) (string, error) {
	g, err := o.byID(orgID)
	if err != nil {
		return "", err
	}
	n, err := o.createUnit(&core.Call{World: o.w, Now: o.longAgo()}, g, &createUnitIn{ParentId: parentID, Name: name})
	if err != nil {
		return "", fmt.Errorf("seed unit %s: %w", name, err)
	}
	return n.id, nil
}

// AddAccount puts an account into an organization under a root or unit. One
// that is new to the world is made as CreateAccount makes it, with
// OrganizationAccountAccessRole; one that was there joins as if invited,
// without the role. An empty id means: any. It gives the id.
func (o *Organizations) AddAccount(orgID, parentID, id, name string) (string, error) {
	g, err := o.byID(orgID)
	if err != nil {
		return "", err
	}
	parent := g.node(parentID)
	if parent == nil {
		return "", fmt.Errorf("seed account %s: no parent %q in %s", id, parentID, orgID)
	}
	if id == "" {
		id = o.accountID()
	}
	m, err := o.addMember(g, id, name, "", parent, "", o.w.Account(id) == nil)
	if err != nil {
		return "", err
	}
	return m.id, nil
}

// addMember makes an account a member; created says that the organization made
// it. An empty email or role name means the usual one.
func (o *Organizations) addMember(g *organization, id, name, email string, parent *node, role string, created bool) (*member, error) {
	if o.in[id] != nil {
		return nil, fmt.Errorf("account %s is in organization %s already", id, o.in[id].id)
	}
	now := o.longAgo()
	a := o.iam.AddAccount(id, name)
	if email != "" {
		a.Email = email
	}
	m := &member{target: target{id: id, name: a.Name}, account: a, method: "INVITED", joined: o.w.Clock.Now(), state: "ACTIVE"}
	g.accounts[id], o.in[id] = m, g
	o.setPlace(m, now, parent)
	o.giveFullAccess(g, &m.target, now)
	if !created {
		return m, nil
	}
	m.method = "CREATED"
	if err := o.iam.AddOrgRole(id, g.management, role); err != nil {
		return nil, fmt.Errorf("account %s: %w", id, err)
	}
	return m, nil
}
