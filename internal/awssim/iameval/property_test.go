package iameval

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// The properties use few actions, resources and callers, so that generated
// statements often meet the generated request.

func drawStatement(t *rapid.T, effect string, principal bool) string {
	action := rapid.SampledFrom([]string{`"Action":"*"`, `"Action":"s3:*"`, `"Action":"s3:Get*"`, `"NotAction":"s3:PutObject"`, `"Action":["ec2:*","s3:PutObject"]`}).Draw(t, "action")
	resource := rapid.SampledFrom([]string{`"Resource":"*"`, `"Resource":"arn:aws:s3:::a/*"`, `"NotResource":"arn:aws:s3:::a/*"`, `"Resource":"arn:aws:s3:::${aws:username}/*"`}).Draw(t, "resource")
	condition := rapid.SampledFrom([]string{``, ``, `,"Condition":{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`,
		`,"Condition":{"StringNotLike":{"aws:RequestedRegion":"eu-*"}}`, `,"Condition":{"DateLessThanIfExists":{"aws:TokenIssueTime":"2026-01-01T00:00:00Z"}}`}).Draw(t, "condition")
	who := ""
	if principal {
		who = `"Principal":` + rapid.SampledFrom([]string{`"*"`, toUser, toRole, toSession, toFed, toAccount, `{"AWS":"444455556666"}`}).Draw(t, "principal") + `,`
	}
	return `{"Effect":"` + effect + `",` + who + action + `,` + resource + condition + `}`
}

func drawPolicy(t *rapid.T, kind Kind) *Policy {
	var statements []string
	for range rapid.IntRange(1, 3).Draw(t, "statements") {
		effect := rapid.SampledFrom([]string{"Allow", "Allow", "Allow", "Deny"}).Draw(t, "effect")
		statements = append(statements, drawStatement(t, effect, kind == Resource))
	}
	return parsed(t, kind, statements...)
}

func parsed(t *rapid.T, kind Kind, statements ...string) *Policy {
	p, err := Parse(document(strings.Join(statements, ",")), kind)
	if err != nil {
		t.Fatalf("%v: %v", err, statements)
	}
	return p
}

func drawPolicies(t *rapid.T) Policies {
	var p Policies
	for range rapid.IntRange(0, 2).Draw(t, "identity") {
		p.Identity = append(p.Identity, Attached{Policy: drawPolicy(t, Identity)})
	}
	for range rapid.IntRange(0, 2).Draw(t, "levels") {
		p.SCPs = append(p.SCPs, []*Policy{parsed(t, SCP, allowAll), drawPolicy(t, SCP)})
	}
	if rapid.Bool().Draw(t, "bounded") {
		p.Boundary = &Attached{Policy: drawPolicy(t, Identity)}
	}
	if rapid.Bool().Draw(t, "session") {
		p.Session = []Attached{{Policy: drawPolicy(t, Identity)}}
	}
	if rapid.Bool().Draw(t, "resource") {
		p.Resource = &Attached{Policy: drawPolicy(t, Resource)}
		p.ResourceAccount = rapid.SampledFrom([]string{"", account, other}).Draw(t, "owner")
	}
	return p
}

func drawRequest(t *rapid.T) Request {
	req := Request{
		Action:    rapid.SampledFrom([]string{"s3:GetObject", "s3:PutObject", "ec2:RunInstances"}).Draw(t, "call"),
		Resource:  rapid.SampledFrom([]string{"*", "arn:aws:s3:::a/x", "arn:aws:s3:::JohnDoe/x"}).Draw(t, "on"),
		Principal: rapid.SampledFrom([]Principal{user, session, fedUser, root, anonymous}).Draw(t, "who"),
		Context:   map[string][]string{"aws:RequestedRegion": {rapid.SampledFrom([]string{"eu-west-1", "us-east-1"}).Draw(t, "region")}},
	}
	if rapid.Bool().Draw(t, "temporary") {
		req.Context["aws:TokenIssueTime"] = []string{"2025-06-01T00:00:00Z"}
	}
	return req
}

// place adds a policy with one more statement in a drawn place that applies to
// the caller, and returns the changed copy.
func place(t *rapid.T, p Policies, req Request, effect, condition string) Policies {
	s := `{"Effect":"` + effect + `","Action":"*","Resource":"*"` + condition + `}`
	places := []string{"resource"}
	if req.Principal.Type != TypeAnonymous {
		places = append(places, "scp", "identity", "boundary", "session")
	}
	extra := Attached{Policy: parsed(t, Identity, s)}
	switch rapid.SampledFrom(places).Draw(t, "place") {
	case "resource":
		statement := strings.Replace(s, `"Action"`, `"Principal":"*","Action"`, 1)
		joined := &Policy{kind: Resource, statements: parsed(t, Resource, statement).statements}
		if p.Resource != nil {
			joined.statements = append(joined.statements, p.Resource.Policy.statements...)
		}
		p.Resource = &Attached{Policy: joined}
	case "scp":
		if len(p.SCPs) == 0 && effect == "Allow" {
			return p
		}
		if len(p.SCPs) == 0 {
			p.SCPs = [][]*Policy{nil}
		}
		level := rapid.IntRange(0, len(p.SCPs)-1).Draw(t, "level")
		p.SCPs = append([][]*Policy(nil), p.SCPs...)
		p.SCPs[level] = append([]*Policy{parsed(t, SCP, s)}, p.SCPs[level]...)
	case "identity":
		p.Identity = append([]Attached{extra}, p.Identity...)
	case "boundary":
		if p.Boundary == nil && effect == "Allow" {
			return p
		}
		joined := &Policy{statements: extra.Policy.statements}
		if p.Boundary != nil {
			joined.statements = append(joined.statements, p.Boundary.Policy.statements...)
		}
		p.Boundary = &Attached{Policy: joined}
	case "session":
		if len(p.Session) == 0 && effect == "Allow" {
			return p
		}
		p.Session = append([]Attached{extra}, p.Session...)
	}
	return p
}

