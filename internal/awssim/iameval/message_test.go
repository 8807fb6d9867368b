package iameval

import "testing"

// TestMessages holds the texts against the page "Troubleshoot access denied
// error messages" (IAM UG: troubleshoot_access-denied) and the announcement of
// policy ARNs in them.
func TestMessages(t *testing.T) {
	const john = "User: arn:aws:iam::111122223333:user/JohnDoe is not authorized to perform: "
	const deny = `{"Sid":"No","Effect":"Deny","Action":"*","Resource":"*"}`
	arn := func(typ string) string { return "arn:aws:iam::111122223333:policy/" + typ }
	attached := func(statements, name string) Attached {
		return Attached{ARN: arn(name), Name: name, Policy: mustParse(t, document(statements), Identity)}
	}
	everything := []Attached{attached(allowAll, "All")}
	boundary, denyBoundary := attached(allowEC2, "B"), attached(allowAll+","+deny, "B")
	scp := mustParse(t, document(allowAll+","+deny), SCP).Named("arn:aws:organizations::999999999999:policy/o-x/service_control_policy/p-x", "Guard")

	for _, c := range []struct {
		name     string
		resource string
		who      Principal
		p        Policies
		want     string
	}{
		{"identity, implicit", "*", user, Policies{},
			john + "s3:GetObject because no identity-based policy allows the s3:GetObject action"},
		{"identity, implicit, on a resource", anObject, user, Policies{},
			john + "s3:GetObject on resource: " + anObject + " because no identity-based policy allows the s3:GetObject action"},
		{"identity, explicit", anObject, user, Policies{Identity: []Attached{attached(deny, "D")}},
			john + "s3:GetObject on resource: " + anObject + " with an explicit deny in an identity-based policy: " + arn("D")},
		{"identity, explicit, inline", anObject, user, Policies{Identity: []Attached{{Policy: mustParse(t, document(deny), Identity)}}},
			john + "s3:GetObject on resource: " + anObject + " with an explicit deny in an identity-based policy"},
		{"identity, explicit, cross-account", anObject, user, Policies{Identity: []Attached{attached(deny, "D")}, ResourceAccount: other},
			john + "s3:GetObject on resource: " + anObject + " with an explicit deny in an identity-based policy"},
		{"boundary, implicit", "*", user, Policies{Identity: everything, Boundary: &boundary},
			john + "s3:GetObject because no permissions boundary allows the s3:GetObject action"},
		{"boundary, explicit", "*", user, Policies{Identity: everything, Boundary: &denyBoundary},
			john + "s3:GetObject with an explicit deny in a permissions boundary: " + arn("B")},
		{"boundary that is gone", "*", user, Policies{Identity: everything, HasBoundary: true},
			john + "s3:GetObject because no permissions boundary allows the s3:GetObject action"},
		{"session, implicit", "*", session, Policies{Identity: everything, HasSession: true},
			"User: arn:aws:sts::111122223333:assumed-role/examplerole/sess is not authorized to perform: s3:GetObject because no session policy allows the s3:GetObject action"},
		{"session, explicit", "*", session, Policies{Identity: everything, Session: []Attached{{Policy: mustParse(t, document(deny), Identity)}}},
			"User: arn:aws:sts::111122223333:assumed-role/examplerole/sess is not authorized to perform: s3:GetObject with an explicit deny in a session policy"},
		{"SCP, implicit", "*", user, Policies{Identity: everything, SCPs: [][]*Policy{{}}},
			john + "s3:GetObject because no service control policy allows the s3:GetObject action"},
		{"SCP, explicit", "*", user, Policies{Identity: everything, SCPs: [][]*Policy{{scp}}},
			john + "s3:GetObject with an explicit deny in a service control policy: arn:aws:organizations::999999999999:policy/o-x/service_control_policy/p-x"},
		{"resource, implicit", "*", user, Policies{Identity: everything, ResourceAccount: other},
			john + "s3:GetObject because no resource-based policy allows the s3:GetObject action"},
		{"resource, explicit", "*", user, Policies{Resource: &Attached{Policy: mustParse(t, document(`{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}`), Resource)}},
			john + "s3:GetObject with an explicit deny in a resource-based policy"},
		{"trust, implicit", "*", user, Policies{ResourceMustAllow: true, Resource: &Attached{Policy: mustParse(t, document(trusts(toRole, "")), Trust)}},
			john + "s3:GetObject because no role trust policy allows the s3:GetObject action"},
		{"anonymous", "*", anonymous, Policies{},
			"User: anonymous is not authorized to perform: s3:GetObject because no resource-based policy allows the s3:GetObject action"},
	} {
		t.Run(c.name, func(t *testing.T) {
			req := Request{Action: "s3:GetObject", Resource: c.resource, Principal: c.who}
			if got := Evaluate(req, c.p).Message(req); got != c.want {
				t.Errorf("\n got %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestMatchedStatements(t *testing.T) {
	named := func(sid, action string) Attached {
		return Attached{Name: sid, Policy: mustParse(t, document(`{"Sid":"`+sid+`","Effect":"Allow","Action":"`+action+`","Resource":"*"}`), Identity)}
	}
	boundary := named("Cap", "s3:*")
	req := Request{Action: "s3:GetObject", Resource: "*", Principal: user}
	d := Evaluate(req, Policies{Identity: []Attached{named("No", "ec2:*"), named("Yes", "s3:*")}, Boundary: &boundary})
	if d.Statement != "Yes" || len(d.Matched) != 2 || d.Matched[0].Statement != "Yes" || d.Matched[1] != (Match{By: typeBoundary, Name: "Cap", Statement: "Cap"}) {
		t.Errorf("%+v", d)
	}
}
