package iameval

import "testing"

const (
	pageTrust    = "IAM UG: reference_policies_elements_principal#principal-roles"
	pageAssume   = "IAM UG: id_roles_create_for-user"
	pageExternal = "IAM UG: id_roles_create_for-user_externalid"
	pageWeb      = "IAM UG: id_roles_create_for-idp_oidc"
	pageAssumed  = "STS API: API_AssumeRole"
)

func trusts(principal, condition string) string {
	s := `{"Effect":"Allow","Principal":` + principal + `,"Action":"sts:AssumeRole"`
	if condition != "" {
		s += `,"Condition":{` + condition + `}`
	}
	return s + "}"
}

// assume is a call of AssumeRole by who for a role of the resourceAccount.
func assume(page, name string, who Principal, trust, owner, want string, identity ...string) docCase {
	return docCase{page: page, name: name, who: who, action: "sts:AssumeRole", resource: "arn:aws:iam::" + owner + ":role/R",
		resourcePolicy: trust, resourceAccount: owner, mustAllow: true, identity: identity, want: want}
}

func with(c docCase, ctx map[string][]string) docCase {
	c.ctx = ctx
	return c
}

var mayAssume = `{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::*:role/R"}`

var google = Principal{Provider: "accounts.google.com", Type: TypeFederated}

var webTrust = `{"Effect":"Allow","Principal":{"Federated":"accounts.google.com"},"Action":"sts:AssumeRoleWithWebIdentity",
	"Condition":{"StringEquals":{"accounts.google.com:aud":"app"}}}`

var trustCases = []docCase{
	assume(pageAssumed, "same account and the user named", user, trusts(toUser, ""), account, allow),
	assume(pageAssumed, "same account and the account named", user, trusts(toRoot, ""), account, noIdentity),
	assume(pageAssumed, "same account, the account named and the identity allows", user, trusts(toRoot, ""), account, allow, mayAssume),
	assume(pageAssumed, "identity allows and the role does not trust", user, trusts(`{"AWS":"444455556666"}`, ""), account, noTrust, allowAll),
	assume(pageAssumed, "other account and the user named", user, trusts(toUser, ""), other, noIdentity),
	assume(pageAssumed, "other account and both allow", user, trusts(toUser, ""), other, allow, mayAssume),
	assume(pageAssume, "other account trusts the account", user, trusts(toAccount, ""), other, allow, mayAssume),
	assume(pageAssume, "the identity allows another role only", user, trusts(toAccount, ""), other, noIdentity,
		`{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"arn:aws:iam::444455556666:role/Other"}`),
	assume(pageTrust, "session of a trusted role chains", session, trusts(toRole, ""), account, allow),
	assume(pageTrust, "everyone is trusted", user, trusts(`"*"`, ""), account, allow),
	assume(pageTrust, "a service is trusted", service, trusts(`{"Service":"lambda.amazonaws.com"}`, ""), account, allow),
	assume(pageTrust, "another service is not", service, trusts(`{"Service":"ec2.amazonaws.com"}`, ""), account, noTrust),
	assume(pageTrust, "a user is not a service", user, trusts(`{"Service":"ec2.amazonaws.com"}`, ""), account, noTrust, allowAll),
	with(assume(pageExternal, "right external id", user, trusts(toAccount, `"StringEquals":{"sts:ExternalId":"12345"}`), other, allow, mayAssume),
		is("sts:ExternalId", "12345")),
	with(assume(pageExternal, "wrong external id", user, trusts(toAccount, `"StringEquals":{"sts:ExternalId":"12345"}`), other, noTrust, mayAssume),
		is("sts:ExternalId", "54321")),
	assume(pageExternal, "no external id", user, trusts(toAccount, `"StringEquals":{"sts:ExternalId":"12345"}`), other, noTrust, mayAssume),
	{page: pageWeb, name: "web identity of the right audience", who: google, action: "sts:AssumeRoleWithWebIdentity",
		resourcePolicy: webTrust, ctx: is("accounts.google.com:aud", "app"), want: allow},
	{page: pageWeb, name: "web identity of another audience", who: google, action: "sts:AssumeRoleWithWebIdentity",
		resourcePolicy: webTrust, ctx: is("accounts.google.com:aud", "evil"), want: noTrust},
	{page: pageWeb, name: "web identity may not use AssumeRole", who: google, action: "sts:AssumeRole",
		resourcePolicy: webTrust, ctx: is("accounts.google.com:aud", "app"), want: noTrust},
}

func TestEvaluateTrust(t *testing.T) {
	for _, c := range []struct {
		name, trust string
		who         Principal
		grant       Grant
	}{
		{"user", trusts(toUser, ""), user, GrantDirect},
		{"account", trusts(toRoot, ""), user, GrantAccount},
		{"account and user, the closer counts", trusts(toRoot, "") + "," + trusts(toUser, ""), user, GrantDirect},
		{"role", trusts(toRole, ""), session, GrantEntity},
		{"root itself", trusts(toAccount, ""), root, GrantDirect},
		{"nobody", trusts(`{"AWS":"444455556666"}`, ""), user, GrantNone},
		{"denied", trusts(toUser, "") + `,{"Effect":"Deny","Principal":"*","Action":"sts:*"}`, user, GrantNone},
	} {
		t.Run(c.name, func(t *testing.T) {
			trust := mustParse(t, document(c.trust), Trust)
			d := EvaluateTrust(trust, Request{Action: "sts:AssumeRole", Resource: "arn:aws:iam::111122223333:role/R", Principal: c.who})
			if d.Grant != c.grant || d.Allowed != (c.grant != GrantNone) {
				t.Errorf("got %+v, want grant %d", d, c.grant)
			}
		})
	}
}
