package iameval

import (
	"slices"
	"strings"
	"testing"
)

// docCase is a decision that a page of AWS's documentation states.
type docCase struct {
	page string // "IAM UG: <page>" or "Organizations UG: <page>"
	name string

	action, resource string // default s3:GetObject on the example bucket
	who              Principal
	ctx              map[string][]string

	// Statements, each policy one string. A resource policy that has no
	// Resource is a trust policy.
	identity, session []string
	boundary          string
	scps              [][]string
	resourcePolicy    string
	resourceAccount   string
	mustAllow         bool

	want string // "allow", "explicit <type>" or "implicit <type>"
}

const (
	allow     = "allow"
	account   = "111122223333"
	other     = "444455556666"
	anObject  = "arn:aws:s3:::amzn-s3-demo-bucket/file.txt"
	federated = "arn:aws:sts::111122223333:federated-user/dev"
)

var (
	user = Principal{ARN: "arn:aws:iam::111122223333:user/JohnDoe", Account: account,
		UserID: "AIDAEXAMPLE", UserName: "JohnDoe", Type: TypeUser}
	session = Principal{ARN: "arn:aws:sts::111122223333:assumed-role/examplerole/sess",
		RoleARN: "arn:aws:iam::111122223333:role/examplerole", Account: account,
		UserID: "AROAEXAMPLE:sess", Type: TypeAssumedRole}
	fedUser = Principal{ARN: federated, UserARN: user.ARN, Account: account,
		UserID: "111122223333:dev", Type: TypeFederatedUser}
	root = Principal{ARN: "arn:aws:iam::111122223333:root", Account: account,
		UserID: account, Type: TypeRoot}
	service   = Principal{Service: "lambda.amazonaws.com", Type: TypeService}
	anonymous = Principal{Type: TypeAnonymous}
)

const (
	allowAll = `{"Effect":"Allow","Action":"*","Resource":"*"}`
	allowS3  = `{"Effect":"Allow","Action":"s3:*","Resource":"*"}`
	allowEC2 = `{"Effect":"Allow","Action":"ec2:*","Resource":"*"}`
	denyS3   = `{"Effect":"Deny","Action":"s3:*","Resource":"*"}`
)

// when is a statement that allows everything under a condition.
func when(condition string) string {
	return `{"Effect":"Allow","Action":"*","Resource":"*","Condition":{` + condition + `}}`
}

// grantTo is a bucket policy's statement that allows a Principal element.
func grantTo(principal string) string {
	return `{"Effect":"Allow","Principal":` + principal + `,"Action":"s3:*","Resource":"*"}`
}

func is(key string, values ...string) map[string][]string {
	return map[string][]string{key: values}
}

func document(statements string) string {
	return `{"Version":"2012-10-17","Statement":[` + statements + `]}`
}

func mustParse(t testing.TB, doc string, kind Kind) *Policy {
	t.Helper()
	p, err := Parse(doc, kind)
	if err != nil {
		t.Fatalf("%v (%s)\n%s", err, err.(*ParseError).Detail, doc)
	}
	return p
}

func attachAll(t testing.TB, statements []string) []Attached {
	t.Helper()
	var list []Attached
	for _, s := range statements {
		list = append(list, Attached{Policy: mustParse(t, document(s), Identity)})
	}
	return list
}

func (c docCase) request() Request {
	req := Request{Action: c.action, Resource: c.resource, Principal: c.who, Context: c.ctx}
	if req.Action == "" {
		req.Action = "s3:GetObject"
	}
	if req.Resource == "" {
		req.Resource = anObject
	}
	if req.Principal.Type == "" {
		req.Principal = user
	}
	return req
}

func (c docCase) policies(t testing.TB) Policies {
	t.Helper()
	p := Policies{
		Identity: attachAll(t, c.identity), Session: attachAll(t, c.session),
		ResourceAccount: c.resourceAccount, ResourceMustAllow: c.mustAllow,
	}
	if c.boundary != "" {
		p.Boundary = &attachAll(t, []string{c.boundary})[0]
	}
	for _, level := range c.scps {
		var parsed []*Policy
		for _, s := range level {
			parsed = append(parsed, mustParse(t, document(s), SCP))
		}
		p.SCPs = append(p.SCPs, parsed)
	}
	if c.resourcePolicy != "" {
		kind := Resource
		if !strings.Contains(c.resourcePolicy, "Resource") {
			kind = Trust
		}
		p.Resource = &Attached{Policy: mustParse(t, document(c.resourcePolicy), kind)}
	}
	return p
}

func outcome(d Decision) string {
	switch {
	case d.Allowed:
		return allow
	case d.Explicit:
		return "explicit " + d.By
	}
	return "implicit " + d.By
}

func TestDocumentedDecisions(t *testing.T) {
	cases := slices.Concat(logicCases, orgCases, elementCases, conditionCases, setCases, trustCases)
	if len(cases) < 120 {
		t.Errorf("only %d cases", len(cases))
	}
	seen := map[string]bool{}
	for _, c := range cases {
		if c.page == "" || seen[c.page+c.name] {
			t.Errorf("case %q has no page, or stands twice", c.name)
		}
		seen[c.page+c.name] = true
		t.Run(strings.ReplaceAll(c.name, " ", "_"), func(t *testing.T) {
			t.Parallel()
			req := c.request()
			d := Evaluate(req, c.policies(t))
			if got := outcome(d); got != c.want {
				t.Errorf("%s\n%s: got %s, want %s", c.page, c.name, got, c.want)
			}
			if d.Allowed != (d.Message(req) == "") {
				t.Errorf("message %q with allowed %v", d.Message(req), d.Allowed)
			}
		})
	}
}