func TestAnExplicitDenyAlwaysDenies(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		req, p := drawRequest(t), drawPolicies(t)
		if d := Evaluate(req, place(t, p, req, "Deny", "")); d.Allowed || !d.Explicit || len(d.Matched) != 1 {
			t.Fatalf("%+v", d)
		}
	})
}

func TestAnAllowNeverTakesAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		req, p := drawRequest(t), drawPolicies(t)
		before := Evaluate(req, p)
		if after := Evaluate(req, place(t, p, req, "Allow", "")); before.Allowed && !after.Allowed {
			t.Fatalf("%+v became %+v", before, after)
		}
	})
}

func TestADenyThatDoesNotApplyChangesNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		req, p := drawRequest(t), drawPolicies(t)
		p.SCPs = append(p.SCPs, []*Policy{parsed(t, SCP, allowAll)})
		if p.Boundary == nil {
			p.Boundary = &Attached{Policy: parsed(t, Identity, allowAll)}
		}
		if p.Session == nil {
			p.Session = []Attached{{Policy: parsed(t, Identity, allowAll)}}
		}
		after := place(t, p, req, "Deny", `,"Condition":{"Null":{"aws:RequestedRegion":"true"}}`)
		if a, b := Evaluate(req, p), Evaluate(req, after); outcome(a) != outcome(b) {
			t.Fatalf("%s became %s", outcome(a), outcome(b))
		}
	})
}

func TestLimitsOnlyTakeAway(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		req, p := drawRequest(t), drawPolicies(t)
		free := p
		free.SCPs, free.Boundary = nil, nil
		if req.Principal.Type != TypeFederatedUser { // needs a session policy
			free.Session = nil
		}
		if Evaluate(req, p).Allowed && !Evaluate(req, free).Allowed {
			t.Fatal("a limit allowed what was denied without it")
		}
	})
}

func TestActionCaseDoesNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		req, p := drawRequest(t), drawPolicies(t)
		before := outcome(Evaluate(req, p))
		req.Action = strings.ToUpper(req.Action)
		if after := outcome(Evaluate(req, p)); after != before {
			t.Fatalf("%s became %s", before, after)
		}
	})
}

func TestMatchesAgreesWithRegexp(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		pattern := rapid.StringMatching(`[ab:é*?]{0,8}`).Draw(t, "pattern")
		value := rapid.StringMatching(`[ab:é]{0,8}`).Draw(t, "value")
		quoted := strings.NewReplacer(`\*`, `.*`, `\?`, `.`).Replace(regexp.QuoteMeta(pattern))
		want := regexp.MustCompile(`^(?s:` + quoted + `)$`).MatchString(value)
		compiled := compilePattern(pattern, dialect{wildcards: true, variables: true})
		if got := Matches(pattern, value); got != want || compiled.match(value, &request{Request: &Request{}}) != want {
			t.Fatalf("%q against %q: %v, want %v", pattern, value, got, want)
		}
	})
}

func TestANegatedOperatorIsTheOpposite(t *testing.T) {
	pairs := map[string]string{"StringEquals": "StringNotEquals", "StringLike": "StringNotLike", "StringEqualsIgnoreCase": "StringNotEqualsIgnoreCase",
		"NumericEquals": "NumericNotEquals", "DateEquals": "DateNotEquals", "IpAddress": "NotIpAddress", "ArnLike": "ArnNotLike", "ArnEquals": "ArnNotEquals"}
	samples := map[string][]string{"Str": {"a", "A", "a*", ""}, "Num": {"1", "1.0", "2"}, "Dat": {"2020-01-01", "1577836800", "2021-01-01T00:00Z"},
		"IpA": {"10.0.0.1", "10.0.0.0/8", "::1"}, "Arn": {"arn:aws:s3:::a", "arn:aws:s3:::*"}}
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"StringEquals", "StringLike", "StringEqualsIgnoreCase", "NumericEquals", "DateEquals", "IpAddress", "ArnLike", "ArnEquals"}).Draw(t, "operator")
		texts := samples[name[:3]]
		values := rapid.SliceOfN(rapid.SampledFrom(texts), 1, 3).Draw(t, "policy")
		r := newRequest(&Request{})
		if rapid.Bool().Draw(t, "present") {
			r.Context = is("aws:key", rapid.SampledFrom(texts).Draw(t, "value"))
		}
		plain, err := compileCondition(name, "aws:key", values, dialect{})
		negated, err2 := compileCondition(pairs[name], "aws:key", values, dialect{})
		if err != nil || err2 != nil || plain.holds(r) == negated.holds(r) {
			t.Fatalf("%s and %s agree on %v, %v (%v)", name, pairs[name], values, r.Context, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add(document(carlos), 0)
	f.Add(document(notAudit), 1)
	f.Add(document(webTrust), 2)
	f.Add(document(regionSCP), 3)
	f.Add(document(on("s3:*", "arn:aws:s3:::b/${aws:username, 'x}'}${*}${")), 0)
	f.Fuzz(func(t *testing.T, doc string, kind int) {
		p, err := Parse(doc, Kind(kind&3))
		if (err == nil) == (p == nil) {
			t.Fatal("neither policy nor error, or both")
		}
		if err != nil && err.Error() == "" {
			t.Fatal("an error without words")
		}
	})
}
