package iameval

import (
	"errors"
	"strings"
	"testing"
)

func TestMalformed(t *testing.T) {
	const syntax = "Syntax errors in policy."
	const vendor = "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."
	condition := func(c string) string {
		return document(`{"Effect":"Allow","Action":"*","Resource":"*","Condition":` + c + `}`)
	}
	for _, c := range []struct {
		name   string
		kind   Kind
		doc    string
		reason string
	}{
		{"no JSON", Identity, `{"Version":`, syntax},
		{"two documents", Identity, document(allowS3) + `{}`, syntax},
		{"not an object", Identity, `[]`, syntax},
		{"key twice", Identity, document(`{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}`), syntax},
		{"unknown element", Identity, document(`{"Effect":"Allow","Action":"*","Resource":"*","Foo":1}`), syntax},
		{"element in another case", Identity, document(`{"effect":"Allow","Action":"*","Resource":"*"}`), syntax},
		{"no statement", Identity, document(``), syntax},
		{"no version", Identity, `{"Statement":` + allowS3 + `}`, "Policy document must be version 2012-10-17 or greater."},
		{"old version", Identity, `{"Version":"2008-10-17","Statement":` + allowS3 + `}`, "Policy document must be version 2012-10-17 or greater."},
		{"bad version", Identity, `{"Version":"2020-01-01","Statement":` + allowS3 + `}`, syntax},
		{"unknown effect", Identity, document(`{"Effect":"Permit","Action":"*","Resource":"*"}`), syntax},
		{"no effect", Identity, document(`{"Action":"*","Resource":"*"}`), syntax},
		{"no action", Identity, document(`{"Effect":"Allow","Resource":"*"}`), "Policy statement must contain actions."},
		{"empty action", Identity, document(`{"Effect":"Allow","Action":[],"Resource":"*"}`), "Policy statement must contain actions."},
		{"action and not action", Identity, document(`{"Effect":"Allow","Action":"*","NotAction":"*","Resource":"*"}`), syntax},
		{"action without vendor", Identity, document(on("GetObject", "*")), vendor},
		{"action with two colons", Identity, document(on("s3:Get:Object", "*")), "Actions/Condition can contain only one colon."},
		{"vendor with strange characters", Identity, document(on("s_3:x", "*")), "Vendor s_3 is not valid"},
		{"no resource", Identity, document(`{"Effect":"Allow","Action":"*"}`), "Policy statement must contain resources."},
		{"resource is no ARN", Identity, document(on("s3:*", "bucket")), `Resource bucket must be in ARN format or "*".`},
		{"resource of no partition", Identity, document(on("s3:*", "arn:x:s3:::b")), `Partition "x" is not valid for resource "arn:x:s3:::b".`},
		{"IAM with Region", Identity, document(on("iam:*", "arn:aws:iam:eu-west-1:111122223333:user/x")),
			"IAM resource arn:aws:iam:eu-west-1:111122223333:user/x cannot contain region information."},
		{"IAM resource of no kind", Identity, document(on("iam:*", "arn:aws:iam::111122223333:x")),
			`IAM resource path must either be "*" or start with user/, federated-user/, role/, group/, instance-profile/, mfa/, server-certificate/, policy/, sms-mfa/, saml-provider/, oidc-provider/, report/, access-report/.`},
		{"principal", Identity, document(grantTo(`"*"`)), "Policy document should not specify a principal."},
		{"same Sid twice", Identity, document(`{"Sid":"a","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"a","Effect":"Deny","Action":"*","Resource":"*"}`),
			"Statement IDs (SID) in a single policy must be unique."},
		{"Sid with a blank", Identity, document(`{"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"}`),
			"Statement IDs (SID) must be alpha-numeric. Check that your input satisfies the regular expression [0-9A-Za-z]*"},
		{"unknown operator", Identity, condition(`{"StringIs":{"aws:x":"y"}}`), syntax},
		{"Null with IfExists", Identity, condition(`{"NullIfExists":{"aws:x":"true"}}`), syntax},
		{"bad date", Identity, condition(`{"DateLessThan":{"aws:CurrentTime":"2020-13-01"}}`), "The policy failed legacy parsing"},
		{"bad number", Identity, condition(`{"NumericEquals":{"s3:max-keys":"ten"}}`), "The policy failed legacy parsing"},
		{"bad address", Identity, condition(`{"IpAddress":{"aws:SourceIp":"300.0.0.1"}}`), "The policy failed legacy parsing"},
		{"bad boolean", Identity, condition(`{"Bool":{"aws:SecureTransport":"yes"}}`), "The policy failed legacy parsing"},
		{"key without vendor", Identity, condition(`{"StringEquals":{"x":"y"}}`), vendor},
		{"wildcard character of ours", Identity, document(on("s3:*", `arn:aws:s3:::\u0001`)), syntax},
		{"too deep", Identity, strings.Repeat("[", 100000), syntax},

		{"trust without JSON", Trust, `x`, "This policy contains invalid Json"},
		{"trust with resource", Trust, document(grantTo(`"*"`)), "AssumeRole policy may only specify STS AssumeRole actions."},
		{"trust with STS and resource", Trust, document(`{"Effect":"Allow","Principal":"*","Action":"sts:AssumeRole","Resource":"*"}`), "Has prohibited field Resource"},
		{"trust without principal", Trust, document(`{"Effect":"Allow","Action":"sts:AssumeRole"}`), "Missing required field Principal"},
		{"trust in a group", Trust, document(trusts(`{"AWS":"arn:aws:iam::111122223333:group/g"}`, "")),
			`Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:group/g"`},
		{"trust in part of a name", Trust, document(trusts(`{"AWS":"arn:aws:iam::111122223333:user/*"}`, "")),
			`Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/*"`},
		{"trust in an unknown type", Trust, document(trusts(`{"Azure":"x"}`, "")), `Invalid principal in policy: "Azure":"x"`},
		{"bucket policy without principal", Resource, document(allowS3), "Missing required field Principal"},
		{"bucket policy without resource", Resource, document(`{"Effect":"Allow","Principal":"*","Action":"s3:*"}`), "Missing required field Resource"},
		{"bucket policy in no JSON", Resource, `x`, "Policies must be valid JSON and the first byte must be '{'"},
		{"SCP with principal", SCP, document(grantTo(`"*"`)), reasonSCP},
		{"SCP without version", SCP, `{"Statement":` + allowS3 + `}`, reasonSCP},
		{"SCP with a bad operator", SCP, condition(`{"StringIs":{"aws:x":"y"}}`), reasonSCP},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := Parse(c.doc, c.kind)
			var parse *ParseError
			if !errors.As(err, &parse) {
				t.Fatalf("accepted: %v", err)
			}
			if parse.Reason != c.reason || parse.Detail == "" {
				t.Errorf("got  %q (%s)\nwant %q", parse.Reason, parse.Detail, c.reason)
			}
		})
	}
}

