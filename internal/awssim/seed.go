package awssim

import (
	"fmt"
)

// Seeded is what a world was seeded with.
type Seeded struct {
	// Fleet is the long-term key that may assume every management role. It is a
	// secret of the simulation only.
	Fleet Key `json:"fleet"`
	// Outsider is the key of somebody in an account outside all organizations who
	// may do anything there: a student's accomplice.
	Outsider      Key                  `json:"outsider"`
	Organizations []SeededOrganization `json:"organizations"`
}

// Key is a long-term access key.
type Key struct {
	AccessKeyID     string `json:"access_key_id"`
	SecretAccessKey string `json:"secret_access_key"`
}

// SeededOrganization is an organization with its ids.
type SeededOrganization struct {
	Name              string       `json:"name"`
	ID                string       `json:"id"`
	RootID            string       `json:"root_id"`
	ManagementAccount string       `json:"management_account"`
	ManagementRole    string       `json:"management_role"` // ARN
	MemberRole        string       `json:"member_role"`     // name
	Units             []SeededUnit `json:"units"`
}

// SeededUnit is an organizational unit with its accounts.
type SeededUnit struct {
	Name     string   `json:"name"`
	ID       string   `json:"id"`
	Accounts []string `json:"accounts"`
}

const (
	toolingAccount = "999999999999" // where the fleet's own identity lives
	fleetUser      = "kml-fleet"
	managementRole = "KMLManagement"
	memberRole     = "OrganizationAccountAccessRole"
	adminPolicy    = "arn:aws:iam::aws:policy/AdministratorAccess"
)

// seed makes the fleet's identity and the organizations.
func (s *Server) seed(orgs []Organization) (out Seeded, err error) {
	s.World.Do(func() { out, err = s.seedLocked(orgs) })
	return out, err
}

func (s *Server) seedLocked(orgs []Organization) (Seeded, error) {
	var out Seeded
	if len(orgs) == 0 {
		return out, nil
	}
	s.IAM.AddAccount(toolingAccount, "tooling")
	key, err := s.IAM.AddUser(toolingAccount, "/", fleetUser,
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::*:role/`+managementRole+`"}]}`)
	if err != nil {
		return out, err
	}
	out.Fleet = Key{key.AccessKeyID, key.SecretAccessKey}
	key, err = s.IAM.AddUser(toolingAccount, "/", "outsider", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`)
	if err != nil {
		return out, err
	}
	out.Outsider = Key{key.AccessKeyID, key.SecretAccessKey}
	for _, o := range orgs {
		so, err := s.seedOrganization(o)
		if err != nil {
			return out, fmt.Errorf("seed organization %s: %w", o.Name, err)
		}
		out.Organizations = append(out.Organizations, so)
	}
	return out, nil
}

func (s *Server) seedOrganization(o Organization) (SeededOrganization, error) {
	so := SeededOrganization{Name: o.Name, ManagementAccount: o.ManagementAccount, MemberRole: memberRole,
		ManagementRole: "arn:aws:iam::" + o.ManagementAccount + ":role/" + managementRole}
	var err error
	if so.ID, so.RootID, err = s.Organizations.AddOrganization(o.ManagementAccount, o.Name+" management"); err != nil {
		return so, err
	}
	trust := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::` + toolingAccount + `:user/` + fleetUser + `"},"Action":"sts:AssumeRole"}]}`
	if _, err = s.IAM.AddRole(o.ManagementAccount, "/", managementRole, trust, adminPolicy); err != nil {
		return so, err
	}
	for _, u := range o.Units {
		su := SeededUnit{Name: u.Name}
		if su.ID, err = s.Organizations.AddUnit(so.ID, so.RootID, u.Name); err != nil {
			return so, err
		}
		for i := range u.Accounts {
			id, err := s.Organizations.AddAccount(so.ID, su.ID, "", fmt.Sprintf("%s-%s-%03d", o.Name, u.Name, i+1))
			if err != nil {
				return so, err
			}
			su.Accounts = append(su.Accounts, id)
		}
		so.Units = append(so.Units, su)
	}
	return so, nil
}
