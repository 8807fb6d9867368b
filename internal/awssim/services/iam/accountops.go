package iam

import (
	"encoding/xml"
	"maps"
	"regexp"
	"slices"

	"github.com/kodekloud/kml/internal/awssim/core"
)

// passwordPolicy is the account's password policy as it goes over the wire.
type passwordPolicy struct {
	MinimumPasswordLength                                  int
	RequireSymbols, RequireNumbers                         bool
	RequireUppercaseCharacters, RequireLowercaseCharacters bool
	AllowUsersToChangePassword, ExpirePasswords            bool
	MaxPasswordAge                                         int  `xml:",omitempty"`
	PasswordReusePrevention                                int  `xml:",omitempty"`
	HardExpiry                                             bool `xml:",omitempty"`
}

type passwordPolicyOut struct{ PasswordPolicy passwordPolicy }

type aliasIn struct{ AccountAlias string }

type aliasesOut struct {
	AccountAliases members[string]
	Truncation
}

type summaryOut struct{ SummaryMap countMap }

// countMap goes over the wire as <entry><key/><value/></entry>.
type countMap map[string]int

// MarshalXML writes the entries by key.
func (m countMap) MarshalXML(e *xml.Encoder, start xml.StartElement) error {
	type entry struct {
		Key   string `xml:"key"`
		Value int    `xml:"value"`
	}
	var all struct {
		Entries []entry `xml:"entry"`
	}
	for _, k := range slices.Sorted(maps.Keys(m)) {
		all.Entries = append(all.Entries, entry{k, m[k]})
	}
	return e.EncodeElement(all, start)
}

var aliasForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9]|-[a-z0-9]){2,62}$`)

func (i *IAM) accountOps() []core.Op {
	return []core.Op{
		core.Handle("CreateAccountAlias", func(c *core.Call, in *aliasIn) (core.None, error) {
			if !aliasForm.MatchString(in.AccountAlias) || len(in.AccountAlias) > 63 {
				return core.None{}, invalid("1 validation error detected: Value '%s' at 'accountAlias' failed to satisfy constraint: Member must satisfy regular expression pattern: ^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$", in.AccountAlias)
			}
			for id, a := range i.accounts { // an alias is unique over all accounts
				if a.alias == in.AccountAlias && id != c.Account.ID {
					return core.None{}, exists("The account alias %s already exists.", in.AccountAlias)
				}
			}
			i.of(c).alias = in.AccountAlias // a new one replaces the old
			return core.None{}, nil
		}),
		core.Handle("DeleteAccountAlias", func(c *core.Call, in *aliasIn) (core.None, error) {
			a := i.of(c)
			if a.alias == "" || a.alias != in.AccountAlias {
				return core.None{}, notFound("The account alias %s cannot be found.", in.AccountAlias)
			}
			a.alias = ""
			return core.None{}, nil
		}),
		core.Handle("ListAccountAliases", func(c *core.Call, _ *Paging) (*aliasesOut, error) {
			out := &aliasesOut{}
			if a := i.of(c); a.alias != "" {
				out.AccountAliases = members[string]{a.alias}
			}
			return out, nil
		}, core.ReadOnly),
		core.Handle("GetAccountPasswordPolicy", func(c *core.Call, _ *core.None) (*passwordPolicyOut, error) {
			if p := i.of(c).password; p != nil {
				return &passwordPolicyOut{*p}, nil
			}
			return nil, noPasswordPolicy(c)
		}, core.ReadOnly),
		core.Handle("UpdateAccountPasswordPolicy", func(c *core.Call, in *passwordPolicy) (core.None, error) {
			p := *in
			if p.MinimumPasswordLength == 0 {
				p.MinimumPasswordLength = 6
			}
			if p.MinimumPasswordLength < 6 || p.MinimumPasswordLength > 128 {
				return core.None{}, invalid("1 validation error detected: Value '%d' at 'minimumPasswordLength' failed to satisfy constraint: Member must have value between 6 and 128", p.MinimumPasswordLength)
			}
			p.ExpirePasswords = p.MaxPasswordAge > 0
			i.of(c).password = &p
			return core.None{}, nil
		}),
		core.Handle("DeleteAccountPasswordPolicy", func(c *core.Call, _ *core.None) (core.None, error) {
			if i.of(c).password == nil {
				return core.None{}, noPasswordPolicy(c)
			}
			i.of(c).password = nil
			return core.None{}, nil
		}),
		core.Handle("GetAccountSummary", func(c *core.Call, _ *core.None) (*summaryOut, error) {
			return &summaryOut{i.of(c).summary()}, nil
		}, core.ReadOnly),
	}
}

func noPasswordPolicy(c *core.Call) error {
	return notFound("The Password Policy with domain name %s cannot be found.", c.Account.ID)
}

func (a *account) summary() countMap {
	versions, inUse, devices := 0, 0, 0
	for _, p := range a.policies.m {
		versions += len(p.Versions)
	}
	for _, d := range a.mfa.m {
		devices++
		if d.user != nil {
			inUse++
		}
	}
	return countMap{
		"AccessKeysPerUserQuota": maxKeys, "AccountAccessKeysPresent": min(1, len(a.rootKeys)),
		"AccountMFAEnabled": 0, "AccountPasswordPresent": 1, "AccountSigningCertificatesPresent": 0,
		"AssumeRolePolicySizeQuota": maxTrustSize, "AttachedPoliciesPerGroupQuota": maxAttached,
		"AttachedPoliciesPerRoleQuota": maxAttached, "AttachedPoliciesPerUserQuota": maxAttached,
		"GlobalEndpointTokenVersion": 1, "GroupPolicySizeQuota": maxInline[kindGroup], "Groups": a.groups.len(),
		"GroupsPerUserQuota": maxGroupsPerUser, "GroupsQuota": maxGroups, "InstanceProfiles": a.profiles.len(),
		"InstanceProfilesQuota": maxProfiles, "MFADevices": devices, "MFADevicesInUse": inUse, "Policies": a.policies.len(),
		"PoliciesQuota": maxPolicies, "PolicySizeQuota": maxPolicySize, "PolicyVersionsInUse": versions,
		"PolicyVersionsInUseQuota": 10000, "Providers": a.oidc.len() + a.saml.len(), "RolePolicySizeQuota": maxInline[kindRole],
		"Roles": a.roles.len(), "RolesQuota": maxRoles, "ServerCertificates": a.certs.len(),
		"ServerCertificatesQuota": maxServerCertificates, "SigningCertificatesPerUserQuota": maxSigning,
		"UserPolicySizeQuota": maxInline[kindUser], "Users": a.users.len(), "UsersQuota": maxUsers,
		"VersionsPerPolicyQuota": maxVersions,
	}
}
