package config

import (
	"fmt"
	"regexp"
	"slices"
	"strconv"

	"github.com/kodekloud/kml/internal/fleet"
)

var (
	accountPattern = regexp.MustCompile(`^[0-9]{12}$`)
	namePattern    = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*$`)
	rolePattern    = regexp.MustCompile(`^arn:aws[a-z-]*:iam::([0-9]{12}):role/.+$`)
	roleName       = regexp.MustCompile(`^[\w+=,.@-]{1,64}$`)
	ouPattern      = regexp.MustCompile(`^(ou|r)-[a-z0-9-]+$`)
)

const twelveDigits = "write the 12 digits of the account, in quotes"

// organizations checks what decides which accounts are touched at all.
func (v *checks) organizations(orgs []fleet.Organization) {
	v.check(len(orgs) > 0, organizationsKey, "", "is missing; tell the organizations in the file, or name theirs with KML_ORGANIZATIONS_FILE")
	names, accounts, ous := map[string]bool{}, map[string]bool{}, map[string]bool{}
	once := func(seen map[string]bool, key, value string) {
		v.check(!seen[value], key, value, "it is there twice")
		seen[value] = true
	}
	for i := range orgs {
		o, at := &orgs[i], fmt.Sprintf("%s[%d]", organizationsKey, i)
		v.check(namePattern.MatchString(o.Name), at+".name", o.Name, "use small letters, digits and dashes")
		once(names, at+".name", o.Name)
		v.check(accountPattern.MatchString(o.ManagementAccount), at+".management_account", o.ManagementAccount, twelveDigits)
		once(accounts, at+".management_account", o.ManagementAccount)
		role := rolePattern.FindStringSubmatch(o.ManagementRole)
		v.check(role != nil && role[1] == o.ManagementAccount, at+".management_role", o.ManagementRole, "give the ARN of a role in the management account")
		v.check(roleName.MatchString(o.MemberRole), at+".member_role", o.MemberRole, "give the role's name, such as OrganizationAccountAccessRole")
		v.check(len(o.OUs) > 0, at+".ous", "", "name the organizational units of the fleet")
		for j, u := range o.OUs {
			at := fmt.Sprintf("%s.ous[%d]", at, j)
			v.check(ouPattern.MatchString(u.ID), at+".id", u.ID, "give the id of the unit, such as ou-ab12-34567890")
			once(ous, at+".id", u.ID)
			v.check(slices.Contains(fleet.Purposes, u.Purpose), at+".purpose", string(u.Purpose), fmt.Sprintf("use one of %v", fleet.Purposes))
			v.check(u.Warm >= 0 && (u.Warm == 0 || u.Purpose != fleet.Quarantine), at+".warm", strconv.Itoa(u.Warm), "give a number from 0; a quarantine keeps none warm")
		}
		for j, id := range o.Deny {
			v.check(accountPattern.MatchString(id), fmt.Sprintf("%s.deny[%d]", at, j), id, twelveDigits)
		}
	}
}
