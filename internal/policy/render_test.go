package policy

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/kodekloud/kml/internal/awssim/iameval"
	"github.com/kodekloud/kml/internal/fleet"
)

func TestTemplates(t *testing.T) {
	t.Parallel()
	lt := s3Lab
	lt.Regions, lt.Services = []string{"eu-west-1", "us-east-1"}, []string{"iam", "sqs"}
	lt.Statements = []fleet.Statement{{Sid: "A", Effect: "Allow", Actions: []string{"sqs:*", "iam:PassRole"}, Resources: []string{
		"arn:{{.Partition}}:sqs:{{.Regions}}:{{.Account}}:{{.User}}-*", "arn:{{.Partition}}:iam::{{.Account}}:role{{.LabPath}}*"},
		Conditions: map[string]map[string][]string{"StringEquals": {"aws:PrincipalTag/x": {"{{.User}}"}}}}}
	in := inputFor(lt)
	in.UserARN, in.BoundaryARN = strings.Replace(userARN, ":aws:", ":aws-cn:", 1), strings.Replace(boundaryARN, ":aws:", ":aws-cn:", 1)
	set, err := LabPolicies(in)
	if err != nil {
		t.Fatal(err)
	}
	resources := `"Resource":["arn:aws-cn:sqs:eu-west-1:111122223333:kml-student-7-*","arn:aws-cn:sqs:us-east-1:111122223333:kml-student-7-*","arn:aws-cn:iam::111122223333:role/lab/*"]`
	want := `{"Version":"2012-10-17","Statement":[` +
		`{"Sid":"A","Effect":"Allow","Action":"sqs:*",` + resources + `,"Condition":{"StringEquals":{"aws:PrincipalTag/x":"kml-student-7","aws:RequestedRegion":["eu-west-1","us-east-1"]}}},` +
		`{"Sid":"AGlobal","Effect":"Allow","Action":"iam:PassRole",` + resources + `,"Condition":{"StringEquals":{"aws:PrincipalTag/x":"kml-student-7"}}}]}`
	if len(set.Documents) != 1 || set.Documents[0].JSON != want || set.Documents[0].Name != "kml-s3-1" {
		t.Errorf("got  %+v\nwant %s", set.Documents, want)
	}
}

func TestDigest(t *testing.T) {
	t.Parallel()
	digest := func(change func(*Input)) string {
		in := inputFor(s3Lab)
		change(&in)
		set, err := LabPolicies(in)
		if err != nil {
			t.Fatal(err)
		}
		return set.Digest
	}
	same := digest(func(*Input) {})
	if got := digest(func(in *Input) { in.End = in.End.Add(time.Hour); in.LabType.Title = "other" }); got != same {
		t.Error("the digest depends on what is not in the documents")
	}
	if digest(func(in *Input) { in.LabType.Regions = []string{"us-east-1"} }) == same {
		t.Error("the digest does not see another Region")
	}
}

// many makes a lab type of n statements of about size characters.
func many(n, size int) fleet.LabType {
	lt := fleet.LabType{Name: "many", Regions: []string{"eu-west-1"}, Services: []string{"s3"}}
	for i := range n {
		lt.Statements = append(lt.Statements, fleet.Statement{Sid: fmt.Sprintf("S%d", i), Effect: "Deny", Actions: []string{"s3:PutObject"},
			Resources: []string{"arn:aws:s3:::" + strings.Repeat("x", size)}})
	}
	return lt
}

func TestPackingIsTightAndComplete(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		lt := many(0, 0)
		for _, size := range rapid.SliceOfN(rapid.IntRange(1, 4000), 1, 12).Draw(t, "sizes") {
			lt.Statements = append(lt.Statements, many(1, size).Statements[0])
			lt.Statements[len(lt.Statements)-1].Sid = ""
		}
		set, err := LabPolicies(inputFor(lt))
		if err != nil {
			if !errors.Is(err, fleet.ErrInvalid) {
				t.Fatal(err)
			}
			return
		}
		total, statements := 0, 0
		for _, d := range set.Documents {
			n := NonSpaceLen(d.JSON)
			if n > MaxPolicySize {
				t.Fatalf("%s has %d characters", d.Name, n)
			}
			total, statements = total+n, statements+strings.Count(d.JSON, `"Effect"`)
		}
		if statements != len(lt.Statements) {
			t.Fatalf("%d statements of %d", statements, len(lt.Statements))
		}
		// First-fit leaves at most one document half empty.
		if n := len(set.Documents); n > 1 && total <= (n-1)*MaxPolicySize/2 {
			t.Fatalf("%d documents for %d characters", n, total)
		}
	})
}