// TestEveryFaultHasWords holds that no kind can answer with an empty message.
func TestEveryFaultHasWords(t *testing.T) {
	unreachable := map[Kind][]fault{
		Identity: {faultNoPrincipal, faultBadPrincipal, faultHasResource},
		Trust:    {faultNoResource, faultHasPrincipal, faultBadResource},
		Resource: {faultHasPrincipal, faultHasResource},
	}
	for kind, without := range unreachable {
		if got := len(reasons[kind]) + len(without); got != int(faultSID)+1 {
			t.Errorf("kind %d: %d reasons and exceptions for %d faults", kind, got, faultSID+1)
		}
	}
}

func TestOldVersionHasNoVariables(t *testing.T) {
	req := Request{Action: "s3:GetObject", Resource: "arn:aws:s3:::b/JohnDoe", Principal: user}
	for version, want := range map[string]bool{
		`"Version":"2012-10-17",`: true, `"Version":"2008-10-17",`: false, ``: false,
	} {
		doc := `{` + version + `"Statement":{"Effect":"Allow","Principal":"*","Action":"s3:*","Resource":"arn:aws:s3:::b/${aws:username}"}}`
		p := Policies{Resource: &Attached{Policy: mustParse(t, doc, Resource)}}
		if got := Evaluate(req, p).Allowed; got != want {
			t.Errorf("%s: %v", version, got)
		}
		req.Resource = "arn:aws:s3:::b/${aws:username}"
		if got := Evaluate(req, p).Allowed; got == want {
			t.Errorf("%s: literal text %v", version, got)
		}
		req.Resource = "arn:aws:s3:::b/JohnDoe"
	}
}

// TestMappedAddress: a dual-stack listener reports IPv4 callers as ::ffff:….
func TestMappedAddress(t *testing.T) {
	m, err := compileAddress("203.0.113.0/24", dialect{})
	if err != nil || !m.match("::ffff:203.0.113.9", nil) {
		t.Error("IPv4 in IPv6 clothes is not recognized", err)
	}
}

func TestPrincipals(t *testing.T) {
	p := mustParse(t, document(trusts(`{"AWS":["111122223333","arn:aws:iam::111122223333:role/r"],"Service":"ec2.amazonaws.com"}`, "")), Trust)
	if got := strings.Join(p.Principals(), " "); got != "111122223333 arn:aws:iam::111122223333:role/r" {
		t.Error(got)
	}
}
