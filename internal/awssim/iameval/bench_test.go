package iameval

import "testing"

// BenchmarkEvaluate is a student's call under what the fleet really attaches:
// two levels of SCPs, a boundary with a Region and a time limit, two policies.
func BenchmarkEvaluate(b *testing.B) {
	guard := mustParse(b, document(allowAll+","+regionSCP+","+instanceSCP+","+rootSCP), SCP)
	all := mustParse(b, document(allowAll), SCP)
	boundary := Attached{Policy: mustParse(b, document(`{"Effect":"Allow","Action":["s3:*","ec2:*","lambda:*","iam:Get*","iam:List*"],"Resource":"*"},
		{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"DateGreaterThan":{"aws:CurrentTime":"2026-12-01T00:00:00Z"}}},
		{"Effect":"Deny","Action":["iam:*","sts:AssumeRole"],"Resource":"arn:aws:iam::*:role/Fleet*"}`), Identity)}
	p := Policies{SCPs: [][]*Policy{{all, guard}, {all}}, Boundary: &boundary, Identity: []Attached{
		{Policy: mustParse(b, document(home+","+interplay), Identity)}, {Policy: mustParse(b, document(allowEC2), Identity)}}}
	req := Request{Action: "ec2:RunInstances", Resource: "arn:aws:ec2:eu-west-1:111122223333:instance/*", Principal: user,
		Context: map[string][]string{"aws:CurrentTime": {"2026-11-05T12:00:00Z"}, "aws:RequestedRegion": {"eu-west-1"},
			"ec2:InstanceType": {"t2.micro"}, "aws:SourceIp": {"203.0.113.7"}}}
	if d := Evaluate(req, p); !d.Allowed {
		b.Fatal(d.Message(req))
	}
	b.ReportAllocs()
	for b.Loop() {
		Evaluate(req, p)
	}
}

func BenchmarkParse(b *testing.B) {
	doc := document(carlos + "," + regionSCP)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Parse(doc, Identity); err != nil {
			b.Fatal(err)
		}
	}
}