func TestFaultsNameTheirPlace(t *testing.T) {
	t.Parallel()
	with := func(s fleet.Statement) fleet.LabType { lt := s3Lab; lt.Statements = []fleet.Statement{s}; return lt }
	good := allow("s3:*")
	for _, c := range []struct {
		name, field, value string
		lt                 fleet.LabType
	}{
		{"unknown template name", "statements[0].resources[0]", "{{.Acount}}", with(fleet.Statement{Effect: "Allow", Actions: good.Actions, Resources: []string{"arn:{{.Acount}}"}})},
		{"broken template", "statements[0].resources[0]", "{{.Account", with(fleet.Statement{Effect: "Allow", Actions: good.Actions, Resources: []string{"{{.Account"}})},
		{"template that computes", "statements[0].resources[0]", "printf", with(fleet.Statement{Effect: "Allow", Actions: good.Actions, Resources: []string{`{{printf "%999999999d" 1}}`}})},
		{"unknown name in a condition", "statements[0].conditions.StringEquals.s3:prefix[1]", "{{.Nobody}}", with(fleet.Statement{Effect: "Allow", Actions: good.Actions,
			Resources: good.Resources, Conditions: map[string]map[string][]string{"StringEquals": {"s3:prefix": {"a", "{{.Nobody}}"}}}})},
		{"effect", "statements[0].effect", "Permit", with(fleet.Statement{Effect: "Permit", Actions: good.Actions, Resources: good.Resources})},
		{"everything", "statements[0].actions[0]", "*", with(allow("*"))},
		{"service not of the lab", "statements[0].actions[1]", "sqs:SendMessage", with(allow("s3:*", "sqs:SendMessage"))},
		{"allow but", "statements[0].not_actions", "s3:DeleteBucket", with(fleet.Statement{Effect: "Allow", NotActions: []string{"s3:DeleteBucket"}, Resources: good.Resources})},
		{"no resource", "statements[0].resources", "", with(fleet.Statement{Effect: "Allow", Actions: good.Actions})},
		{"sid twice", "statements[1].sid", "A", fleet.LabType{Name: "s3", Regions: s3Lab.Regions, Services: s3Lab.Services,
			Statements: []fleet.Statement{{Sid: "A", Effect: "Deny", Actions: good.Actions, Resources: good.Resources}, {Sid: "A", Effect: "Deny", Actions: good.Actions, Resources: good.Resources}}}},
		{"statement too large", "statements[0]", "S0: 62", many(1, 6200)},
		{"too many documents", "statements", "9 policies", many(9, 5000)},
		{"refused service", "services[1]", "organizations", fleet.LabType{Name: "x", Regions: s3Lab.Regions, Services: []string{"s3", "organizations"}, Statements: s3Lab.Statements}},
		{"unknown service", "services[0]", "S3", fleet.LabType{Name: "x", Regions: s3Lab.Regions, Services: []string{"S3"}, Statements: s3Lab.Statements}},
		{"no statement", "statements", "", fleet.LabType{Name: "x", Regions: s3Lab.Regions, Services: s3Lab.Services}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := LabPolicies(inputFor(c.lt))
			var f *fleet.FieldError
			if !errors.As(err, &f) {
				t.Fatalf("got %v", err)
			}
			if f.Field != c.field || !strings.Contains(f.Value, c.value) || f.Remedy == "" || !strings.Contains(err.Error(), c.lt.Name) {
				t.Errorf("got %v", err)
			}
		})
	}
}

func TestBoundaryInput(t *testing.T) {
	t.Parallel()
	for field, change := range map[string]func(*Input){
		"account":      func(in *Input) { in.Account = "1" },
		"user_arn":     func(in *Input) { in.UserARN = "" },
		"boundary_arn": func(in *Input) { in.BoundaryARN = "kml" },
		"member_role":  func(in *Input) { in.MemberRole = "" },
		"end":          func(in *Input) { in.End = in.Start },
		"regions":      func(in *Input) { in.LabType.Regions = nil },
		"services": func(in *Input) {
			in.LabType.Services = known
		},
	} {
		in := inputFor(s3Lab)
		change(&in)
		_, err := Boundary(in)
		var f *fleet.FieldError
		if !errors.As(err, &f) || f.Field != field {
			t.Errorf("%s: got %v", field, err)
		}
	}
}

