package iam

import (
	"time"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// IAM is the simulated service and the directory of all accounts.
type IAM struct {
	w        *core.World
	accounts map[string]*account
	views    views
	sessions sessionStore
	// LinkedRoleInUse says what still uses a service-linked role, as ARNs; nil
	// when nothing ever does. It is given by whoever knows the services.
	LinkedRoleInUse func(account, service string) []string
}

// New makes the service, registers it with the world and becomes its directory.
func New(w *core.World) *IAM {
	i := &IAM{
		w: w, accounts: map[string]*account{}, views: newViews(),
		sessions: newSessionStore(),
	}
	w.Directory = i
	w.Add(i.service())
	return i
}

func (i *IAM) service() *core.Service {
	s := &core.Service{
		Name: "iam", Namespace: "https://iam.amazonaws.com/doc/2010-05-08/", Global: true,
		Settle: i.settle, Inventory: i.inventory,
		// AWS documents no rates for IAM: an assumption, wide enough for one fleet.
		Rates: map[string]core.Rate{"*": {PerSecond: 100, Burst: 200}},
	}
	for _, ops := range [][]core.Op{
		i.userOps(), i.groupOps(), i.roleOps(), i.linkedRoleOps(), i.policyOps(), i.versionOps(),
		i.inlineOps(), i.attachOps(), i.boundaryOps(), i.profileOps(), i.keyOps(), i.loginOps(),
		i.mfaOps(), i.credentialOps(), i.serviceCredentialOps(), i.accountOps(), i.providerOps(),
		i.certificateOps(), i.tagOps(), i.simulateOps(), i.detailOps(),
	} {
		s.Ops = append(s.Ops, ops...)
	}
	return s
}

// account gives the state of an account, made on the first look.
func (i *IAM) account(id string) *account {
	a := i.accounts[id]
	if a == nil {
		a = &account{id: id}
		i.accounts[id] = a
	}
	return a
}

func (i *IAM) of(c *core.Call) *account { return i.account(c.Account.ID) }

func (i *IAM) settle(id, _ string, now time.Time) {
	i.views.tidy(now)
	if a := i.accounts[id]; a != nil {
		i.settleLinkedRoles(a, now)
	}
}

// id makes a unique id: a prefix of four letters and 17 characters.
func (i *IAM) id(prefix string) string { return prefix + i.w.Base32(17) }
