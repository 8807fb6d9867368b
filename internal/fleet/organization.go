package fleet

import "slices"

// Purpose says what the accounts of an OU are for; it also names their pool.
type Purpose string

// The purposes of the seed document, and quarantine for failed accounts.
const (
	Production  Purpose = "production"
	Development Purpose = "development"
	Testing     Purpose = "testing"
	Quarantine  Purpose = "quarantine"
)

// Purposes lists them.
var Purposes = []Purpose{Production, Development, Testing, Quarantine}

// Organization is one AWS organization of the fleet, from the configuration.
type Organization struct {
	Name              string `yaml:"name"` // the fleet's own name for it
	ManagementAccount string `yaml:"management_account"`
	// ManagementRole is the ARN of the role that the fleet assumes in the
	// management account.
	ManagementRole string `yaml:"management_role"`
	// MemberRole is the name of the role in member accounts, assumed from the
	// management role: OrganizationAccountAccessRole where the organization made
	// the account.
	MemberRole string `yaml:"member_role"`
	OUs        []OU   `yaml:"ous"`
	// Deny lists accounts that are never touched.
	Deny []string `yaml:"deny"`
}

// OU is a configured organizational unit.
type OU struct {
	ID      string  `yaml:"id"`
	Purpose Purpose `yaml:"purpose"`
	// Warm is how many accounts are kept ready (user_created) in this OU.
	Warm int `yaml:"warm"`
	// WarmFor names the lab types whose policies are made ahead.
	WarmFor []string `yaml:"warm_for"`
}

// OU finds a configured OU by id.
func (o *Organization) OU(id string) (OU, bool) {
	i := slices.IndexFunc(o.OUs, func(u OU) bool { return u.ID == id })
	if i < 0 {
		return OU{}, false
	}
	return o.OUs[i], true
}

// Protected gives the reason why an account must never be touched, or "".
func (o *Organization) Protected(accountID, ou string) string {
	switch {
	case accountID == o.ManagementAccount:
		return "it is the management account of " + o.Name
	case slices.Contains(o.Deny, accountID):
		return "it is on the deny list of " + o.Name
	}
	if _, ok := o.OU(ou); !ok {
		return "its OU is not configured in " + o.Name
	}
	return ""
}