// The boundary must have room for every lab that makes sense: all services with
// actions to be denied, and a dozen instance types in all Regions of a course.
func TestBoundarySizes(t *testing.T) {
	t.Parallel()
	lt := openLab
	lt.Services = append([]string{"cloudwatch", "logs", "events", "sqs", "sns", "dynamodb", "rds", "ecs", "ecr", "ssm", "elasticloadbalancing",
		"cloudformation", "apigateway", "states", "secretsmanager", "cloudfront", "route53"}, lt.Services...)
	lt.Regions = []string{"us-east-1", "us-east-2", "us-west-2", "eu-west-1", "eu-central-1", "ap-south-1"}
	lt.InstanceTypes = []string{"t2.micro", "t3.micro", "t3a.micro", "t4g.micro", "t2.small", "t3.small"}
	doc, err := Boundary(inputFor(lt))
	if err != nil {
		t.Fatal(err)
	}
	parse(t, doc)
	t.Logf("%d characters", NonSpaceLen(doc))
	if NonSpaceLen(" a\tb\nc\u00a0é") != 4 {
		t.Error("NonSpaceLen")
	}
}

// Nothing is allowed at or after the end, whatever identity policies say.
func TestNothingAfterTheEnd(t *testing.T) {
	t.Parallel()
	actions := []string{"ec2:RunInstances", "s3:GetObject", "iam:CreateUser", "iam:ListRoles", "sts:AssumeRole", "sts:GetSessionToken", "lambda:InvokeFunction", "foo:Bar", "kms:Decrypt"}
	resources := []string{"*", userARN, boundaryARN, iamARN("role/lab/r"), iamARN("role/" + memberRole), "arn:aws:s3:::b/o", instance}
	rapid.Check(t, func(t *rapid.T) {
		in := inputFor(rapid.SampledFrom([]fleet.LabType{ec2Lab, s3Lab, openLab, bareLab, idpLab}).Draw(t, "lab"))
		in.End = start.Add(time.Duration(rapid.Int64Range(1, int64(12*time.Hour)).Draw(t, "length"))).Add(time.Second)
		doc, err := Boundary(in)
		if err != nil {
			t.Fatal(err)
		}
		boundary, err := iameval.Parse(doc, iameval.Identity)
		if err != nil {
			t.Fatal(err)
		}
		action, resource := rapid.SampledFrom(actions).Draw(t, "action"), rapid.SampledFrom(resources).Draw(t, "resource")
		identity, err := iameval.Parse(fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":%q,"Resource":%q},{"Effect":"Allow","Action":"*","Resource":"*"}]}`, action, resource), iameval.Identity)
		if err != nil {
			t.Fatal(err)
		}
		who := rapid.SampledFrom([]iameval.Principal{
			{ARN: userARN, Account: account, Type: iameval.TypeUser},
			{ARN: "arn:aws:sts::" + account + ":assumed-role/r/s", RoleARN: iamARN("role/lab/r"), Account: account, Type: iameval.TypeAssumedRole},
			{ARN: "arn:aws:sts::" + account + ":federated-user/f", UserARN: userARN, Account: account, Type: iameval.TypeFederatedUser},
		}).Draw(t, "who")
		at := in.End.Add(time.Duration(rapid.Int64Range(0, int64(48*time.Hour)).Draw(t, "after")))
		ctx := map[string][]string{
			"aws:CurrentTime":         {at.UTC().Format("2006-01-02T15:04:05Z")},
			"aws:RequestedRegion":     {rapid.SampledFrom([]string{"eu-west-1", "us-east-1"}).Draw(t, "region")},
			"iam:PermissionsBoundary": {boundaryARN},
			"ec2:InstanceType":        {"t3.micro"},
		}
		d := iameval.Evaluate(iameval.Request{Action: action, Resource: resource, Principal: who, Context: ctx}, iameval.Policies{
			Identity: []iameval.Attached{{Policy: identity}}, Session: []iameval.Attached{{Policy: identity}},
			Boundary: &iameval.Attached{ARN: boundaryARN, Policy: boundary}})
		if d.Allowed || !d.Explicit {
			t.Fatalf("%s by %s at %v, end %v: %+v", action, who.ARN, at, in.End, d)
		}
	})
}

func TestEveryRefusalHasAReason(t *testing.T) {
	t.Parallel()
	for names := range refused {
		for _, s := range strings.Fields(names) {
			if !strings.Contains(refusal(s), "no lab may have") {
				t.Errorf("%s: %q", s, refusal(s))
			}
		}
	}
	for s := range services {
		if refusal(s) != "" {
			t.Errorf("service %s of the table is not known", s)
		}
	}
}
